"""The local endpoint: one address for every AWS client, with the engine in front of an AWS emulator (ministack).

`serve` is the program; `process` starts it as a child. A request goes through these files:

1. `http_server` parses it and calls `front_door`, which checks host and origin and picks who answers:
2. an invocation: `invoke/invoke_api` checks it; `deployments/functions` knows or asks what the name means;
   `invoke/invoker` counts concurrency and starts it in the engine. Events first go through `invoke/event_queue`, and
   their records to `invoke/destinations`.
3. a function URL: `function_urls/` makes the event, invokes in the same way, and makes the answer.
4. ``/_lab/``: `lab_requests` answers what a run asks (paths and types: `lab_api`), with the secret of `control_secret`.
5. all else: `wire` forwards it to `emulator/`, or to `telemetry/` if it is about logs and metrics. In the emulator's
   process, `lambda_api/` comes before ministack's own Lambda API. A function's calls are counted, delayed by a latency
   profile (`profiles`), and can be made to fail. `deployments/deployments` notices changes of functions in what passes.

An error is an `api_error.ApiError`; anything else is a bug: the client gets one line, the log the traceback.
"""

"""The local Lambda data plane: runs function versions in execution environments. It knows nothing of the lab around it.

The way of an invocation through the files:

1. `engine.Engine.invoke` finds the version's `pool.Pool`, which takes an idle environment (routing) or starts one when
   the `start_gate` has room. Too many starts are throttled. `start` knows when Lambda would have the environment
   ready: the platform's share of the time is drawn by `startup`.
2. `environment.Environment` follows the table in `lifecycle` from state to state: init or restore, busy, idle, frozen,
   ended. `snapshot` is the process that SnapStart environments are copied from.
3. `sandbox/` holds the processes: `supervisor` forks the first one of an environment, `isolation` chooses namespaces,
   `first_process` enters and confines it (`root_folder`, `syscall_filter`), `control_groups` limits memory and
   processor time, `sandbox.Sandbox` exchanges frames with them.
4. `runtime/` runs inside the environment: `init` is the first process, `namespaces` its mounts, `bootstrap` the runtime
   client of AWS over the frames of `channel`. `runtime_api` is the other transport: the Runtime API over HTTP.
5. The answer comes back as a frame. The environment writes END and REPORT (`logs/platform_log`) into its `logs/buffer`,
   passes log and figures to the `telemetry` sink, answers by ``on_done``, and is idle.

Freezing: `Environment.freeze`, 10 ms after the answer (`timers.Watch`); at the answer if something else could run.
`function`, `invocation` and `settings` are what callers pass in. `interpreters` finds the Python of a runtime.
"""

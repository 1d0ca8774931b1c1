"""What Lambda's API does and ministack's does not. It runs in ministack's process, in front of ministack's functions.

1. `install` hooks into ministack.
2. `requests` finds the operation of a request, and its handler in the table `HANDLERS`. `model` refuses what breaks the
   API's model (botocore's).
3. Each subject has a file with its handlers: `functions`, `aliases`, `layers`, `permissions`, `concurrency`,
   `event_settings`, `urls`, `mappings`, `tags`. A handler refuses the request, answers it, or leaves it to ministack.
4. `answers` gives ministack's answers and errors the form of AWS's.
5. `stacks` refuses the same to CloudFormation, which calls ministack past the requests. `snap_start` is the state of
   SnapStart versions, `service` that of all functions, with what the handlers share.

To add a refusal: raise an error of `service` in the handler of the operation. If there is no handler, write one in the
file of the subject and name it in `HANDLERS`. A check that templates need, too, is a function of parameters, which the
handler and `stacks` both call.

The recorded behaviours of AWS that this follows are in docs/results/recorded-behaviours.md.
"""

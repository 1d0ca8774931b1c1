"""What Lambda's API does that ministack's does not: it runs in ministack's process, in front of its own functions.

1. `install` hooks into ministack. Each request goes to `requests`, and functions of a CloudFormation stack to `stacks`.
2. `model` knows the operation of a request, and what of it breaks the API's model (botocore's).
3. `names` resolves the function that a request names.
4. The file of a subject refuses what AWS refuses, and answers where ministack's answer differs: `functions`,
   `versions`, `aliases`, `layers`, `permissions`, `concurrency`, `event_settings`, `urls`, `mappings`, `tags`.
5. `answers` brings ministack's descriptions of functions and its errors into AWS's form.

The recorded behaviours of AWS that this follows are in docs/results/recorded-behaviours.md.
"""

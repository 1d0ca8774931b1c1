"""The runtimes that Lambda no longer creates or updates functions with."""

from typing import Final

RETIRED: Final = frozenset(
    [
        "dotnetcore1.0",
        "dotnetcore2.0",
        "dotnetcore2.1",
        "dotnetcore3.1",
        "go1.x",
        "java8",
        "nodejs",
        "nodejs4.3",
        "nodejs4.3-edge",
        "nodejs6.10",
        "nodejs8.10",
        "nodejs10.x",
        "nodejs12.x",
        "nodejs14.x",
        "provided",
        "python2.7",
        "python3.6",
        "python3.7",
        "ruby2.5",
        "ruby2.7",
    ]
)
"""AWS Lambda Developer Guide, "Lambda runtimes", as cfn-lint 1.58 has it: "block function create" is in the past.

As of November 2026. A test compares it with cfn-lint's table. The next ones follow on 2027-02-01.
"""

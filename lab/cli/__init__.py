"""The command line: `lab`, or `python -m lab`. Each command imports late what it needs.

Data goes to stdout, messages go to stderr. Exit codes: 0 done, 1 a finding or a failure, 2 wrong use, 130 interrupted.
"""

from lab.cli.program import main

__all__ = ["main"]

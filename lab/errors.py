"""Errors that the user can fix: one clear line, and an exit code."""

EXIT_FINDING = 1
EXIT_WRONG_USE = 2


class LabError(Exception):
    """An error that the user can fix. Its text is one line that names the input and the remedy.

    The command line prints it as ``lab: <text>`` on stderr and exits with ``exit_code``.
    """

    exit_code = EXIT_FINDING


class UsageError(LabError):
    """Wrong use of a command: exit code 2."""

    exit_code = EXIT_WRONG_USE


class RunInterruptedError(LabError):
    """The user pressed Ctrl-C: exit code 130, as in shells after SIGINT."""

    exit_code = 130

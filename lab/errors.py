"""What a user is told: one clear line, and an exit code."""

EXIT_FINDING = 1
EXIT_WRONG_USE = 2


class LabError(Exception):
    """Something the user can mend. Its text is one line that names the input and the remedy.

    The command line prints it as ``lab: <text>`` on stderr and exits with ``exit_code``.
    """

    exit_code = EXIT_FINDING


class UsageError(LabError):
    """Wrong use of a command: exit code 2."""

    exit_code = EXIT_WRONG_USE


class RunInterruptedError(LabError):
    """The user pressed Ctrl-C: exit code 130, as shells count a death by SIGINT."""

    exit_code = 130

"""Run a command: its streams and signals, its errors as one line on stderr, its exit code."""

import errno
import os
import signal
import sys
from typing import Final, TextIO

import click

from lab.errors import EXIT_FINDING, EXIT_WRONG_USE, LabError, RunInterruptedError

PROGRAM: Final = "lab"
_OUTPUT_ERRORS: Final = frozenset({errno.EBADF, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.ENOSPC})


def run_program(command: click.Command, name: str) -> None:
    """Run a command with the process's arguments, print any error in one line, and exit. Help calls it ``name``."""
    # A service manager stops a program with SIGTERM: handle it like Ctrl-C, so that child processes end and records
    # are kept. A script's background job starts with SIGINT ignored; listen to it all the same.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    _open_streams()
    for stream in (sys.stdout, sys.stderr):
        # Print a replacement for what the locale cannot encode.
        stream.reconfigure(errors="replace")  # type: ignore[union-attr]
    sys.exit(_exit_code(command, name))


def _open_streams() -> None:
    """Replace streams that the caller closed, or the first file that we open would take their place.

    Messages to a closed stderr are dropped. Data to a closed stdout are an error, as with `cat`.
    """
    if sys.stderr is None:
        sys.stderr = _open_null(2, os.O_WRONLY)
    if sys.stdout is None:
        sys.stdout = _open_null(1, os.O_RDONLY)


def _open_null(number: int, mode: int) -> TextIO:
    null = os.open(os.devnull, mode)
    if null != number:
        os.dup2(null, number)
        os.close(null)
    return open(number, "w", encoding="utf-8", closefd=False)


def _exit_code(command: click.Command, name: str) -> int:
    verbose = False
    try:
        # Not command.main(), which prints a line of its own at Ctrl-C.
        with command.make_context(name, sys.argv[1:]) as context:
            verbose = bool(context.params.get("verbose"))
            result = command.invoke(context)
        sys.stdout.flush()
    except click.exceptions.Exit as ended:
        return ended.exit_code
    except BrokenPipeError:  # the reader has seen enough, as in `… | head`
        _drop_stdout()
        return EXIT_FINDING
    except (Exception, KeyboardInterrupt) as error:
        message, code = _line_and_code(error, verbose=verbose)
        print(f"{_red('lab:')} {' '.join(message.split())}", file=sys.stderr)  # noqa: T201
        return code
    return result if isinstance(result, int) else 0


def _line_and_code(error: BaseException, *, verbose: bool) -> tuple[str, int]:
    """The line to print for an error, and the exit code."""
    match error:
        case click.UsageError():
            command = error.ctx.command_path if error.ctx else PROGRAM
            return f"{error.format_message().rstrip('.')}; see `{command} --help`", EXIT_WRONG_USE
        case click.ClickException():
            return error.format_message(), EXIT_FINDING
        case LabError():
            return str(error), error.exit_code
        case KeyboardInterrupt():
            return "interrupted", RunInterruptedError.exit_code
        case OSError(filename=None) if error.errno in _OUTPUT_ERRORS:
            _drop_stdout()
            return f"cannot write to standard output: {error.strerror}", EXIT_FINDING
    from lab.cli.logs import write_traceback

    log = write_traceback(error)
    if verbose or log is None:
        sys.excepthook(type(error), error, error.__traceback__)
    cause = f"internal error, {type(error).__name__}: {error}"
    if isinstance(error, OSError) and error.filename is not None and error.strerror:
        cause = f"{error.filename}: {error.strerror}"
    return f"{cause}; the traceback is {'above' if log is None else f'in {log}'}", EXIT_FINDING


def _red(text: str) -> str:
    """The text for stderr: red on a terminal with colours, unless NO_COLOR is set (no-color.org)."""
    plain = not sys.stderr.isatty() or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return text if plain else click.style(text, fg="red", bold=True)


def _drop_stdout() -> None:
    """Discard what stdout still buffers, or the interpreter tries to write it again when it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

"""Runs the unmodified runtime client as ``python -m awslambdaric`` does, and says when the function's init begins."""

import contextlib
import os
import sys

from . import channel


def run() -> None:
    """Run the function that the first argument names."""
    from awslambdaric.__main__ import main

    with contextlib.suppress(OSError):  # a wrapper may have closed it
        os.write(channel.CHANNEL_FD, channel.encode(channel.LOADED))
        os.close(channel.CHANNEL_FD)
    main(sys.argv)

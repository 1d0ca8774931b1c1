"""Runs the unmodified runtime client as ``python -m awslambdaric`` does, and says when the function's init begins."""

import contextlib
import os
import sys

from awslambdaric.__main__ import main

from . import channel

with contextlib.suppress(OSError):  # a wrapper may have closed it
    os.write(channel.CHANNEL_FD, channel.encode(channel.LOADED))
    os.close(channel.CHANNEL_FD)
main(sys.argv)

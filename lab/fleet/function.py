"""Lambda's entry to the driver (`lab.fleet.shard`).

The packages beside it were built for the deployed runtime. The local endpoint may run another interpreter, or another
system; their compiled parts do not load there, and these variables have the packages do without.
"""

import importlib
import os

PACKAGES = ("AIOHTTP", "FROZENLIST", "MULTIDICT", "PROPCACHE", "YARL")

try:
    importlib.import_module("multidict._multidict")
except ImportError:
    os.environ.update({f"{package}_NO_EXTENSIONS": "1" for package in PACKAGES})

from lab.fleet.shard import handler  # noqa: E402 -- after the variables

__all__ = ["handler"]

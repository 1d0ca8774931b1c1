"""Lambda's entry to the driver (`lab.fleet.shard`).

The packages beside it are built for the deployed runtime. The local endpoint may use another interpreter or system,
where their compiled parts cannot be loaded: these variables make the packages work without them.
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

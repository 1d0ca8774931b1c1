"""The lab: deploys the application, drives it, records, compares and shows. `python -m lab --help`."""

import sys
from pathlib import Path

# In Lambda the layer lies on the path as /opt/python. Here its source stands in for that, so that what the lab knows of
# metrics and variables is what the functions use. Last, so that it can hide nothing.
_LAYER = str(Path(__file__).resolve().parent.parent / "layer" / "python")
if _LAYER not in sys.path:
    sys.path.append(_LAYER)

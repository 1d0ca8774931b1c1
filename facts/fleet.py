"""The functions that drive load as a fleet: their memory and limits."""

from typing import Final

DRIVER_MB: Final = 1769
"""Memory of a driver function, MB: one vCPU, for one thread that sends and one that keeps the planned starts."""

MOST_DRIVERS: Final = 100

LONGEST_DRIVER_S: Final = 900
"""The longest timeout of a function, seconds (AWS Lambda quotas)."""

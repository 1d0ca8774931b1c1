"""The account and the region of the emulator, and the access key with which the endpoint itself calls it."""

from typing import Final

ACCOUNT: Final = "000000000000"
REGION: Final = "us-east-1"
ACCESS_KEY: Final = "cachelab-endpoint"

"""The lab's own API at the endpoint, below ``/_lab/``: its paths, and the types of its JSON answers.

`GET INFO_PATH` answers `Info`, `GET WIRE_PATH` answers `WireAnswer`, `PUT FAULTS_PATH` takes and answers `Faults`.
This module imports nothing of the endpoint, so clients can share it.
"""

from typing import Final, TypedDict

PREFIX: Final = "/_lab/"
INFO_PATH: Final = PREFIX + "info"
WIRE_PATH: Final = PREFIX + "wire"
FAULTS_PATH: Final = PREFIX + "faults"


class Interpreter(TypedDict):
    """What runs the functions of a runtime: a Python version, and whether it is the one that the runtime names."""

    interpreter: str
    exact: bool


class ProfileInfo(TypedDict):
    """The latency profile: its name, and its latencies in words."""

    name: str
    text: str


class Tiers(TypedDict):
    """How this machine isolates environments and enforces their limits."""

    isolation: str
    limits: str


class StartsDelayed(TypedDict):
    """How many starts of environments have waited for a processor, and how many may run at a time."""

    count: int
    at_a_time: int


class EndpointWarning(TypedDict):
    """What a reader of the figures must know, and what to do about it."""

    code: str
    message: str
    advice: str


class Info(TypedDict):
    """The endpoint itself; ``interpreters`` by deployed runtime."""

    interpreters: dict[str, Interpreter]
    profile: ProfileInfo
    tiers: Tiers
    starts_delayed: StartsDelayed
    warnings: list[EndpointWarning]


class FunctionCalls(TypedDict):
    """What one function has called downstream since the endpoint started; ``operations`` by name (DynamoDB.GetItem).

    ``overruns`` counts answers for which the emulator itself took longer than the profile allowed.
    """

    downstream_calls: int
    downstream_errors: int
    overruns: int
    operations: dict[str, int]


class WireAnswer(TypedDict):
    """Downstream calls by the function's name."""

    functions: dict[str, FunctionCalls]


class Faults(TypedDict):
    """The share of downstream calls that fail, from 0 to 1."""

    error_rate: float

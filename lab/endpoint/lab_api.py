"""The lab's own API at the endpoint, below ``/_lab/``: its paths, and the types of its JSON answers.

`GET INFO_PATH` answers `Info`, `PUT FAULTS_PATH` takes and answers `Faults`. `GET WIRE_PATH` answers ``functions``, the
`FunctionCalls` by the function's name. `DELETE ENVIRONMENTS_PATH` ends all environments of all functions and answers
`Ended`. `POST SNAPSHOTS_PATH` takes an ``arn``: it has the snapshot of that version taken and answers `Taken`.
This module imports nothing of the endpoint, so clients can share it.
"""

from typing import Final, TypedDict

PREFIX: Final = "/_lab/"
INFO_PATH: Final = PREFIX + "info"
WIRE_PATH: Final = PREFIX + "wire"
FAULTS_PATH: Final = PREFIX + "faults"
ENVIRONMENTS_PATH: Final = PREFIX + "environments"
SNAPSHOTS_PATH: Final = PREFIX + "snapshots"


class Interpreter(TypedDict):
    """What runs the functions of a runtime: a Python version, and whether it is the one that the runtime names."""

    interpreter: str
    exact: bool


class EndpointWarning(TypedDict):
    """What a reader of the figures must know, and what to do about it."""

    code: str
    message: str
    advice: str


class SnapshotAge(TypedDict):
    """How long ago the snapshot of a function version was taken, seconds."""

    function: str
    version: str
    age_s: float


class Info(TypedDict):
    """The endpoint itself; ``interpreters`` by deployed runtime.

    ``profile`` has the latency profile's ``name``, and its latencies as ``text``; ``startup`` has the same of the
    start-up profile. ``tiers`` says how this machine keeps the ``isolation`` and the ``limits`` of environments.
    ``starts_delayed`` has the ``count`` of starts that were late because they waited for a processor, and how many may
    run ``at_a_time``. ``snapshots`` has those that environments are restored from.
    """

    interpreters: dict[str, Interpreter]
    profile: dict[str, str]
    startup: dict[str, str]
    tiers: dict[str, str]
    starts_delayed: dict[str, int]
    snapshots: list[SnapshotAge]
    warnings: list[EndpointWarning]


class FunctionCalls(TypedDict):
    """What one function has called downstream since the endpoint started; ``operations`` by name (DynamoDB.GetItem).

    ``read_units`` sums what DynamoDB's answers to reads state as consumed, where the function asks for it.
    ``overruns`` counts answers for which the emulator itself took longer than the profile allowed.
    """

    downstream_calls: int
    downstream_errors: int
    read_units: float
    overruns: int
    operations: dict[str, int]


class Faults(TypedDict):
    """The share of downstream calls that fail, from 0 to 1."""

    error_rate: float


class Ended(TypedDict):
    """How many idle environments have ended, and how many are busy: they end when they have answered."""

    ended: int
    busy: int


class Taken(TypedDict):
    """The end of taking a snapshot: why the version's init or a before-snapshot hook failed, or None."""

    failure: str | None

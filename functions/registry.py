"""Every variant, in the order in which it is shown: pure data, and the one list that all else iterates over.

A variant is one entry here and one folder beside this file.
"""

from typing import NamedTuple

from facts.bounds import Bound


class Variant(NamedTuple):
    """One way to cache, deployed as one function.

    Attributes:
        name: its folder, the last part of its function's name and the value of its metric dimension.
        title: its name for people.
        summary: its pattern, in one sentence.
        staleness: its price in stale data, in one phrase. "The TTL" is ``CACHE_LAB_TTL_S`` seconds.
        choose_when: when it is the right choice, in one phrase.
        bound: what limits the staleness of its answers, by design: see `facts.bounds`.
        color: its colour in every picture, ``#RRGGBB``. From the palette of Okabe and Ito, which people
            with any colour vision can tell apart, and dark grey for the baseline.
        snap_start: whether its published versions have SnapStart.
        default: whether it is deployed and compared unless the user chooses variants.
    """

    name: str
    title: str
    summary: str
    staleness: str
    choose_when: str
    bound: Bound
    color: str
    snap_start: bool = False
    default: bool = True


VARIANTS: tuple[Variant, ...] = (
    Variant(
        name="no_cache",
        title="No cache",
        summary="Reads downstream on every invocation.",
        staleness="none: each invocation reads the value",
        choose_when="no answer may be stale, or the same key is rarely requested twice",
        bound="read",
        color="#595959",
    ),
    Variant(
        name="module_cache",
        title="Module cache",
        summary="Reads a key once and keeps it in a module-level object as long as the environment lives.",
        staleness="unbounded: until the environment is replaced, which can take hours",
        choose_when="the value never changes, or changes only with a deployment",
        bound="none",
        color="#0072B2",
    ),
    Variant(
        name="ttl_cache",
        title="TTL cache",
        summary="Keeps a key in memory and reads it again once the TTL has passed.",
        staleness="at most the TTL",
        choose_when="the value changes, and an answer as old as the TTL does no harm",
        bound="ttl",
        color="#E69F00",
    ),
    Variant(
        name="tmp_cache",
        title="/tmp cache",  # noqa: S108 -- a name for people, not a path
        summary="Keeps a key in a file in /tmp, which outlives the process after a crash or a timeout.",
        staleness="at most the TTL",
        choose_when="values are large or slow to read, and the function crashes or times out now and then",
        bound="ttl",
        color="#009E73",
    ),
    Variant(
        name="snapstart",
        title="SnapStart",
        summary="Loads keys before the snapshot, and after a restore reads those past the TTL again.",
        staleness="at most the TTL, counted from the last read, which the restore renews",
        choose_when="cold starts hurt, and the keys that matter are known before the first request",
        bound="ttl",
        color="#CC79A7",
        snap_start=True,
    ),
)

BASELINE = VARIANTS[0].name
"""The variant that every other one is compared to."""

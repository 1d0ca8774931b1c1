"""The contract of a cache, and what all caches that store values share."""

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, NamedTuple, Protocol, TypeAlias, TypeVar

V = TypeVar("V")

Load: TypeAlias = Callable[[str], V]
"""Reads the value of a key; raises if it cannot."""


class Cache(Protocol[V]):
    """What every cache does. Threads may share one."""

    def get(self, key: str, load: Load[V]) -> V:
        """Return the value of ``key``: the stored one, or else the result of ``load(key)``, which is stored.

        Threads that ask for one key at the same time share one load and its failure. A failure is never stored.
        All callers get the same object: do not change it.

        Raises:
            TypeError: the key is not a string.
            Exception: any that ``load`` raises.
        """
        ...


class Entry(NamedTuple, Generic[V]):
    """A stored value.

    Attributes:
        value: what was loaded, None included.
        read_at: Unix seconds by the wall clock, taken before the load, so that the value is never older than it seems.
    """

    value: V
    read_at: float


class StoringCache(ABC, Generic[V]):
    """Looks up, loads and stores, so that a herd of threads makes one downstream call.

    A subclass says where entries are stored. Its methods run under one lock; a load runs outside it, so that a slow
    load of one key does not delay the hits of others.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._flights: dict[str, Future[V]] = {}

    @abstractmethod
    def _find(self, key: str, now: float) -> Entry[V] | None:
        """Return the entry of ``key`` if it may be served at ``now``."""

    @abstractmethod
    def _store(self, key: str, entry: Entry[V], now: float) -> None:
        """Store an entry, unless it may not be served at ``now``."""

    def _now(self) -> float:
        """Return Unix seconds. Called under the lock."""
        return self._clock()

    def get(self, key: str, load: Load[V]) -> V:
        """See ``Cache.get``."""
        if not isinstance(key, str):
            raise TypeError(f"the key {key!r} is not a string: 1 and True would be one key")
        with self._lock:
            now = self._now()
            entry = self._find(key, now)
            if entry is not None:
                return entry.value
            flight = self._flights.get(key)
            if flight is None:
                own = self._flights[key] = Future[V]()
        if flight is not None:
            return flight.result()
        try:
            value = load(key)
            self.put(key, value, read_at=now)
        except BaseException as failure:
            own.set_exception(failure)
            raise
        else:
            own.set_result(value)
            return value
        finally:
            with self._lock:
                del self._flights[key]

    def put(self, key: str, value: V, *, read_at: float) -> None:
        """Store a value that was read at ``read_at``, Unix seconds."""
        with self._lock:
            self._store(key, Entry(value, read_at), self._now())

    def serves(self, key: str) -> bool:
        """Return whether ``get`` would answer without a load now."""
        with self._lock:
            return self._find(key, self._now()) is not None

    def now(self) -> float:
        """Return Unix seconds by the clock of this cache."""
        with self._lock:
            return self._now()

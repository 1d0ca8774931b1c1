"""A cache in files, which outlive the process that wrote them."""

import hashlib
import json
import logging
import os
import re
import stat
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from instrumentation.item import Item, Load
from warmcache.caches._lifetime import Lifetime
from warmcache.caches._single_flight import SingleFlight

_log = logging.getLogger(__name__)

_OWN_FILE = re.compile(r"[0-9a-f]{64}(\.json|\..+\.tmp)")
_QUARTER_OF_TMP = 128 * 1024 * 1024


class TmpCache:
    """Keeps an item in a file for ``ttl_s`` seconds after it was read.

    On Lambda, put ``folder`` into /tmp: it is private to the environment and survives what kills the
    process, such as a timeout or a crash.

    A file is one line of SHA-256 and then JSON, replaced atomically and named by the SHA-256 of the key. One
    that is damaged, or that something else wrote, counts as absent; nothing is ever unpickled. An item that
    JSON cannot hold, a full disk or a full cache costs the caching, not the answer.
    """

    def __init__(
        self,
        folder: Path,
        *,
        ttl_s: float,
        max_bytes: int = _QUARTER_OF_TMP,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Use ``folder`` (made when first needed) and tidy up what an earlier process left in it.

        Args:
            folder: one a cache: two caches in one folder would answer for each other.
            ttl_s: seconds; 0 keeps nothing.
            max_bytes: how much all the files may hold together; the default is a quarter of /tmp's 512 MB.
            clock: Unix seconds, the clock that items' ``read_at`` is taken from.

        Raises:
            ValueError: ``ttl_s`` is negative.
        """
        self._folder = folder
        self._max_bytes = max_bytes
        self._lifetime = Lifetime(ttl_s, clock, self._forget_all)
        self._flights = SingleFlight()
        self._sizes = self._swept(self._lifetime.now())
        self._has_warned = False

    def get(self, key: str, load: Load) -> Item:
        """See ``Cache.get``."""
        return self._flights.get(key, look=self._look, load=load, keep=self._keep)

    def _look(self, key: str) -> Item | None:
        now = self._lifetime.now()
        content = self._content(self._path(key))
        item = _decoded(content, key) if content is not None else None
        return item if item is not None and self._lifetime.covers(item.read_at, now) else None

    def _keep(self, key: str, item: Item) -> None:
        now = self._lifetime.now()
        content = _encoded(item)
        if content is None or not self._lifetime.covers(item.read_at, now):
            return
        path = self._path(key)
        if not self._has_room(path.name, len(content), now):
            self._warn(f"its files would hold more than {self._max_bytes} bytes")
            return
        try:
            self._write(path, content, item.read_at)
        except OSError as failure:
            self._warn(str(failure))

    def _path(self, key: str) -> Path:
        # surrogatepass: JSON may bring lone surrogates, which UTF-8 has no bytes for.
        digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
        return self._folder / f"{digest}.json"

    def _content(self, path: Path) -> bytes | None:
        try:
            status = path.stat()
            # A pipe of this name would block, and a huge file fill the memory.
            if not stat.S_ISREG(status.st_mode) or status.st_size > self._max_bytes:
                return None
            return path.read_bytes()
        except OSError:
            return None

    def _write(self, path: Path, content: bytes, read_at: float) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, unfinished = tempfile.mkstemp(prefix=f"{path.stem}.", suffix=".tmp", dir=self._folder)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
            # The time of the read, so that a sweep need not open the file.
            os.utime(unfinished, (read_at, read_at))
            Path(unfinished).replace(path)
        except OSError:
            Path(unfinished).unlink(missing_ok=True)
            raise
        self._sizes[path.name] = len(content)

    def _has_room(self, name: str, size: int, now: float) -> bool:
        if self._total_with(name, size) > self._max_bytes:
            self._sizes = self._swept(now)
        return self._total_with(name, size) <= self._max_bytes

    def _total_with(self, name: str, size: int) -> int:
        return sum(self._sizes.values()) - self._sizes.get(name, 0) + size

    def _swept(self, now: float) -> dict[str, int]:
        """Remove own files that cannot be served at ``now``; the sizes in bytes of the others, by name."""
        sizes = {}
        for path in self._own_files():
            try:
                status = path.stat()
                if path.suffix == ".json" and self._lifetime.covers(status.st_mtime, now):
                    sizes[path.name] = status.st_size
                else:
                    path.unlink()
            except OSError:
                continue
        return sizes

    def _forget_all(self) -> None:
        for path in self._own_files():
            try:
                path.unlink()
            except OSError as failure:
                self._warn(str(failure))
        self._sizes = {}

    def _own_files(self) -> list[Path]:
        try:
            return [path for path in self._folder.iterdir() if _OWN_FILE.fullmatch(path.name)]
        except OSError:
            return []

    def _warn(self, reason: str) -> None:
        # Once a process: a full disk would otherwise fill the log too.
        if not self._has_warned:
            _log.warning("not everything is cached in %s: %s", self._folder, reason)
            self._has_warned = True


def _encoded(item: Item) -> bytes | None:
    """The content of the file, or None if JSON cannot hold the item as it is."""
    fields = {"key": item.key, "value": item.value, "version": item.version, "read_at": item.read_at}
    try:
        text = json.dumps(fields, allow_nan=False)
        # JSON would turn a tuple into a list and the key 1 into "1".
        if json.loads(text) != fields:
            return None
    except (TypeError, ValueError, RecursionError):
        return None
    body = text.encode("ascii")
    return hashlib.sha256(body).hexdigest().encode("ascii") + b"\n" + body


def _decoded(content: bytes, key: str) -> Item | None:
    """The item of ``key`` if ``content`` is a whole and undamaged file of it."""
    checksum, _, body = content.partition(b"\n")
    if checksum != hashlib.sha256(body).hexdigest().encode("ascii"):
        return None
    try:
        fields: dict[str, Any] = json.loads(body)
        item = Item(**fields, stale=False)
        return item if item.key == key and isinstance(item.read_at, int | float) else None
    except (TypeError, ValueError, RecursionError):
        return None

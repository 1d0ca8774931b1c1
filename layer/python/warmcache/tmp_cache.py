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

from warmcache._lifetime import Lifetime
from warmcache.cache import Entry, StoringCache, V

_log = logging.getLogger(__name__)

_OWN_FILE = re.compile(r"[0-9a-f]{64}(\.entry|\..+\.tmp)")
_QUARTER_OF_TMP = 128 * 1024 * 1024
_UNFIT = (TypeError, ValueError, KeyError, RecursionError)
"""What encoding or decoding raises for a value or a file that does not fit."""


def json_bytes(value: Any) -> bytes:
    """Encode a value as JSON.

    Raises:
        ValueError: JSON cannot hold the value as it is; it would turn a tuple into a list and the key 1 into "1".
        TypeError: the value is of a type that JSON does not know.
    """
    text = json.dumps(value, allow_nan=False)
    if json.loads(text) != value:
        raise ValueError("JSON would change the value")
    return text.encode("ascii")


class TmpCache(StoringCache[V]):
    """Keeps a value in a file for ``ttl_s`` seconds after it was read.

    On Lambda, put ``folder`` into /tmp: it is private to the environment and survives what ends the process, such as a
    timeout or a crash.

    A file is a line with the SHA-256 of the rest, a line of JSON with the key and the time of the read, and the encoded
    value. It is replaced atomically and named by the SHA-256 of the key. A file that is damaged, or that something
    else wrote, is a miss; nothing is ever unpickled. A value that cannot be encoded, a full disk or a full cache
    prevents the caching, not the answer.
    """

    def __init__(
        self,
        folder: Path,
        *,
        ttl_s: float,
        max_bytes: int = _QUARTER_OF_TMP,
        clock: Callable[[], float] = time.time,
        encode: Callable[[V], bytes] = json_bytes,
        decode: Callable[[bytes], V] = json.loads,
    ) -> None:
        """Use ``folder`` (made when first needed) and remove what an earlier process left unfinished or expired in it.

        Args:
            folder: one a cache: two caches in one folder would answer for each other.
            ttl_s: seconds; 0 keeps nothing.
            max_bytes: how much all the files may hold together; the default is a quarter of /tmp's 512 MB.
            clock: returns Unix seconds.
            encode: the bytes of a value; the default is JSON. A TypeError or ValueError says that the value cannot
                be cached.
            decode: the value of such bytes; a TypeError, ValueError or KeyError makes it a miss.

        Raises:
            ValueError: ``ttl_s`` is negative.
        """
        super().__init__(clock)
        self._folder = folder
        self._max_bytes = max_bytes
        self._encode = encode
        self._decode = decode
        self._lifetime = Lifetime(ttl_s)
        self._has_warned = False
        self._sizes: dict[str, int] = {}
        self._sizes = self._swept(self._now())

    def _now(self) -> float:
        now = self._clock()
        if self._lifetime.stepped_back(now):
            self._forget_all()
        return now

    def _find(self, key: str, now: float) -> Entry[V] | None:
        checksum, _, rest = self._content(self._path(key)).partition(b"\n")
        if checksum != _checksum(rest):
            return None
        header, _, body = rest.partition(b"\n")
        try:
            found_key, read_at = json.loads(header)
            if found_key != key or not self._lifetime.covers(read_at, now):
                return None
            return Entry(self._decode(body), read_at)
        except _UNFIT:
            return None

    def _store(self, key: str, entry: Entry[V], now: float) -> None:
        if not self._lifetime.covers(entry.read_at, now):
            return
        try:
            rest = json.dumps([key, entry.read_at]).encode("ascii") + b"\n" + self._encode(entry.value)
        except _UNFIT:
            return
        content = _checksum(rest) + b"\n" + rest
        path = self._path(key)
        if not self._has_room(path.name, len(content), now):
            self._warn(f"its files would hold more than {self._max_bytes} bytes")
            return
        try:
            self._write(path, content, entry.read_at)
        except OSError as failure:
            self._warn(str(failure))

    def _path(self, key: str) -> Path:
        # surrogatepass: JSON may bring lone surrogates, which UTF-8 has no bytes for.
        digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
        return self._folder / f"{digest}.entry"

    def _content(self, path: Path) -> bytes:
        try:
            status = path.stat()
            # Reading a pipe would block, and a huge file would fill the memory.
            if not stat.S_ISREG(status.st_mode) or status.st_size > self._max_bytes:
                return b""
            return path.read_bytes()
        except OSError:
            return b""

    def _write(self, path: Path, content: bytes, read_at: float) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, unfinished = tempfile.mkstemp(prefix=f"{path.stem}.", suffix=".tmp", dir=self._folder)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
            # The time of the read, so that a sweep does not open the file.
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
        """Remove own files that cannot be served at ``now``; return the sizes in bytes of the others, by name."""
        sizes = {}
        for path in self._own_files():
            try:
                status = path.stat()
                if path.suffix == ".entry" and self._lifetime.covers(status.st_mtime, now):
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


def _checksum(content: bytes) -> bytes:
    return hashlib.sha256(content).hexdigest().encode("ascii")

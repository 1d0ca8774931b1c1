"""What only files can do to a cache. What every cache does is in tests/contract."""

import hashlib
import json
import logging
import os
import pickle
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import warmcache
from warmcache import TmpCache

LAYER = Path(warmcache.__file__).parents[1]
NOW = 1_790_000_000.0


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def cache_of(folder: Path, **options: Any) -> TmpCache[Any]:
    return TmpCache(folder, **{"ttl_s": 10, "clock": lambda: NOW, **options})


def load(key: str) -> Any:
    return {"text": "é", "version": 1}


def load_again(key: str) -> Any:
    return {"text": "é", "version": 2}


def only_file(folder: Path) -> Path:
    (path,) = folder.iterdir()
    return path


def test_a_new_process_finds_what_the_old_one_kept(folder: Path) -> None:
    kept = cache_of(folder).get("a", load)
    assert cache_of(folder).get("a", load_again) == kept


def test_a_new_process_does_not_find_what_is_too_old(folder: Path) -> None:
    cache_of(folder).get("a", load)
    cache_of(folder, clock=lambda: NOW + 10)
    assert list(folder.iterdir()) == []


def test_no_file_is_named_by_its_key_and_only_the_owner_reads_it(folder: Path) -> None:
    cache_of(folder).get("../secret", load)
    path = only_file(folder)
    assert "secret" not in path.name
    assert path.stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700


def test_no_damage_to_a_file_makes_a_wrong_answer(folder: Path) -> None:
    cache = cache_of(folder)
    cache.get("a", load)
    path = only_file(folder)
    whole = path.read_bytes()
    damaged = [whole[:place] + bytes([byte ^ 1]) + whole[place + 1 :] for place, byte in enumerate(whole)]
    damaged += [whole[:length] for length in range(len(whole))]
    damaged += [whole + b"\n", whole + whole, b"\0" * len(whole)]
    for content in damaged:
        path.write_bytes(content)
        assert cache.get("a", load_again)["version"] == 2, content
        assert path.read_bytes() != content, "written again"
    assert cache.get("a", load)["version"] == 2


class Bomb:
    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (Path("unpickled"),))


def with_checksum(body: bytes) -> bytes:
    return hashlib.sha256(body).hexdigest().encode() + b"\n" + body


def entry(key: object = "a", read_at: object = NOW, value: bytes = b'{"version": 7}') -> bytes:
    return with_checksum(json.dumps([key, read_at]).encode() + b"\n" + value)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        pickle.dumps(Bomb()),
        with_checksum(b""),
        with_checksum(pickle.dumps(Bomb())),
        with_checksum(b"null"),
        with_checksum(b"[]"),
        with_checksum(b"{}"),
        with_checksum(b"[" * 100_000),
        with_checksum(b"\xff\xfe"),
        with_checksum(json.dumps(["a", NOW, 1]).encode() + b"\n1"),
        with_checksum(json.dumps(["a", NOW]).encode()),
        entry(key="b"),
        entry(read_at="now"),
        entry(read_at=None),
        entry(read_at=NOW + 1),
        entry(read_at=float("nan")),
        entry(value=b""),
        entry(value=b"\xff\xfe"),
        entry(value=b"[" * 100_000),
        entry(value=pickle.dumps(Bomb())),
    ],
    ids=lambda content: repr(content[-60:]),
)
def test_a_foreign_file_is_a_miss(content: bytes, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder.parent)
    cache = cache_of(folder)
    cache.get("a", load)
    only_file(folder).write_bytes(content)
    assert cache.get("a", load_again)["version"] == 2
    assert not Path("unpickled").exists()


def test_a_file_as_it_should_be_is_a_hit(folder: Path) -> None:
    cache = cache_of(folder)
    cache.get("a", load)
    only_file(folder).write_bytes(entry())
    assert cache.get("a", load_again)["version"] == 7


def test_the_file_of_another_key_is_a_miss(folder: Path) -> None:
    cache = cache_of(folder)
    cache.get("a", load)
    path_of_a = only_file(folder)
    cache.get("b", load)
    (path_of_b,) = set(folder.iterdir()) - {path_of_a}
    path_of_b.replace(path_of_a)
    assert cache.get("a", load_again)["version"] == 2


@pytest.mark.parametrize("kind", ["folder", "pipe", "link to nothing", "link to a device"])
def test_what_is_no_file_is_a_miss(kind: str, folder: Path) -> None:
    cache = cache_of(folder)
    cache.get("a", load)
    path = only_file(folder)
    path.unlink()
    match kind:
        case "folder":
            path.mkdir()
        case "pipe":
            os.mkfifo(path)
        case "link to nothing":
            path.symlink_to("nothing")
        case "link to a device":
            path.symlink_to("/dev/zero")
    assert cache.get("a", load_again)["version"] == 2


def test_a_huge_file_is_not_read_into_memory(folder: Path) -> None:
    cache = cache_of(folder, max_bytes=1000)
    cache.get("a", load)
    os.truncate(only_file(folder), 1 << 40)
    assert cache.get("a", load_again)["version"] == 2


@pytest.mark.parametrize(
    "value", [(1, 2), {1: "a"}, {"a": (1,)}, b"bytes", {1, 2}, float("nan"), float("inf"), object()]
)
def test_a_value_that_json_cannot_hold_is_answered_and_not_cached(value: Any, folder: Path) -> None:
    cache = cache_of(folder)
    assert cache.get("a", lambda _: value) is value
    assert not folder.exists()
    assert cache.get("a", load_again)["version"] == 2


def test_a_value_too_deep_for_json_is_answered_and_not_cached(folder: Path) -> None:
    value: list[Any] = []
    for _ in range(100_000):
        value = [value]
    cache = cache_of(folder)
    assert cache.get("a", lambda _: value) is value
    while value:  # so that Python does not free it recursively
        value = value.pop()


def test_without_a_folder_it_answers_and_says_so_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").touch()
    cache = cache_of(tmp_path / "file" / "cache")
    with caplog.at_level(logging.WARNING):
        assert cache.get("a", load)["version"] == 1
        assert cache.get("a", load_again)["version"] == 2
    assert [record.getMessage().startswith("not everything is cached in") for record in caplog.records] == [True]


class Point(NamedTuple):
    x: int
    y: int

    def packed(self) -> bytes:
        return struct.pack("<qq", *self)

    @classmethod
    def unpacked(cls, content: bytes) -> "Point":
        try:
            return cls(*struct.unpack("<qq", content))
        except struct.error as failure:
            raise ValueError from failure


def test_the_caller_can_encode_what_json_cannot_hold(folder: Path) -> None:
    def point_cache() -> TmpCache[Point]:
        return TmpCache(folder, ttl_s=10, clock=lambda: NOW, encode=Point.packed, decode=Point.unpacked)

    assert point_cache().get("a", lambda _: Point(1, 10)) == Point(1, 10)
    kept = point_cache().get("a", lambda _: Point(0, 0))
    assert (kept, type(kept)) == (Point(1, 10), Point)
    only_file(folder).write_bytes(entry(value=b"short"))
    assert point_cache().get("a", lambda _: Point(2, 2)) == Point(2, 2)


def run(program: str, *arguments: object) -> "subprocess.Popen[str]":
    prelude = "import sys, time; from pathlib import Path; from warmcache import TmpCache\n"
    prelude += "folder = Path(sys.argv[1])\n"
    return subprocess.Popen(
        [sys.executable, "-c", prelude + program, *map(str, arguments)],
        env={"PYTHONPATH": str(LAYER)},
        stdout=subprocess.PIPE,
        text=True,
    )


def test_a_full_disk_costs_the_caching_not_the_answer(folder: Path) -> None:
    # A limit on the size of a file makes the kernel fail the write in its middle, as a full disk does.
    program = """
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))
cache = TmpCache(folder, ttl_s=60)
load = lambda key: "x" * 20_000
small = lambda key: "x"
print(*(len(cache.get("large", load)) for _ in range(2)), cache.get("small", small))
"""
    with run(program, folder) as process:
        assert process.communicate()[0].split() == ["20000", "20000", "x"]
    assert process.returncode == 0
    assert [path.suffix for path in folder.iterdir()] == [".entry"], "no unfinished file is left"


def test_killed_in_the_middle_of_a_write_it_leaves_a_whole_item_or_none(folder: Path) -> None:
    program = """
cache = TmpCache(folder, ttl_s=1e-3)
version = 0
def load(key):
    global version
    version += 1
    return [version] * 20_000
print("ready", flush=True)
while True:
    cache.get("a", load)
"""
    for _ in range(3):
        with run(program, folder) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(0.05)
            process.send_signal(signal.SIGKILL)
        value = TmpCache[Any](folder, ttl_s=60).get("a", lambda _: [])
        assert len(value) in (0, 20_000)
        assert len(set(value)) <= 1


def test_what_a_crash_left_unfinished_is_removed_and_what_is_not_ours_is_not(folder: Path) -> None:
    cache_of(folder).get("a", load)
    kept = only_file(folder)
    unfinished = folder / f"{kept.stem}.x1y2.tmp"
    foreign = [folder / "notes.json", folder / "notes.tmp", folder / "x"]
    for path in [unfinished, *foreign]:
        path.touch()
    cache_of(folder)
    assert set(folder.iterdir()) == {kept, *foreign}


def test_the_clock_set_back_removes_its_files_and_no_others(folder: Path) -> None:
    now = [NOW]
    cache = cache_of(folder, clock=lambda: now[0])
    cache.get("a", load)
    (folder / "notes.json").touch()
    now[0] = NOW - 1
    cache.get("b", lambda _: 1)
    cache.get("b", lambda _: 1)
    names = {path.name for path in folder.iterdir()}
    assert len(names) == 2
    assert "notes.json" in names
    now[0] = NOW + 1
    assert cache.get("a", load_again)["version"] == 2


def test_the_files_never_hold_more_than_the_bound(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    cache = cache_of(folder, max_bytes=1000)
    for number in range(50):
        cache.get(str(number), load)
        assert sum(path.stat().st_size for path in folder.iterdir()) <= 1000
    assert cache.get("0", load_again)["version"] == 1, "what is kept stays"
    assert [record.levelname for record in caplog.records] == ["WARNING"]


def test_what_is_too_old_makes_room(folder: Path) -> None:
    now = [NOW]
    cache = cache_of(folder, max_bytes=1000, clock=lambda: now[0])

    for number in range(50):
        cache.get(f"old-{number}", load)
    now[0] += 10
    cache.get("new", load)
    assert cache.get("new", load_again)["version"] == 1


def test_an_item_read_again_takes_the_room_of_the_old_one(folder: Path) -> None:
    now = [NOW]
    cache = cache_of(folder, max_bytes=300, clock=lambda: now[0])
    for _ in range(10):
        cache.get("a", lambda _: {"version": 1, "text": "x" * 100})
        assert cache.get("a", load_again)["version"] == 1
        now[0] += 10


def test_what_one_larger_than_the_bound_costs_is_its_own_caching(folder: Path) -> None:
    cache = cache_of(folder, max_bytes=1000)
    cache.get("a", load)
    assert len(cache.get("large", lambda _: "x" * 2000)) == 2000
    assert cache.get("a", load_again)["version"] == 1

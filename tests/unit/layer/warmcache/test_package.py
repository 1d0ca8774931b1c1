"""The library by itself: installed without the lab, and its metrics as a reader would write them."""

import json
import subprocess
import sys
from pathlib import Path

import cachetools

import warmcache
from warmcache.emf import Value, emf_line

LIBRARY = Path(warmcache.__file__).parent


def test_its_wheel_needs_cachetools_and_nothing_else(tmp_path: Path) -> None:
    before = {path for path in LIBRARY.rglob("*") if "__pycache__" not in path.parts}
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=LIBRARY, check=True, capture_output=True)
    assert {path for path in LIBRARY.rglob("*") if "__pycache__" not in path.parts} == before
    (wheel,) = tmp_path.glob("*.whl")
    (tmp_path / "cachetools").symlink_to(Path(cachetools.__file__).parent)

    program = """
import sys; sys.path[:0] = sys.argv[1:]
import warmcache, warmcache.emf
cache = warmcache.SnapshotCache(warmcache.TtlCache(ttl_s=60), keys=["a"], load_many=lambda keys: dict.fromkeys(keys, 1))
print(warmcache.__file__, cache.get("a", len), warmcache.TmpCache, warmcache.ModuleCache().get("abc", len))
"""
    # Without site (-S) and the current folder (-I): with the standard library, the wheel and cachetools alone.
    run = [sys.executable, "-I", "-S", "-c", program, str(wheel), str(tmp_path)]
    file, *answers = subprocess.run(run, check=True, capture_output=True, text=True).stdout.split()
    assert file == f"{wheel}/warmcache/__init__.py"
    assert (answers[0], answers[-1]) == ("1", "3")


def test_an_emf_line_follows_the_specification() -> None:
    line = emf_line(
        "Shop",
        dimensions={"Cache": "prices"},
        metrics={"Hits": Value(1), "ValueAge": Value(812.4, "Milliseconds")},
        properties={"environment_id": "e", "request_id": "r\n"},
        timestamp=1_790_000_000.1234,
    )
    assert "\n" not in line
    assert json.loads(line) == {
        "_aws": {
            "Timestamp": 1_790_000_000_123,
            "CloudWatchMetrics": [
                {
                    "Namespace": "Shop",
                    "Dimensions": [["Cache"]],
                    "Metrics": [{"Name": "Hits", "Unit": "Count"}, {"Name": "ValueAge", "Unit": "Milliseconds"}],
                }
            ],
        },
        "Cache": "prices",
        "Hits": 1,
        "ValueAge": 812.4,
        "environment_id": "e",
        "request_id": "r\n",
    }

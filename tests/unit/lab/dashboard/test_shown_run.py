import os
from pathlib import Path

import pytest

from lab.dashboard.shown_run import chosen_run, read_content
from lab.errors import UsageError
from tests.unit.lab.dashboard.runs import record, write


def test_the_latest_run_is_shown_when_none_is_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for age, name in ((5, "new"), (500, "old")):
        folder = write(Path("runs") / name, [record(0)])
        os.utime(folder / "run.json", (1_790_000_000 - age, 1_790_000_000 - age))
    with chosen_run(None) as folder:
        assert folder == Path("runs/new")


def test_without_any_run_the_remedy_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with (
        pytest.raises(UsageError, match=r"no run under runs/; give RUN, or make one with `python -m lab run`"),
        chosen_run(None),
    ):
        pass


@pytest.mark.parametrize("content", [None, "", "[]", "{"])
def test_what_is_no_run_is_wrong_use(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "run.json").write_text(content)
    with pytest.raises(UsageError, match=r"run\.json"), chosen_run(tmp_path):
        pass


def test_the_settings_of_the_run_are_those_of_its_dashboards(tmp_path: Path) -> None:
    settings = {"memory_mb": 512, "ttl_s": 10.0, "architecture": "x86_64", "rate": 5}
    run = {"id": "x", "target": "local", "source": "ssm"}
    content = read_content(write(tmp_path, [], run=run, settings=settings, local={"profile": "typical"}))
    assert content.context == {"memory_mb": "512", "ttl_s": "10", "architecture": "x86_64", "source": "ssm"}
    assert (content.name, content.where) == ("x", "local, downstream profile typical")


def test_the_wire_is_heeded_once_the_run_has_ended(tmp_path: Path) -> None:
    wire = {"no_cache": {"downstream_errors": 3}, "other": {"downstream_errors": 1}, "ttl_cache": {}}
    assert read_content(write(tmp_path / "ended", [], wire=wire)).wire_errors == {"no_cache": 3, "other": 1}
    assert read_content(write(tmp_path / "going on", [], wire=wire, finished=False)).wire_errors == {}

"""Interpreters and their runtime packs."""

from pathlib import Path

import pytest

from lab.engine import interpreters


def test_a_pack_that_is_up_to_date_is_not_written_to(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A starting lab once emptied it for a moment: environments that another lab started in that moment ended."""
    pack = _pack(monkeypatch, tmp_path)
    interpreters.refresh_packs()
    files = [pack / "bootstrap.py", *(pack / "lab_runtime").iterdir()]
    before = [(file.stat().st_ino, file.stat().st_mtime_ns) for file in files]
    interpreters.refresh_packs()
    assert [(file.stat().st_ino, file.stat().st_mtime_ns) for file in files] == before


def test_a_pack_of_older_code_is_brought_up_to_date(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pack = _pack(monkeypatch, tmp_path)
    (pack / "lab_runtime").mkdir()
    (pack / "lab_runtime" / "channel.py").write_text("OLD = 1\n")
    with (pack / "bootstrap.py").open() as being_read:
        interpreters.refresh_packs()
        assert being_read.read() == "old\n"
    assert (pack / "bootstrap.py").read_bytes() == interpreters.BOOTSTRAP
    ours = {source.name: source.read_bytes() for source in interpreters.OUR_FILES.glob("*.py")}
    assert {copy.name: copy.read_bytes() for copy in (pack / "lab_runtime").iterdir()} == ours


def _pack(monkeypatch: pytest.MonkeyPatch, packs: Path) -> Path:
    interpreter, _ = interpreters.choose("python3.13")
    monkeypatch.setattr(interpreters, "PACKS", packs)
    interpreter.pack.mkdir(parents=True)
    (interpreter.pack / "bootstrap.py").write_text("old\n")
    return interpreter.pack

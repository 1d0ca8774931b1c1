"""What a function finds of its deployment package and its layers: modes and symbolic links of the zip's entries."""

import contextlib
import io
import stat
import sys
import zipfile
import zlib
from pathlib import Path
from typing import Any

import pytest

from lab.endpoint.deployments import code_store
from tests.engine.endpoint import Endpoint

LOOKS = """
import os
def handler(event, context):
    found = [os.lstat(path).st_mode for path in event]
    return [oct(mode) if not os.path.islink(path) else os.readlink(path) for mode, path in zip(found, event)]
"""
LOADS = """
import ctypes, ssl
def handler(event, context):
    ctypes.CDLL("libinlayer.so")
    return next(line.split()[-1] for line in open("/proc/self/maps") if "inlayer" in line)
"""


def package(entries: dict[str, tuple[int, str | bytes]]) -> bytes:
    """A zip of entries: mode as of stat(2), and content or the destination of a link."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, (mode, data) in entries.items():
            entry = zipfile.ZipInfo(name)
            entry.create_system = 3
            entry.external_attr = mode << 16
            archive.writestr(entry, data)
    return content.getvalue()


def deployed(endpoint: Endpoint, entries: dict[str, tuple[int, str | bytes]], **settings: Any) -> str:
    name = endpoint.new_function("", **settings)
    endpoint.aws_lambda.update_function_code(FunctionName=name, ZipFile=package(entries))
    endpoint.wait_until_active(name)
    return name


def test_a_zip_keeps_its_symlinks_and_file_modes(endpoint: Endpoint) -> None:
    entries: dict[str, tuple[int, str | bytes]] = {
        "function.py": (stat.S_IFREG | 0o644, LOOKS),
        "tool": (stat.S_IFREG | 0o755, "#!/bin/sh\n"),
        "group.txt": (stat.S_IFREG | 0o664, "text"),
        "lib/real.txt": (stat.S_IFREG | 0o444, "real"),
        "lib/link.txt": (stat.S_IFLNK | 0o777, "real.txt"),
        "latest": (stat.S_IFLNK | 0o777, "lib"),
    }
    name = deployed(endpoint, entries)
    paths = ["tool", "group.txt", "lib/real.txt", "lib/link.txt", "latest", "latest/link.txt"]
    found = endpoint.invoke(name, paths).payload
    assert found == ["0o100755", "0o100664", "0o100444", "real.txt", "lib", "real.txt"]


def test_no_entry_is_written_through_a_symlink(endpoint: Endpoint, tmp_path: Any) -> None:
    entries: dict[str, tuple[int, str | bytes]] = {
        "out": (stat.S_IFLNK | 0o777, str(tmp_path)),
        "out/planted": (stat.S_IFREG | 0o644, "x"),
        "function.py": (stat.S_IFREG | 0o644, LOOKS),
    }
    found = endpoint.invoke(deployed(endpoint, entries), ["out"]).payload
    assert found[0].startswith("0o4")  # a folder: the entry below it came first
    assert list(tmp_path.iterdir()) == []


def test_a_native_library_of_a_layer_is_found(endpoint: Endpoint) -> None:
    """LD_LIBRARY_PATH has /opt/lib, and the interpreter still finds its own libraries."""
    assert zlib.ZLIB_VERSION  # loaded
    maps = Path("/proc/self/maps").read_text().splitlines() if sys.platform == "linux" else []
    libz = next((line.split()[-1] for line in maps if "/libz" in line), None)
    if libz is None:
        pytest.skip("this interpreter has no shared libz to put into a layer")
    content = package({"lib/libinlayer.so": (stat.S_IFREG | 0o755, Path(libz).read_bytes())})
    layer = endpoint.aws_lambda.publish_layer_version(LayerName="native", Content={"ZipFile": content})
    name = endpoint.new_function(LOADS, Layers=[layer["LayerVersionArn"]])
    assert endpoint.invoke(name).payload == "/opt/lib/libinlayer.so"


def test_an_archive_that_unpacks_to_more_than_lambda_takes_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would fill the disk of the machine. The limit holds for all archives together: those of layers, say."""
    monkeypatch.setattr(code_store, "MAX_UNPACKED_BYTES", 100)
    archives = [package({name: (0o100644, b"0" * 60)}) for name in ("one", "two")]
    code_store._unpack(archives[:1], tmp_path / "taken")
    with pytest.raises(zipfile.BadZipFile, match="its files have more than 100 bytes"):
        code_store._unpack(archives, tmp_path / "refused")
    assert not (tmp_path / "refused").exists()


@pytest.mark.parametrize("name", ["../out", "/out", "link/out", "link/deep/out"])
def test_no_entry_of_an_archive_is_written_outside_its_folder(tmp_path: Path, name: str) -> None:
    (tmp_path / "elsewhere").mkdir()
    for kind in (0o100644, 0o120777):
        entries: dict[str, tuple[int, str | bytes]] = {"link": (0o120777, str(tmp_path / "elsewhere"))}
        entries[name] = (kind, b"content")
        with contextlib.suppress(zipfile.BadZipFile):
            code_store._unpack([package(entries)], tmp_path / "code" / "unpacked")
    assert list((tmp_path / "elsewhere").iterdir()) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["code", "elsewhere"]
    assert {path.name for path in (tmp_path / "code").iterdir()} <= {"unpacked", "unpacked.partial"}
    assert not Path("/out").exists()

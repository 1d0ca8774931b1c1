"""The code and layers of function versions, fetched from the emulator and unpacked for the engine."""

import base64
import hashlib
import io
import os
import shutil
import stat
import threading
import urllib.request
import zipfile
from pathlib import Path
from typing import Any

MAX_UNPACKED_BYTES = 262_144_000  # Source: Lambda quotas


class UnavailableCodeError(Exception):
    """The code of a version cannot be had. The text says why."""


class CodeStore:
    """Folders of unpacked code and layers, by content. It may be used from several threads."""

    def __init__(self, client: Any, folder: Path) -> None:
        self._client = client
        self._folder = folder
        self._lock = threading.Lock()

    def folders(self, configuration: Any) -> tuple[Path, Path]:
        """Where the code and the layers of a version are, fetched now if they were not yet.

        Raises `UnavailableCodeError` if the version is a container image, its archive is broken, or the emulator no
        longer has its code.
        """
        name = configuration["FunctionName"]
        if configuration.get("PackageType") == "Image":
            raise UnavailableCodeError(f"{name} is a container image: only functions of zip archives can run here")
        layers = [layer["Arn"] for layer in configuration.get("Layers", [])]
        try:
            with self._lock:
                return self._code(name, configuration["CodeSha256"]), self._layers(layers)
        except zipfile.BadZipFile as error:
            raise UnavailableCodeError(f"{name} has an archive that cannot be unpacked: {error}") from error

    def _code(self, name: str, sha256: str) -> Path:
        target = self._folder / "code" / sha256.replace("/", "_").rstrip("=")
        if not target.is_dir():
            content = _fetch(self._client.get_function(FunctionName=name)["Code"]["Location"])
            if base64.b64encode(hashlib.sha256(content).digest()).decode() != sha256:
                raise UnavailableCodeError(
                    f"the emulator keeps only the newest code of {name}, not that of past versions: "
                    f"publish the version while this endpoint is running"
                )
            _unpack([content], target)
        return target

    def _layers(self, arns: list[str]) -> Path:
        target = self._folder / "layers" / hashlib.sha256("\n".join(arns).encode()).hexdigest()
        if not target.is_dir():
            answers = [self._client.get_layer_version_by_arn(Arn=arn) for arn in arns]
            _unpack([_fetch(answer["Content"]["Location"]) for answer in answers], target)
        return target


def _fetch(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=60) as answer:  # noqa: S310 - the emulator's own address
        content: bytes = answer.read()
    return content


def _unpack(archives: list[bytes], target: Path) -> None:
    """Unpack archives over one another, with the modes and symbolic links of their entries.

    Links are made last, so that no entry is written through one.
    """
    partial = target.with_name(target.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    room = MAX_UNPACKED_BYTES
    links: dict[str, bytes] = {}
    for content in archives:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for entry in archive.infolist():
                room -= entry.file_size  # zipfile unpacks no more
                if room < 0:
                    raise zipfile.BadZipFile(f"its files have more than {MAX_UNPACKED_BYTES} bytes")
                mode = entry.external_attr >> 16
                if stat.S_ISLNK(mode):
                    links[entry.filename] = archive.read(entry)
                    continue
                links.pop(entry.filename, None)
                path = archive.extract(entry, partial)
                if mode:
                    os.chmod(path, stat.S_IMODE(mode) & 0o777 | (0o700 if entry.is_dir() else 0o400))  # noqa: PTH101
    for name, destination in links.items():
        _link(partial, name, destination)
    partial.replace(target)


def _link(folder: Path, name: str, destination: bytes) -> None:
    path = folder / name
    if not path.parent.resolve().is_relative_to(folder.resolve()):
        raise zipfile.BadZipFile(f"the symbolic link {name} is outside the archive's folder")
    if path.is_dir() and not path.is_symlink():
        return  # another layer has this folder
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.symlink_to(destination.decode())

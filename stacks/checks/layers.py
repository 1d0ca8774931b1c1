"""Whether a function can load its layers: its runtime and architecture against the packages in the asset.

The ELF header and the name of a compiled file say what it is made for; for a wheel `*.dist-info/WHEEL` does:
https://packaging.python.org/en/latest/specifications/platform-compatibility-tags/
"""

import re
from collections.abc import Iterator
from pathlib import Path

from stacks.checks.assembly import Assembly, Finding, Resource

# The field e_machine of the ELF header, two bytes from the 19th, by Lambda's architecture.
ELF_MACHINES = {"x86_64": 0x3E, "arm64": 0xB7}
WHEEL_MACHINES = {"x86_64": "x86_64", "arm64": "aarch64"}
DEFAULT_ARCHITECTURE = "x86_64"


def check(assembly: Assembly) -> Iterator[Finding]:
    """See the module."""
    for function in assembly.resources("AWS::Lambda::Function"):
        for reference in function.properties.get("Layers", []):
            layer = assembly.resource(function.stack, reference)
            if layer is not None:
                yield from _layer(assembly, function, layer)


def _layer(assembly: Assembly, function: Resource, layer: Resource) -> Iterator[Finding]:
    runtime = function.properties["Runtime"]
    (architecture,) = function.properties.get("Architectures", [DEFAULT_ARCHITECTURE])
    if runtime not in layer.properties.get("CompatibleRuntimes", [runtime]):
        yield function.finding("layer-runtime", f"{layer.logical_id} is not compatible with {runtime}")
    if architecture not in layer.properties.get("CompatibleArchitectures", [architecture]):
        yield function.finding("layer-architecture", f"{layer.logical_id} is not compatible with {architecture}")
    folder = assembly.asset(layer.properties["Content"])
    if folder is None:
        yield layer.finding("layer-asset", "its content is not an asset of this assembly")
        return
    python = runtime.removeprefix("python")
    for file in sorted(folder.rglob("*.so*")):
        if reason := _unloadable(file, python, architecture):
            yield function.finding("layer-package", f"{file.relative_to(folder)} {reason}")
    for file in sorted(folder.rglob("*.dist-info/WHEEL")):
        tags = re.findall(r"^Tag: (\S+)", file.read_text(encoding="utf-8"), re.MULTILINE)
        if tags and not any(_fits(tag, python, architecture) for tag in tags):
            yield function.finding(
                "layer-package", f"{file.parent.name} is for {', '.join(tags)}, not {runtime} on {architecture}"
            )


def _unloadable(file: Path, python: str, architecture: str) -> str | None:
    with file.open("rb") as opened:
        header = opened.read(20)
    if header[:4] != b"\x7fELF":
        return "is not an ELF file: it is made for another system"
    if int.from_bytes(header[18:20], "little") != ELF_MACHINES[architecture]:
        return f"is not compiled for {architecture}"
    made_for = re.search(r"\.cpython-3(\d+)", file.name)
    if made_for and f"3.{made_for[1]}" != python:
        return f"is compiled for python3.{made_for[1]}, not python{python}"
    return None


def _fits(tag: str, python: str, architecture: str) -> bool:
    interpreters, abis, platforms = (part.split(".") for part in tag.split("-"))
    platform = any(found == "any" or found.endswith(f"_{WHEEL_MACHINES[architecture]}") for found in platforms)
    return platform and any(_runs(found, abis, python) for found in interpreters)


def _runs(interpreter: str, abis: list[str], python: str) -> bool:
    if interpreter in ("py3", f"cp{python.replace('.', '')}"):
        return True
    made_for = re.fullmatch(r"(?:cp|py)3(\d+)", interpreter)
    stable = "abi3" in abis or interpreter.startswith("py")
    return bool(made_for and stable and int(made_for[1]) <= int(python.partition(".")[2]))

"""Whether Lambda finds the handler: the module is in the function's asset, defines it, and can import what it names.

https://docs.aws.amazon.com/lambda/latest/dg/python-handler.html
"""

import ast
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from stacks.checks.assembly import Assembly, Finding, Resource

IN_THE_RUNTIME = frozenset({
    "awslambdaric", "boto3", "botocore", "dateutil", "jmespath", "s3transfer", "six", "snapshot_restore_py", "urllib3",
})  # fmt: skip
"""https://docs.aws.amazon.com/lambda/latest/dg/lambda-python.html"""


def check(assembly: Assembly) -> Iterator[Finding]:
    """See the module."""
    for function in assembly.resources("AWS::Lambda::Function"):
        code = assembly.asset(function.properties["Code"])
        if code is None:
            yield function.finding("handler-asset", "its code is not an asset of this assembly")
            continue
        layers = [assembly.resource(function.stack, found) for found in function.properties.get("Layers", [])]
        unpacked = [assembly.asset(layer.properties["Content"]) for layer in layers if layer is not None]
        yield from _handler(function, [code, *(folder / "python" for folder in unpacked if folder is not None)])


def _handler(function: Resource, folders: Sequence[Path]) -> Iterator[Finding]:
    handler = function.properties.get("Handler", "")
    module, _, name = handler.rpartition(".")
    file = _module(folders, module.replace(".", "/"))
    if file is None:
        yield function.finding("handler-file", f"the handler is {handler!r}, and no such module is in the asset")
        return
    try:
        statements = ast.parse(file.read_text(encoding="utf-8")).body
    except SyntaxError as error:
        yield function.finding("handler-file", f"{file.name} cannot be parsed: {error.msg}, line {error.lineno}")
        return
    if name not in _defined(statements):
        yield function.finding("handler-name", f"the handler is {handler!r}, and {file.name} defines no {name!r}")
    known = {*sys.stdlib_module_names, *IN_THE_RUNTIME}
    for package in sorted(_imported(statements) - known):
        if _module(folders, package) is None and not any((folder / package).is_dir() for folder in folders):
            yield function.finding("handler-import", f"{file.name} imports {package}, which no asset or layer has")


def _module(folders: Iterable[Path], path: str) -> Path | None:
    files = (folder / found for folder in folders for found in (f"{path}.py", f"{path}/__init__.py"))
    return next((file for file in files if file.is_file()), None)


def _defined(statements: Sequence[ast.stmt]) -> set[str]:
    """The names that a module defines at its top level."""
    found: set[str] = set()
    for statement in statements:
        match statement:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                found.add(name)
            case ast.Assign(targets=targets):
                found |= {target.id for target in targets if isinstance(target, ast.Name)}
            case ast.AnnAssign(target=ast.Name(id=name)):
                found.add(name)
            case ast.Import(names=names) | ast.ImportFrom(names=names):
                found |= {each.asname or each.name for each in names}
    return found


def _imported(statements: Sequence[ast.stmt]) -> set[str]:
    """The packages that a module imports at its top level, without condition."""
    found: set[str] = set()
    for statement in statements:
        match statement:
            case ast.Import(names=names):
                found |= {each.name.partition(".")[0] for each in names}
            case ast.ImportFrom(module=str(name), level=0):
                found.add(name.partition(".")[0])
    return found

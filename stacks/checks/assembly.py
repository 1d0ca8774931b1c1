"""A cloud assembly as the checks read it: the resources of all its stacks."""

import functools
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from facts.names import Names, log_group_name
from facts.variables import INSTANCE, VARIANT


class Finding(NamedTuple):
    """A rule that a stack breaks; ``where`` is the resource, and what of it."""

    rule: str
    stack: str
    where: str
    message: str

    @property
    def text(self) -> str:
        """The finding in one line."""
        return f"{self.stack}/{self.where}: {self.message} [{self.rule}]"


class Resource(NamedTuple):
    """One resource of a stack, as its template has it."""

    stack: str
    logical_id: str
    properties: dict[str, Any]
    definition: dict[str, Any]

    @property
    def variables(self) -> dict[str, Any]:
        """The environment variables of a function."""
        found: dict[str, Any] = self.properties.get("Environment", {}).get("Variables", {})
        return found

    def finding(self, rule: str, message: str, where: str = "") -> Finding:
        """Report something wrong with it."""
        return Finding(rule, self.stack, self.logical_id + where, message)


@dataclass(frozen=True)
class Assembly:
    """All templates of one folder, by the stack's name, and the folder with the assets."""

    folder: Path
    templates: dict[str, dict[str, Any]]

    @classmethod
    def read(cls, folder: Path) -> "Assembly":
        """Read a folder; raise FileNotFoundError if it holds no template."""
        files = sorted(folder.glob("*.template.json"))
        if not files:
            raise FileNotFoundError(f"{folder} has no *.template.json: synthesize first, `make synth`")
        return cls(folder, {file.name.removesuffix(".template.json"): json.loads(file.read_text()) for file in files})

    def resources(self, kind: str | None = None, *, stack: str | None = None) -> Iterator[Resource]:
        """Iterate over the resources of one type or all types, of one stack or all stacks."""
        for name, template in self.templates.items():
            if stack in (None, name):
                for logical_id, found in template["Resources"].items():
                    if kind in (None, found["Type"]):
                        yield Resource(name, logical_id, found.get("Properties", {}), found)

    def resource(self, stack: str, reference: Any) -> Resource | None:
        """Return the resource that a ``Ref`` or ``Fn::GetAtt`` names, if it is in the same stack."""
        if not isinstance(reference, dict):
            return None
        wanted = reference.get("Ref") or (reference.get("Fn::GetAtt") or [None])[0]
        return next((found for found in self.resources(stack=stack) if found.logical_id == wanted), None)

    def log_group(self, function: Resource) -> Resource | None:
        """Return the log group of a function: the one it names, or the one that has its name by convention."""
        by_convention = log_group_name(str(function.properties.get("FunctionName")))
        own = function.properties.get("LoggingConfig", {}).get("LogGroup", by_convention)
        groups = self.resources("AWS::Logs::LogGroup")
        named = (found for found in groups if found.properties.get("LogGroupName") == own)
        return self.resource(function.stack, own) or next(named, None)

    def asset(self, content: Mapping[str, Any]) -> Path | None:
        """Return the folder of a function's code or a layer's content; None if it is not an asset of this assembly."""
        key = as_text(content.get("S3Key")) or ""
        folder = self.folder / f"asset.{key.removesuffix('.zip')}"
        return folder if key and folder.is_dir() else None

    @functools.cached_property
    def aliases(self) -> set[str]:
        """All aliases, as ``function:alias``."""
        found = set()
        for alias in self.resources("AWS::Lambda::Alias"):
            function = self.resource(alias.stack, alias.properties["FunctionName"])
            if function is not None and "FunctionName" in function.properties:
                found.add(f"{function.properties['FunctionName']}:{alias.properties['Name']}")
        return found

    @functools.cached_property
    def variants(self) -> set[str]:
        """The variants in the functions' environment variables: the values of their metrics' dimension."""
        return set(self.variant_of.values())

    @functools.cached_property
    def variant_of(self) -> dict[str, str]:
        """The variants by the names of their functions."""
        return {found.properties["FunctionName"]: found.variables[VARIANT] for found in self._functions}

    @functools.cached_property
    def namespaces(self) -> set[str]:
        """The namespaces of the metrics that the functions emit."""
        return {Names(found.variables.get(INSTANCE)).namespace for found in self._functions}

    @property
    def _functions(self) -> list[Resource]:
        """The variants' functions."""
        return [found for found in self.resources("AWS::Lambda::Function") if VARIANT in found.variables]

    @functools.cached_property
    def log_groups(self) -> set[str]:
        """The names of all log groups."""
        return self.names("AWS::Logs::LogGroup", "LogGroupName")

    def names(self, kind: str, name: str) -> set[str]:
        """The values of the property that names the resources of a type."""
        return {found.properties[name] for found in self.resources(kind) if isinstance(found.properties.get(name), str)}


def as_text(value: Any) -> str | None:
    """Return a string, or the result of ``Fn::Join`` or ``Fn::Sub`` with references as ``${…}``; else None."""
    match value:
        case str():
            return value
        case {"Ref": str(name)}:
            return f"${{{name}}}"
        case {"Fn::GetAtt": [str(name), str(attribute)]}:
            return f"${{{name}.{attribute}}}"
        case {"Fn::Sub": str(text)}:
            return text
        case {"Fn::Join": [str(mark), [*pieces]]}:
            texts = [as_text(piece) for piece in pieces]
            return None if None in texts else mark.join(text for text in texts if text is not None)
        case _:
            return None

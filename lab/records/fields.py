"""Dataclasses that are read from JSON files, and documented from the same definition.

A field's annotation is `Annotated[<type>, Meaning("what it is", "unit")]`. `decode` builds a dataclass from what
another program may have damaged; `field_rows` returns the rows of its reference page.
"""

import dataclasses
import functools
import types
import typing
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any, Literal, NamedTuple, TypeVar, get_args, get_origin

from lab.records.json_values import Json, encodable, finite, number

T = TypeVar("T")

_UNIONS = (types.UnionType, typing.Union)
_JSON_TYPES = {str: "string", float: "number", int: "integer", bool: "boolean"}


class Meaning(NamedTuple):
    """What a field holds, and the unit of its value."""

    text: str
    unit: str = ""


class FieldRow(NamedTuple):
    """A field as its reference page shows it. ``name`` is its path in the file: ``run.id``, ``variants[].name``."""

    name: str
    type: str
    unit: str
    meaning: str


class _UnreadableError(Exception):
    """A value is not of its field's type."""


@functools.cache
def field_types(cls: Any) -> dict[str, Any]:
    """The types of a dataclass's fields, with their `Meaning`, in the order of the class."""
    hints = typing.get_type_hints(cls, include_extras=True)
    return {field.name: hints[field.name] for field in dataclasses.fields(cls)}


def field_rows(cls: type, prefix: str = "") -> Iterator[FieldRow]:
    """The rows of a dataclass's reference; fields without a `Meaning` are not part of the file."""
    for name, hint in field_types(cls).items():
        if get_origin(hint) is not Annotated:
            continue
        meaning: Meaning = hint.__metadata__[0]
        inner, suffix, shown = _unwrapped(hint)
        yield FieldRow(prefix + name, shown, meaning.unit, meaning.text)
        if dataclasses.is_dataclass(inner):
            yield from field_rows(typing.cast("type[Any]", inner), f"{prefix}{name}{suffix}.")


def _unwrapped(hint: Any) -> tuple[Any, str, str]:
    """The type inside, what leads to it from the field's name, and the field's JSON type."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _unwrapped(arguments[0])
    if origin in _UNIONS:
        inner, suffix, shown = _unwrapped(arguments[0])
        return inner, suffix, f"{shown} or null"
    if origin in (tuple, Mapping):
        inner, suffix, shown = _unwrapped(arguments[0] if origin is tuple else arguments[1])
        kind, step = ("array", "[]") if origin is tuple else ("object", ".<name>")
        return inner, step + suffix, f"{kind} of {shown}s"
    if origin is Literal:
        return hint, "", " | ".join(f'"{value}"' for value in arguments)
    return hint, "", _JSON_TYPES.get(hint, "object")


def decode(cls: type[T], content: Json) -> tuple[T, tuple[str, ...]]:
    """The dataclass that the content of a file describes, and the paths of the values that could not be read.

    A missing value, an unreadable one and an unknown field leave the field's default; only the second is reported.
    Every field of ``cls`` has a default.
    """
    damaged: list[str] = []
    return _decode_object(cls, content, "", damaged), tuple(damaged)


def _decode_object(cls: Any, content: Json, path: str, damaged: list[str]) -> Any:
    if not isinstance(content, dict):
        raise _UnreadableError
    values = {}
    for name, hint in field_types(cls).items():
        if name in content and get_origin(hint) is Annotated:
            try:
                values[name] = _decode(hint, content[name], path + name, damaged)
            except _UnreadableError:
                damaged.append(path + name)
    return cls(**values)


def _decode(hint: Any, value: Json, path: str, damaged: list[str]) -> Any:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _decode(arguments[0], value, path, damaged)
    if origin in _UNIONS:
        return None if value is None else _decode(arguments[0], value, path, damaged)
    if origin is tuple and isinstance(value, list):
        return tuple(_items(arguments[0], enumerate(value), path, damaged).values())
    if origin is Mapping and isinstance(value, dict):
        return {str(encodable(key)): item for key, item in _items(arguments[1], value.items(), path, damaged).items()}
    if dataclasses.is_dataclass(hint):
        return _decode_object(hint, value, f"{path}.", damaged)
    return _decode_value(hint, value)


def _items(hint: Any, items: Iterable[tuple[Any, Json]], path: str, damaged: list[str]) -> dict[Any, Any]:
    found = {}
    for key, value in items:
        try:
            found[key] = _decode(hint, value, f"{path}.{key}", damaged)
        except _UnreadableError:
            damaged.append(f"{path}.{key}")
    return found


def _decode_value(hint: Any, value: Json) -> Any:
    if hint is Any:
        return finite(value)
    measure = number(value)
    readable = {
        str: isinstance(value, str),
        bool: isinstance(value, bool),
        float: measure is not None,
        int: measure is not None and measure.is_integer(),
    }
    if not (value in get_args(hint) if get_origin(hint) is Literal else readable.get(hint, False)):
        raise _UnreadableError
    if hint is int:
        return int(value)
    return encodable(value)

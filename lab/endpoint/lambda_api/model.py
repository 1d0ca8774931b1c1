"""The Lambda API's model (botocore's): the operation and the parameters of a request, and what breaks the model."""

import functools
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qs, unquote

from botocore.loaders import Loader
from botocore.model import ListShape, MapShape, OperationModel, ServiceModel, Shape, StructureShape

from lab.endpoint.api_error import validation_error

Params = dict[str, Any]
NOT_NULL: Final = "Member must not be null"
OWN_ERROR: Final = {("CreateFunction", "runtime"), ("UpdateFunctionConfiguration", "runtime")}
"""Parameters that Lambda checks after the model, with an error of their own."""


class _Route(NamedTuple):
    operation: OperationModel
    path: re.Pattern[str]
    query: dict[str, list[str]]


class Constraint(NamedTuple):
    """A constraint of a shape: its words in an error, and whether a value breaks it."""

    words: str
    broken: bool


@functools.cache
def service() -> ServiceModel:
    """The model of the Lambda API."""
    return ServiceModel(Loader().load_service_model("lambda", "service-2"), "lambda")


@functools.cache
def _routes() -> tuple[_Route, ...]:
    operations = (service().operation_model(name) for name in service().operation_names)
    routes = [_route(operation) for operation in operations]
    return tuple(sorted(routes, key=lambda route: (not route.query, route.path.groups)))


def _route(operation: OperationModel) -> _Route:
    path, _, query = operation.http["requestUri"].partition("?")
    # VersionNumber and the like may be anything here: the constraints are checked afterwards.
    pattern = re.sub(r"\{(\w+)\+?\}", r"(?P<\1>[^/]+)", path.rstrip("/").replace(".", r"\."))
    return _Route(operation, re.compile(pattern + "/?"), parse_qs(query, keep_blank_values=True))


def recognise(method: str, path: str, query: Mapping[str, list[str]], body: bytes) -> tuple[str, Params] | None:
    """The operation and its parameters; None for what is not an operation of the model."""
    for route in _routes():
        match = route.path.fullmatch(path) if route.operation.http["method"] == method else None
        if match is not None and all(query.get(name) == value for name, value in route.query.items()):
            return route.operation.name, _parameters(route.operation, match.groupdict(), query, body)
    return None


def _parameters(
    operation: OperationModel, in_path: dict[str, str], query: Mapping[str, list[str]], body: bytes
) -> Params:
    try:
        parsed = json.loads(body) if body else {}
    except ValueError:
        parsed = {}
    named = parsed if isinstance(parsed, dict) else {}  # the payload of an invocation may be anything
    params: Params = {key: value for key, value in named.items() if value is not None}
    shape = operation.input_shape
    for member, inner in shape.members.items() if shape is not None else ():
        name = inner.serialization.get("name", member)
        if inner.serialization.get("location") == "uri" and name in in_path:
            params[member] = _typed(inner, unquote(in_path[name]))
        elif inner.serialization.get("location") == "querystring" and name in query:
            params[member] = query[name] if isinstance(inner, ListShape) else _typed(inner, query[name][0])
    return params


def _typed(shape: Shape, text: str) -> Any:
    is_number = shape.type_name in {"integer", "long"} and re.fullmatch(r"-?\d+", text)
    return int(text) if is_number else text


def check(operation: str, params: Params) -> None:
    """Raises `ApiError` (ValidationException) with everything that breaks the model."""
    broken = faults(operation, params)
    if broken:
        raise validation_error(broken)


def faults(operation: str, params: Params) -> list[str]:
    """Everything that breaks the model, as faults of a validation error."""
    return list(_faults_of_members(service().operation_model(operation).input_shape, params, operation))


def _faults_of_members(shape: StructureShape | None, value: Params, operation: str, place: str = "") -> Iterator[str]:
    for member, inner in shape.members.items() if shape is not None else ():
        where = f"{place}{member[0].lower()}{member[1:]}"
        if value.get(member) is not None:
            if (operation, where) not in OWN_ERROR:
                yield from _faults(inner, value[member], where)
        elif shape is not None and member in shape.required_members:
            yield f"Value null at '{where}' failed to satisfy constraint: {NOT_NULL}"


def _faults(shape: Shape, value: Any, place: str) -> Iterator[str]:
    if isinstance(shape, StructureShape):
        yield from _faults_of_members(shape, value if isinstance(value, dict) else {}, "", f"{place}.")
    elif isinstance(shape, ListShape) and isinstance(shape.member, StructureShape):
        for number, each in enumerate(value, 1):
            yield from _faults(shape.member, each, f"{place}.{number}.member")
    else:
        for constraint in _constraints(shape, value):
            if constraint.broken:
                yield f"Value '{_shown(value)}' at '{place}' failed to satisfy constraint: {constraint.words}"


def _constraints(shape: Shape, value: Any) -> Iterator[Constraint]:
    if isinstance(shape, MapShape):
        yield _of_all("Map keys must satisfy constraint", shape.key, value)
        yield _of_all("Map value must satisfy constraint", shape.value, value.values())
    elif isinstance(shape, ListShape):
        yield from _sizes(shape, len(value), "Member must have length")
        yield _of_all("Member must satisfy constraint", shape.member, value)
    elif shape.type_name == "string":
        yield from _sizes(shape, len(str(value)), "Member must have length")
        pattern, known = shape.metadata.get("pattern"), shape.metadata.get("enum")
        if pattern and (compiled := _compiled(pattern)) is not None:
            is_broken = compiled.fullmatch(str(value)) is None
            yield Constraint(f"Member must satisfy regular expression pattern: {pattern}", is_broken)
        if known:
            yield Constraint(f"Member must satisfy enum value set: [{', '.join(known)}]", value not in known)
    elif shape.type_name in {"integer", "long", "float", "double"}:
        yield from _sizes(shape, value, "Member must have value")


@functools.cache
def _compiled(pattern: str) -> re.Pattern[str] | None:
    """A pattern of the model; None for one that only Java knows (those of tags), which is not checked."""
    try:
        return re.compile(pattern)
    except re.error:
        return None


def _sizes(shape: Shape, size: Any, what: str) -> Iterator[Constraint]:
    is_number = isinstance(size, int | float)
    for bound, words in (("max", "less than or equal to"), ("min", "greater than or equal to")):
        limit = shape.metadata.get(bound)
        if limit is not None and is_number:
            yield Constraint(f"{what} {words} {limit}", size > limit if bound == "max" else size < limit)


def _of_all(what: str, shape: Shape, values: Any) -> Constraint:
    """One constraint for all elements of a list, or keys or values of a map."""
    broken = any(constraint.broken for value in values for constraint in _constraints(shape, value))
    words = [constraint.words for value in list(values)[:1] for constraint in _constraints(shape, value)]
    return Constraint(f"{what}: [{', '.join([*words, NOT_NULL])}]", broken)


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return (
            "{" + ", ".join(f"{key}={float(each) if _is_number(each) else each}" for key, each in value.items()) + "}"
        )
    return f"[{', '.join(map(str, value))}]" if isinstance(value, list) else str(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)

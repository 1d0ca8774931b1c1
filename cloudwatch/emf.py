"""CloudWatch's embedded metric format (EMF): the metrics in a line of a log.

Source: Amazon CloudWatch User Guide, "Specification: Embedded metric format", its text and its JSON schema. A document
that breaks the specification makes no metric at all. A value that CloudWatch cannot hold is left out.
"""

import dataclasses
import functools
import json
import marshal
from collections.abc import Iterator
from typing import Any, Final, NamedTuple, NoReturn, TypeGuard

from cloudwatch.series import MOST_DIMENSIONS, RESERVED_NAMESPACE, UNITS, Dimensions, in_time, usable

MARK: Final = b'"_aws"'
MOST_METRICS: Final = 100
MOST_VALUES: Final = 100
LONGEST_NAME: Final = 1024
LONGEST_NAMESPACE: Final = 255
LARGEST_DOCUMENT: Final = 1 << 20
MARSHAL_WITHOUT_REFERENCES: Final = 2


@dataclasses.dataclass(frozen=True, eq=False, slots=True)
class Directive:
    """A valid metric directive, which names members of the root. Metrics are names and units."""

    namespace: str
    dimension_sets: list[list[str]]
    metrics: list[tuple[str, str]]


class Measured(NamedTuple):
    """The values of one directive in a document: one, or a list of them, for each of the directive's metrics.

    ``at`` is Unix seconds.
    """

    directive: Directive
    dimension_sets: list[Dimensions]
    values: list[float | list[float]]
    at: float


class _InvalidError(Exception):
    """The document breaks the specification."""


def documents(log: bytes) -> Iterator[bytes]:
    """The lines that may be documents: a line may begin with what Lambda's runtime writes before a message, and a tab.

    "While Lambda may prepend log events with metadata such as timestamp and request id, a valid embedded metric format
    document after this metadata is considered valid."
    """
    mark = log.find(MARK)
    while mark >= 0:
        start, end = log.rfind(b"\n", 0, mark) + 1, log.find(b"\n", mark)
        line = log[start : end if end >= 0 else len(log)]
        begin = line.find(b"{")
        if begin == 0 or line[begin - 1 : begin] == b"\t":
            yield line[begin:]
        mark = log.find(MARK, end) if end >= 0 else -1


def measured(document: bytes, now: float) -> list[Measured]:
    """The values in a document; none if it is no EMF document, or breaks the specification."""
    if len(document) > LARGEST_DOCUMENT:
        return []
    try:
        return _of_root(_DECODER.decode(document.decode()), now)
    except (ValueError, RecursionError, OverflowError, _InvalidError):
        return []


def _of_root(root: Any, now: float) -> list[Measured]:
    metadata = root.get("_aws") if isinstance(root, dict) else None
    if not isinstance(metadata, dict):
        raise _InvalidError
    directives, timestamp = metadata.get("CloudWatchMetrics"), metadata.get("Timestamp")
    if not isinstance(directives, list) or not _is_number(timestamp):
        raise _InvalidError
    at = timestamp / 1000
    if not in_time(at, now):
        return []
    # The directives of a function are always the same, so they are checked once.
    return [
        Measured(
            directive,
            [_dimensions(root, names) for names in directive.dimension_sets],
            [_values(root.get(name)) for name, _ in directive.metrics],
            at,
        )
        for directive in _directives(marshal.dumps(directives, MARSHAL_WITHOUT_REFERENCES))
    ]


def _dimensions(root: dict[str, Any], names: list[str]) -> Dimensions:
    if not all(_is_text(root.get(name), LONGEST_NAME) for name in names):
        raise _InvalidError
    return tuple((name, root[name]) for name in names)


def _values(target: Any) -> float | list[float]:
    if type(target) is float and usable(target):  # nearly always
        return target
    values = target if isinstance(target, list) else [target]
    if len(values) > MOST_VALUES or not all(map(_is_number, values)):
        raise _InvalidError
    return [float(value) for value in values if usable(value)]


@functools.lru_cache(maxsize=256)
def _directives(content: bytes) -> list[Directive]:
    return [_directive(directive) for directive in marshal.loads(content)]  # noqa: S302 - our own, of parsed JSON


def _directive(directive: Any) -> Directive:
    if not isinstance(directive, dict):
        raise _InvalidError
    namespace, sets, definitions = directive.get("Namespace"), directive.get("Dimensions"), directive.get("Metrics")
    if not _is_text(namespace, LONGEST_NAMESPACE) or namespace.startswith(RESERVED_NAMESPACE):
        raise _InvalidError
    if not isinstance(sets, list) or not sets or not all(map(_is_dimension_set, sets)):
        raise _InvalidError
    if not isinstance(definitions, list) or len(definitions) > MOST_METRICS:
        raise _InvalidError
    return Directive(namespace, [sorted(set(names)) for names in sets], list(map(_definition, definitions)))


def _is_dimension_set(names: Any) -> bool:
    return (
        isinstance(names, list)
        and len(names) <= MOST_DIMENSIONS
        and all(_is_text(name, LONGEST_NAME) for name in names)
    )


def _definition(definition: Any) -> tuple[str, str]:
    if not isinstance(definition, dict):
        raise _InvalidError
    name, unit = definition.get("Name"), definition.get("Unit", "None")
    if not _is_text(name, LONGEST_NAME) or unit not in UNITS or definition.get("StorageResolution", 60) not in (1, 60):
        raise _InvalidError
    return name, unit


def _is_text(value: Any, longest: int) -> TypeGuard[str]:
    return isinstance(value, str) and 1 <= len(value) <= longest


def _is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _no_number(name: str) -> NoReturn:
    # Python's decoder takes NaN and Infinity; JSON has neither.
    raise ValueError(name)


_DECODER = json.JSONDecoder(parse_constant=_no_number)

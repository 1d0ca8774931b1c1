"""The Query protocol: requests are forms whose names are paths (``Dimensions.member.1.Name``), answers are XML."""

import urllib.parse
from typing import Any
from xml.sax import saxutils

import botocore.utils
from botocore.model import Shape


def from_form(content: bytes, shape: Shape) -> Any:
    """The parameters of a form, by the model of the operation's input; numbers and times are still text.

    Raises:
        ValueError: the names contradict one another.
    """
    pairs = urllib.parse.parse_qsl(content.decode(), keep_blank_values=True)
    tree: dict[str, Any] = {}
    for path, text in pairs:
        _place(tree, path.split("."), text)
    return _value(tree, shape)


def _place(tree: dict[str, Any], path: list[str], text: str) -> None:
    for name in path[:-1]:
        below = tree.setdefault(name, {})
        if not isinstance(below, dict):
            raise ValueError(".".join(path))
        tree = below
    tree[path[-1]] = text


def _value(node: Any, shape: Any) -> Any:
    match shape.type_name:
        case "structure":
            return {name: _value(node[name], member) for name, member in shape.members.items() if name in node}
        case "list":
            items = node.get("member", {}) if node else {}
            return [_value(items[number], shape.member) for number in sorted(items, key=int)]
        case "map":
            entries = node.get("entry", {}).values()
            return {entry["key"]: _value(entry["value"], shape.value) for entry in entries}
        case "boolean":
            return node == "true"
        case _:
            return node


def xml(value: Any, shape: Any) -> str:
    """A value as XML, by its model; times are Unix seconds."""
    match shape.type_name:
        case "structure":
            members = shape.members
            return "".join(_element(name, xml(item, members[name])) for name, item in value.items())
        case "list":
            return "".join(_element("member", xml(item, shape.member)) for item in value)
        case "map":
            pairs = ((xml(key, shape.key), xml(item, shape.value)) for key, item in value.items())
            return "".join(_element("entry", _element("key", key) + _element("value", item)) for key, item in pairs)
        case "timestamp":
            return f"{botocore.utils.parse_timestamp(value):%Y-%m-%dT%H:%M:%SZ}"
        case "boolean":
            return "true" if value else "false"
        case _:
            return saxutils.escape(str(value))


def document(name: str, inner: str, namespace: str, request_id: str) -> bytes:
    """The answer of an operation."""
    metadata = _element("ResponseMetadata", _element("RequestId", request_id))
    return f'<{name} xmlns="{namespace}">{inner}{metadata}</{name}>'.encode()


def error(told: dict[str, str], namespace: str, request_id: str) -> bytes:
    """The answer of an operation that failed."""
    inner = "".join(_element(name, saxutils.escape(text)) for name, text in told.items())
    identifier = _element("RequestId", request_id)
    return f'<ErrorResponse xmlns="{namespace}"><Error>{inner}</Error>{identifier}</ErrorResponse>'.encode()


def _element(name: str, content: str) -> str:
    return f"<{name}>{content}</{name}>"

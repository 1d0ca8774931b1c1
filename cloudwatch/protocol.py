"""The three protocols that CloudWatch's clients speak, by botocore's model of the service.

boto3 and the AWS CLI speak AWS JSON, newer SDKs of other languages RPC v2 CBOR, older ones the Query protocol.
"""

import datetime
import gzip
import io
import json
import urllib.parse
import uuid
import zlib
from collections.abc import Callable
from typing import Any, Final, NamedTuple
from xml.etree import ElementTree

import botocore.serialize
import botocore.session
import botocore.utils
import botocore.validate
from botocore.model import OperationModel, ServiceModel, Shape
from botocore.parsers import ResponseParserError, RpcV2CBORParser

from cloudwatch.errors import CloudWatchError

MOST_BYTES: Final = 16 << 20
CBOR: Final = "cbor"
JSON: Final = "json"
QUERY: Final = "query"

Headers = list[tuple[bytes, bytes]]
Answer = tuple[int, Headers, bytes]


class Call(NamedTuple):
    """One request, as far as the protocol says what is asked for."""

    operation: str
    protocol: str
    gzipped: bool
    body: bytes


class Model:
    """Requests into parameters, results into answers."""

    def __init__(self) -> None:
        session = botocore.session.Session()
        self._service: ServiceModel = session.get_service_model("cloudwatch")

    def parameters(self, call: Call) -> dict[str, Any]:
        """The parameters of a call. Times are Unix seconds.

        Raises:
            CloudWatchError: they cannot be read, or are not what the model says.
        """
        operation = self._operation(call)
        shape = operation.input_shape
        if shape is None:
            return {}
        try:
            raw = _READERS[call.protocol](_content(call), shape)
            parameters: dict[str, Any] = _normal(raw or {}, shape)
        except (ValueError, TypeError, AttributeError, EOFError, zlib.error, ResponseParserError) as error:
            raise CloudWatchError("SerializationException", f"the request cannot be read: {error}") from None
        report = botocore.validate.ParamValidator().validate(parameters, shape)
        if report.has_errors():
            raise CloudWatchError("ValidationError", report.generate_report())
        return parameters

    def answer(self, call: Call, result: dict[str, Any]) -> Answer:
        """The answer of a call that succeeded."""
        shape = self._operation(call).output_shape
        request_id = str(uuid.uuid4())
        headers = answer_headers(_TYPES[call.protocol], request_id)
        if call.protocol == QUERY:
            document = self._document(f"{call.operation}Response")
            if shape:
                xml: Any = botocore.serialize.RestXMLSerializer()
                xml._serialize(shape, result, document, f"{call.operation}Result")
            _add(document, "ResponseMetadata", {"RequestId": request_id})
            return 200, headers, ElementTree.tostring(document)
        if call.protocol == CBOR:
            encoder: Any = botocore.serialize.RpcV2CBORSerializer()
            data = bytearray()
            encoder._serialize_data_item(data, result, shape) if shape else data.extend(b"\xa0")
            return 200, [*headers, _RPC], bytes(data)
        return 200, headers, json.dumps(result).encode()

    def error(self, call: Call, error: CloudWatchError) -> Answer:
        """The answer of a call that failed."""
        code, message = error.code, str(error)
        fault = "Sender" if error.status < 500 else "Receiver"
        request_id = str(uuid.uuid4())
        headers = answer_headers(_TYPES[call.protocol], request_id)
        if call.protocol == QUERY:
            document = self._document("ErrorResponse")
            _add(document, "Error", {"Type": fault, "Code": code, "Message": message})
            ElementTree.SubElement(document, "RequestId").text = request_id
            return error.status, headers, ElementTree.tostring(document)
        shapes = {shape.metadata.get("error", {}).get("code"): shape.name for shape in self._service.error_shapes}
        content = {"__type": f"com.amazonaws.cloudwatch#{shapes.get(code, code)}", "message": message}
        headers.append((b"x-amzn-query-error", f"{code};{fault}".encode()))
        if call.protocol == JSON:
            return error.status, headers, json.dumps(content).encode()
        texts = (text.encode() for pair in content.items() for text in pair)
        data = b"\xa2" + b"".join(b"\x79" + len(text).to_bytes(2, "big") + text for text in texts)
        return error.status, [*headers, _RPC], data

    def _operation(self, call: Call) -> OperationModel:
        return self._service.operation_model(call.operation)

    def _document(self, name: str) -> ElementTree.Element:
        return ElementTree.Element(name, xmlns=self._service.metadata["xmlNamespace"])


_RPC: Final = (b"smithy-protocol", b"rpc-v2-cbor")
_TYPES: Final = {JSON: "application/x-amz-json-1.0", CBOR: "application/cbor", QUERY: "text/xml"}


def _add(document: ElementTree.Element, name: str, texts: dict[str, str]) -> None:
    element = ElementTree.SubElement(document, name)
    for member, text in texts.items():
        ElementTree.SubElement(element, member).text = text


def answer_headers(content_type: str, request_id: str) -> Headers:
    """The headers of any answer."""
    return [(b"content-type", content_type.encode()), (b"x-amzn-requestid", request_id.encode())]


def _content(call: Call) -> bytes:
    if not call.gzipped:
        return call.body
    with gzip.GzipFile(fileobj=io.BytesIO(call.body)) as file:
        content = file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise ValueError("it is too large")
    return content


def _from_json(content: bytes, shape: Shape) -> Any:  # noqa: ARG001 - as the others
    return json.loads(content or b"{}")


def _from_cbor(content: bytes, shape: Shape) -> Any:  # noqa: ARG001 - as the others
    parser: Any = RpcV2CBORParser()
    return parser.parse_data_item(parser.get_peekable_stream_from_bytes(content)) if content else {}


def _from_form(content: bytes, shape: Shape) -> Any:
    """The parameters of a form with paths as names (``Dimensions.member.1.Name``); numbers and times stay text."""
    tree: dict[str, Any] = {}
    for path, text in urllib.parse.parse_qsl(content.decode(), keep_blank_values=True):
        _place(tree, path.split("."), text)
    return _of_tree(tree, shape)


def _place(tree: dict[str, Any], path: list[str], text: str) -> None:
    for name in path[:-1]:
        below = tree.setdefault(name, {})
        if not isinstance(below, dict):
            raise ValueError(".".join(path))
        tree = below
    tree[path[-1]] = text


def _of_tree(node: Any, shape: Any) -> Any:
    match shape.type_name:
        case "structure":
            return {name: _of_tree(node[name], member) for name, member in shape.members.items() if name in node}
        case "list":
            items = node.get("member", {}) if node else {}
            return [_of_tree(items[number], shape.member) for number in sorted(items, key=int)]
        case "map":
            entries = node.get("entry", {}).values()
            return {entry["key"]: _of_tree(entry["value"], shape.value) for entry in entries}
        case "boolean":
            return node == "true"
        case _:
            return node


_READERS: Final[dict[str, Callable[[bytes, Shape], Any]]] = {JSON: _from_json, CBOR: _from_cbor, QUERY: _from_form}


def _normal(value: Any, shape: Any) -> Any:
    """A value as the operations take it: times as Unix seconds, numbers as the model's kind, null as absent."""
    match shape.type_name:
        case "structure":
            given = ((name, member) for name, member in shape.members.items() if value.get(name) is not None)
            return {name: _normal(value[name], member) for name, member in given}
        case "list":
            return [_normal(item, shape.member) for item in value]
        case "map":
            return {key: _normal(item, shape.value) for key, item in value.items()}
        case kind:
            return _SCALARS[kind](value) if kind in _SCALARS else value


def _seconds(value: Any) -> float:
    if isinstance(value, str):
        value = botocore.utils.parse_timestamp(value)
    return float(value.timestamp() if isinstance(value, datetime.datetime) else value)


_SCALARS: Final[dict[str, Callable[[Any], Any]]] = {
    "timestamp": _seconds,
    "double": float,
    "float": float,
    "integer": int,
    "long": int,
}

"""What DynamoDB bills for reads: stated by the endpoint, summed by the lab's functions and on the wire.

DynamoDB Developer Guide, "DynamoDB read and write operations": one unit for every started 4 KB of an item that is read
strongly consistent, half of it for an eventually consistent read, each item of a batch by itself.
"""

import io
import zipfile
from pathlib import Path
from typing import Any

import cachetools
import pytest

from tests.engine.endpoint import Endpoint

ROOT = Path(__file__).parents[2]
TABLE = "read-units"
SIZES = {"small": 100, "full": 4096 - len("keyfull" + "text"), "larger": 4096, "large": 10_000}
UNITS = {"small": 1.0, "full": 1.0, "larger": 2.0, "large": 3.0, "missing": 1.0}
KEYS = 50


@pytest.fixture(scope="module")
def dynamodb(endpoint: Endpoint) -> Any:
    """A client of the endpoint, which has a table with items of these sizes, and the lab's own 50."""
    client = endpoint.client("dynamodb")
    client.create_table(
        TableName=TABLE,
        KeySchema=[{"AttributeName": "key", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "key", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    for key, size in SIZES.items():
        client.put_item(TableName=TABLE, Item={"key": {"S": key}, "text": {"S": "x" * size}})
    for number in range(KEYS):
        item = {"key": {"S": f"item-{number:04}"}, "value": {"S": "x"}, "version": {"N": "1"}}
        client.put_item(TableName=TABLE, Item=item)
    return client


@pytest.mark.parametrize("key", UNITS)
@pytest.mark.parametrize(("consistent", "share"), [(True, 1.0), (False, 0.5)])
def test_a_read_costs_by_the_size_of_its_item(dynamodb: Any, key: str, consistent: bool, share: float) -> None:
    asked = {"TableName": TABLE, "Key": {"key": {"S": key}}, "ConsistentRead": consistent}
    whole = dynamodb.get_item(**asked, ReturnConsumedCapacity="TOTAL")
    part = dynamodb.get_item(**asked, ReturnConsumedCapacity="INDEXES", AttributesToGet=["key"])

    assert whole["ConsumedCapacity"] == {"TableName": TABLE, "CapacityUnits": share * UNITS[key]}
    assert part["ConsumedCapacity"]["Table"] == {"CapacityUnits": share * UNITS[key]}
    assert "ConsumedCapacity" not in dynamodb.get_item(**asked)


@pytest.mark.parametrize(("consistent", "share"), [(True, 1.0), (False, 0.5)])
def test_a_batch_costs_as_its_items_do_one_by_one(dynamodb: Any, consistent: bool, share: float) -> None:
    wanted = {TABLE: {"Keys": [{"key": {"S": key}} for key in UNITS], "ConsistentRead": consistent}}
    answer = dynamodb.batch_get_item(RequestItems=wanted, ReturnConsumedCapacity="TOTAL")

    assert answer["ConsumedCapacity"] == [{"TableName": TABLE, "CapacityUnits": share * sum(UNITS.values())}]
    assert len(answer["Responses"][TABLE]) == len(SIZES)
    assert "ConsumedCapacity" not in dynamodb.batch_get_item(RequestItems=wanted)


def snapstart() -> bytes:
    """The deployment package of the variant `snapstart`, with the layer inside."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.write(ROOT / "functions/snapstart/handler.py", "handler.py")
        for folder in (ROOT / "layer/python", ROOT / "facts", Path(cachetools.__file__).parent):
            parent = folder if folder.name == "python" else folder.parent
            for path in folder.rglob("*.py"):
                archive.write(path, path.relative_to(parent))
    return content.getvalue()


def test_a_batch_of_50_items_is_one_call_and_50_read_units(endpoint: Endpoint, dynamodb: Any) -> None:
    """In the function's answer and on the wire."""
    variables = {"CACHE_LAB_VARIANT": "snapstart", "CACHE_LAB_TABLE": TABLE, "CACHE_LAB_KEYS": str(KEYS)}
    name = endpoint.new_function("", Handler="handler.handler", Environment={"Variables": variables})
    endpoint.aws_lambda.update_function_code(FunctionName=name, ZipFile=snapstart())
    first, second = (endpoint.invoke(name, {"key": "item-0007"}).payload for _ in range(2))
    wire = endpoint.control("GET", "/_lab/wire").json["functions"][name]

    assert (first["init_downstream_calls"], first["downstream_calls"], first["read_units"]) == (1, 0, KEYS)
    assert (second["init_downstream_calls"], second["downstream_calls"], second["read_units"]) == (0, 0, 0)
    assert (wire["downstream_calls"], wire["read_units"]) == (1, KEYS)

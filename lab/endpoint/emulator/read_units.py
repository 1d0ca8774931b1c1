"""The read units of ministack's DynamoDB, as AWS counts them."""

import json
from typing import Any


def install(dynamodb: Any) -> None:
    """Have ministack's DynamoDB state the consumed capacity of GetItem by the item's size, and of BatchGetItem at all.

    DynamoDB Developer Guide, "DynamoDB read and write operations": a read costs one unit for every started 4 KB of the
    item, half of that if it is not strongly consistent; an item that does not exist costs as much as a small one; a
    batch costs as its items do one by one.
    """
    add, batch = dynamodb._add_consumed_capacity, dynamodb._batch_get_item

    def units(table_name: str, key: dict[str, Any], *, consistent: bool) -> float:
        item = dynamodb._get_item_by_key(dynamodb._tables[dynamodb._normalize_table_name(table_name)], key)
        blocks: int = max(1, -(-dynamodb._item_size_bytes(item or {}) // 4096))
        return blocks * (1.0 if consistent else 0.5)

    def add_consumed_capacity(
        result: dict[str, Any],
        asked: dict[str, Any],
        table_name: str,
        write: bool = False,
        **rest: Any,
    ) -> None:
        add(result, asked, table_name, write=write, **rest)
        capacity = result.get("ConsumedCapacity")
        if capacity is not None and not write and "Key" in asked:
            consumed = units(table_name, asked["Key"], consistent=asked.get("ConsistentRead", False))
            for place in (capacity, capacity.get("Table", {})):
                place["CapacityUnits"] = consumed

    def batch_get_item(asked: dict[str, Any]) -> Any:
        status, headers, body = batch(asked)
        level = asked.get("ReturnConsumedCapacity", "NONE")
        if status != 200 or level == "NONE":
            return status, headers, body
        capacities = []
        for table_name, wanted in asked["RequestItems"].items():
            consistent = wanted.get("ConsistentRead", False)
            consumed = {"CapacityUnits": sum(units(table_name, key, consistent=consistent) for key in wanted["Keys"])}
            table = {"Table": consumed} if level == "INDEXES" else {}
            capacities.append({"TableName": table_name, **consumed, **table})
        return status, headers, json.dumps(json.loads(body) | {"ConsumedCapacity": capacities}).encode()

    dynamodb._add_consumed_capacity, dynamodb._batch_get_item = add_consumed_capacity, batch_get_item

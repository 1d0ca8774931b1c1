"""What an account holds of the lab."""

import json
from typing import Any

import boto3

from lab.aws.account import standing_stacks
from lab.aws.connection import Connection

PARAMETER = {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": "1"}}
WAIT = {"Delay": 0.05, "MaxAttempts": 1000}
TEMPLATE = json.dumps({"Resources": {"One": PARAMETER}})


def test_only_stacks_that_are_there_stand(ministack: str) -> None:
    make: Any = boto3.client
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}
    cloudformation = make("cloudformation", endpoint_url=ministack, **keys)
    connection = Connection(target="local", endpoint_url=ministack)
    names = ["CacheLab-load", "CacheLab-source"]
    assert standing_stacks(connection, names) == []

    cloudformation.create_stack(StackName="CacheLab-source", TemplateBody=TEMPLATE)
    cloudformation.get_waiter("stack_create_complete").wait(StackName="CacheLab-source", WaiterConfig=WAIT)
    assert standing_stacks(connection, names) == ["CacheLab-source"]

    cloudformation.delete_stack(StackName="CacheLab-source")
    cloudformation.get_waiter("stack_delete_complete").wait(StackName="CacheLab-source", WaiterConfig=WAIT)
    assert standing_stacks(connection, names) == []

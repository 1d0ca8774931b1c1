"""Functions, as recordings of AWS show them."""

import pytest
from botocore.exceptions import ClientError

from tests.engine.endpoint import Endpoint
from tests.recorded.behaviour import behaviour

API = "localstack/localstack, tests/aws/services/lambda_/test_lambda_api.py, TestLambdaFunction"


@behaviour(
    "GetFunction of an unknown function answers 404 with the ARN of the function",
    source=f"{API}.test_ops_on_nonexisting_fn",
)
def test_an_unknown_function_is_not_found(endpoint: Endpoint) -> None:
    with pytest.raises(ClientError, match=r"Function not found: arn:aws:lambda:.*:function:unknown") as refused:
        endpoint.aws_lambda.get_function(FunctionName="unknown")
    assert refused.value.response["Error"]["Code"] == "ResourceNotFoundException"

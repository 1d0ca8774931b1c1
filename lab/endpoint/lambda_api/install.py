"""Puts the lab's Lambda API in front of ministack's, in ministack's process."""

from typing import Any

from lab.endpoint.api_error import ApiError
from lab.endpoint.deployments.function_names import FunctionName
from lab.endpoint.lambda_api import answers, requests, stacks, urls
from lab.endpoint.lambda_api.concurrency import refuse_provisioned
from lab.endpoint.lambda_api.functions import publish
from lab.endpoint.lambda_api.service import Answer, Request, error_of, schedule


def install(lambda_svc: Any, handlers: dict[str, dict[str, Any]]) -> None:
    """Hook into ministack's Lambda module and the resource handlers of its CloudFormation."""
    original, publish_version = lambda_svc.handle_request, lambda_svc._publish_version
    delete_function, create_url = lambda_svc._delete_function, lambda_svc._create_function_url_config

    async def handle_request(*arguments: Any) -> Answer:
        try:
            call = requests.call_of(lambda_svc, Request(*arguments))
            found: Answer | None = None if call is None else requests.handle(call)
        except ApiError as refused:
            return error_of(refused)
        if found is None:
            found = await original(*arguments)
        return found if call is None else answers.like_aws(call, found)

    def publish_or_refuse(name: str, params: dict[str, Any]) -> Answer:
        try:
            return publish(lambda_svc, publish_version, name, params)
        except ApiError as refused:
            return error_of(refused)

    def delete_with_urls(name: str, *rest: Any) -> Answer:
        answer: Answer = delete_function(name, *rest)
        if name not in lambda_svc._functions:
            urls.delete_of(lambda_svc, name)
        return answer

    def create_url_with_owner(name: str, data: dict[str, Any], qualifier: str | None) -> Answer:
        return urls.name_owner(lambda_svc, create_url(name, data, qualifier), FunctionName(name, qualifier))

    lambda_svc.handle_request = handle_request
    lambda_svc._publish_version = publish_or_refuse
    lambda_svc._delete_function = delete_with_urls
    lambda_svc._create_function_url_config = create_url_with_owner
    lambda_svc._put_provisioned_concurrency = refuse_provisioned
    lambda_svc._schedule_state_transition = lambda name, _delay: schedule(lambda_svc, name)
    stacks.install(handlers, lambda_svc)

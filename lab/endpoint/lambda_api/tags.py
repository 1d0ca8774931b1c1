"""Tags of functions. Those of event source mappings are ministack's."""

from typing import Any, Final

from lab.endpoint.api_error import not_found
from lab.endpoint.deployments.function_names import parse_name
from lab.endpoint.lambda_api.service import Answer, Call, answer, invalid, revise

MAX_TAGS: Final = 50


def change(call: Call) -> Answer | None:
    """TagResource, UntagResource and ListTags."""
    resource = call.params["Resource"]
    if ":function:" not in resource:
        return None
    name = parse_name(resource, None)
    if name.qualifier is not None:
        raise invalid("Tags on function aliases and versions are not supported. Please specify a function ARN.")
    function: dict[str, Any] | None = call.functions.get(name.name)
    if function is None:
        raise not_found(f"Function not found: {resource}")
    tags = function.setdefault("tags", {})
    if call.operation == "ListTags":
        return answer({"Tags": tags})
    if call.operation == "UntagResource":
        wanted = {key: value for key, value in tags.items() if key not in call.params["TagKeys"]}
    else:
        wanted = _added(tags, call.params["Tags"])
    if wanted != tags:
        function["tags"] = wanted
        revise(function)
    return answer(None, 204)


def _added(tags: dict[str, str], more: dict[str, str]) -> dict[str, str]:
    if not more:
        raise invalid("An error occurred and the request cannot be processed.")
    if len(tags | more) > MAX_TAGS:
        raise invalid("Number of tags exceeds resource tag limit.")
    return tags | more

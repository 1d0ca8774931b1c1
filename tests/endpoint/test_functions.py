"""What names mean, asked of the emulator."""

import asyncio
from pathlib import Path

import pytest

from lab.endpoint.deployments.function_names import FunctionName
from lab.endpoint.deployments.functions import Functions
from tests.engine.endpoint import ROLE, until, zipped

NAME = FunctionName("resolved")


@pytest.fixture
def functions(ministack: str, tmp_path: Path) -> Functions:
    """With one function in the emulator."""
    functions = Functions(ministack, tmp_path)
    client = functions.client
    if all(function["FunctionName"] != NAME.name for function in client.list_functions()["Functions"]):
        client.create_function(
            FunctionName=NAME.name,
            Runtime="python3.13",
            Role=ROLE,
            Handler="function.handler",
            Code={"ZipFile": zipped("def handler(event, context): ...\n")},
            LoggingConfig={"LogFormat": "JSON", "ApplicationLogLevel": "DEBUG", "SystemLogLevel": "WARN"},
        )
        until(lambda: client.get_function_configuration(FunctionName=NAME.name)["State"] == "Active")
    return functions


async def test_who_asks_the_same_at_the_same_time_is_answered_by_one_question(functions: Functions) -> None:
    """A deployment makes every function unknown for a moment, while thousands of invocations come in."""
    asked = []
    functions.client.meta.events.register("before-call.lambda.GetFunction", lambda **_: asked.append(1))
    answers = await asyncio.gather(*(functions.resolve(NAME, key=number) for number in range(50)))
    assert len(asked) == 2  # the configuration, and the code's address
    assert len({id(answer) for answer in answers}) == 1
    assert functions.kept(49) is answers[49]


async def test_an_answer_to_a_question_from_before_a_change_is_not_kept(functions: Functions) -> None:
    """Else an invocation during a deployment would pin the code from before it."""
    question = asyncio.create_task(functions.resolve(NAME, key="key"))
    await asyncio.sleep(0)
    functions.changed()
    await question
    assert functions.kept("key") is None
    await functions.resolve(NAME, key="key")
    assert functions.kept("key") is not None


async def test_a_caller_that_gives_up_does_not_take_the_answer_from_the_others(functions: Functions) -> None:
    first = asyncio.create_task(functions.resolve(NAME, key="first"))
    second = asyncio.create_task(functions.resolve(NAME, key="second"))
    await asyncio.sleep(0.001)
    first.cancel()
    assert (await second).version.name == NAME.name


async def test_the_log_settings_are_the_functions(functions: Functions) -> None:
    """Model: LoggingConfig."""
    version = (await functions.resolve(NAME, key="key")).version
    assert (version.log_format, version.application_log_level, version.system_log_level) == ("JSON", "DEBUG", "WARN")

"""The execution environment as a function sees it, as recordings of AWS show it."""

import io
import re
import zipfile
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from lab.engine.interpreters import choose
from lab.engine.sandbox.isolation import Isolation
from tests.endpoint.gate import WAITS, gate
from tests.engine.endpoint import Endpoint, Invoked
from tests.engine.raw_http import request
from tests.recorded.behaviour import behaviour
from tests.recorded.data_plane.sources import COMMON, LAMBDA, RUNTIMES, XRAY

pytestmark = pytest.mark.usefixtures("lambdas_paths")
BEHAVIOR = f"{LAMBDA}, TestLambdaBehavior"
VARIABLES = f"{BEHAVIOR}.test_lambda_init_environment; {COMMON}.test_introspection_invoke[python3.12]"
LOOKS = """
import os, platform, pwd, resource, stat, sys
outside = os.environ.get("_X_AMZN_TRACE_ID")
def about(path):
    found = os.stat(path)
    return [stat.filemode(found.st_mode), found.st_uid, found.st_gid]
def user():
    try: return pwd.getpwuid(os.getuid()).pw_name
    except KeyError: return str(os.getuid())
def handler(event, context):
    return {
        "variables": dict(os.environ), "outside": outside, "cwd": os.getcwd(), "user": user(),
        "system": platform.system(), "python": "%d.%d" % sys.version_info[:2],
        "paths": {path: about(path) if os.path.exists(path) else None
                  for path in ("/var/task", "/opt", "/tmp", "/lambda-entrypoint.sh")},
        "limits": {name: resource.getrlimit(getattr(resource, name))
                   for name in dir(resource) if name.startswith("RLIMIT_")},
    }
"""
IDENTITY = "import boto3\ndef handler(event, context): return boto3.client('sts').get_caller_identity()['Arn']\n"
RECORDED = {
    *("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_REGION", "AWS_DEFAULT_REGION"),
    *("AWS_EXECUTION_ENV", "AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_VERSION"),
    *("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_INITIALIZATION_TYPE", "AWS_LAMBDA_LOG_GROUP_NAME"),
    *("AWS_LAMBDA_LOG_STREAM_NAME", "AWS_LAMBDA_RUNTIME_API", "AWS_XRAY_CONTEXT_MISSING"),
    *("AWS_XRAY_DAEMON_ADDRESS", "_AWS_XRAY_DAEMON_ADDRESS", "_AWS_XRAY_DAEMON_PORT", "_X_AMZN_TRACE_ID"),
    *("LAMBDA_RUNTIME_DIR", "LAMBDA_TASK_ROOT", "LANG", "LC_CTYPE", "LD_LIBRARY_PATH", "PATH", "PWD", "PYTHONPATH"),
    *("SHLVL", "TZ", "_HANDLER"),
}
OWN = re.compile(r"AWS_ENDPOINT_URL(_\w+)?|AWS_EC2_METADATA_DISABLED|AWS_MAX_ATTEMPTS|AWS_RETRY_MODE|TEST_KEY")


def package(name: str, source: str, mode: int) -> bytes:
    """A deployment package with one file."""
    entry = zipfile.ZipInfo(name)
    entry.external_attr = mode << 16
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr(entry, source)
    return content.getvalue()


@pytest.fixture(scope="module")
def name(endpoint: Endpoint) -> str:
    return endpoint.new_function(LOOKS, Environment={"Variables": {"TEST_KEY": "TEST_VAL"}})


@pytest.fixture(scope="module")
def invoked(endpoint: Endpoint, name: str) -> Invoked:
    return endpoint.invoke(name)


@pytest.fixture(scope="module")
def seen(invoked: Invoked) -> Any:
    return invoked.payload


@pytest.fixture(scope="module")
def variables(seen: Any) -> dict[str, str]:
    found: dict[str, str] = seen["variables"]
    return found


@behaviour("the variables are exactly these, beside the function's own; HOME is not among them", source=VARIABLES)
def test_the_variables_are_exactly_those_of_aws(variables: dict[str, str]) -> None:
    assert {name for name in variables if not OWN.fullmatch(name)} == RECORDED


def constant(says: str, **values: str) -> Any:
    return pytest.param(values, marks=behaviour(says, source=VARIABLES), id=next(iter(values)))


@pytest.mark.parametrize(
    "values",
    [
        constant(
            "LAMBDA_TASK_ROOT, LAMBDA_RUNTIME_DIR and PWD are /var/task, /var/runtime and /var/task",
            LAMBDA_TASK_ROOT="/var/task",
            LAMBDA_RUNTIME_DIR="/var/runtime",
            PWD="/var/task",
        ),
        constant(
            "LD_LIBRARY_PATH has the libraries of the interpreter, the system, the runtime, the code and the layers",
            LD_LIBRARY_PATH="/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib",
        ),
        constant(
            "PATH begins with /var/lang/bin and ends with /opt/bin",
            PATH="/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin",
        ),
        constant("PYTHONPATH is /var/runtime", PYTHONPATH="/var/runtime"),
        constant(
            "AWS_XRAY_CONTEXT_MISSING is LOG_ERROR, and _AWS_XRAY_DAEMON_PORT is 2000",
            AWS_XRAY_CONTEXT_MISSING="LOG_ERROR",
            _AWS_XRAY_DAEMON_PORT="2000",
        ),
        constant(
            "LANG is en_US.UTF-8, LC_CTYPE is C.UTF-8 (since python3.12), TZ is :UTC",
            LANG="en_US.UTF-8",
            LC_CTYPE="C.UTF-8",
            TZ=":UTC",
        ),
        constant("SHLVL is 0", SHLVL="0"),
        constant(
            "AWS_EXECUTION_ENV names the runtime, _HANDLER the handler",
            AWS_EXECUTION_ENV="AWS_Lambda_python3.13",
            _HANDLER="function.handler",
        ),
        constant("AWS_LAMBDA_INITIALIZATION_TYPE is on-demand", AWS_LAMBDA_INITIALIZATION_TYPE="on-demand"),
        constant(
            "AWS_REGION and AWS_DEFAULT_REGION are the region",
            AWS_REGION="us-east-1",
            AWS_DEFAULT_REGION="us-east-1",
        ),
        constant("the function's own variables are there", TEST_KEY="TEST_VAL"),
    ],
)
def test_variables_have_the_values_of_aws(variables: dict[str, str], values: dict[str, str]) -> None:
    assert {name: variables.get(name) for name in values} == values


@behaviour("the variables of the function name it, its version, memory, log group and log stream", source=VARIABLES)
def test_variables_describe_the_function(variables: dict[str, str], name: str) -> None:
    found = {key.removeprefix("AWS_LAMBDA_"): value for key, value in variables.items()}
    assert re.fullmatch(r"\d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}", found["LOG_STREAM_NAME"])
    assert {key: found[f"FUNCTION_{key}"] for key in ("NAME", "VERSION", "MEMORY_SIZE")} == {
        "NAME": name,
        "VERSION": "$LATEST",
        "MEMORY_SIZE": "512",
    }
    assert found["LOG_GROUP_NAME"] == f"/aws/lambda/{name}"


@behaviour("AWS_XRAY_DAEMON_ADDRESS is _AWS_XRAY_DAEMON_ADDRESS with the port", source=VARIABLES)
def test_the_address_of_the_xray_daemon_has_its_port(variables: dict[str, str]) -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+\.\d+", variables["_AWS_XRAY_DAEMON_ADDRESS"])
    assert variables["AWS_XRAY_DAEMON_ADDRESS"] == f"{variables['_AWS_XRAY_DAEMON_ADDRESS']}:2000"


@behaviour("AWS_LAMBDA_RUNTIME_API is port 9001 of the host of the X-Ray daemon", source=VARIABLES)
def test_the_runtime_api_is_at_port_9001(variables: dict[str, str]) -> None:
    assert variables["AWS_LAMBDA_RUNTIME_API"] == f"{variables['_AWS_XRAY_DAEMON_ADDRESS']}:9001"


@behaviour("each environment has credentials with a session token", source=VARIABLES)
def test_there_are_credentials_with_a_session_token(variables: dict[str, str]) -> None:
    assert all(variables[f"AWS_{key}"] for key in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN"))


@behaviour(
    "two environments have different keys and log streams",
    source=f"{LAMBDA}, TestLambdaBaseFeatures.test_lambda_different_iam_keys_environment",
)
def test_two_environments_have_different_keys(endpoint: Endpoint) -> None:
    name = endpoint.new_function(WAITS.replace("return ME", "return dict(os.environ)"))
    with gate() as made, ThreadPoolExecutor(2) as pool:
        answers = [pool.submit(endpoint.invoke, name, made.event) for _ in range(2)]
        made.wait_for(2)
        made.open()
        first, second = (answer.result().payload for answer in answers)
    for key in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN", "LAMBDA_LOG_STREAM_NAME"):
        assert first[f"AWS_{key}"] != second[f"AWS_{key}"], key


@behaviour(
    "STS names a function's caller as a session of its role, with the function's name",
    source=f"{LAMBDA}, TestLambdaBaseFeatures.test_assume_role[2]",
    differs="ministack knows no roles of functions: it names the account",
)
def test_sts_names_the_role_of_a_function(endpoint: Endpoint) -> None:
    name = endpoint.new_function(IDENTITY)
    assert endpoint.invoke(name).payload.endswith(f":assumed-role/role/{name}")


@behaviour(
    "init sees no trace header",
    source=f"{XRAY}, test_traceid_outside_handler",
)
def test_init_sees_no_trace_header(seen: Any) -> None:
    assert seen["outside"] is None


@behaviour(
    "each invocation has a trace of its own",
    source=f"{XRAY}, test_traceid_outside_handler",
)
def test_each_invocation_has_a_trace_of_its_own(endpoint: Endpoint, name: str, variables: dict[str, str]) -> None:
    again = endpoint.invoke(name).payload["variables"]["_X_AMZN_TRACE_ID"]
    assert again.split(";")[0] != variables["_X_AMZN_TRACE_ID"].split(";")[0]


@behaviour(
    "the root of the caller's trace header reaches the function",
    source=f"{XRAY}, test_xray_trace_propagation",
)
def test_the_callers_trace_reaches_the_function(endpoint: Endpoint, name: str) -> None:
    root = "Root=1-3152b799-8954dae64eda91bc9a23a7e8"
    headers = {"X-Amzn-Trace-Id": f"{root};Parent=7fa8c0f79203be72;Sampled=1"}
    answer = request(endpoint.url, "POST", f"/2015-03-31/functions/{name}/invocations", b"{}", headers)
    assert answer.json["variables"]["_X_AMZN_TRACE_ID"].split(";")[0] == root


@behaviour(
    "a trace header has root, parent, decision and lineage; the caller gets it, too",
    source="an answer of Invoke of December 2024, quoted in a public repository (Lineage=1:38a5ab94:0)",
)
def test_the_caller_gets_the_trace_header(invoked: Invoked, variables: dict[str, str]) -> None:
    header = invoked.headers["x-amzn-trace-id"]
    assert re.fullmatch(
        r"Root=1-[0-9a-f]{8}-[0-9a-f]{24};Parent=[0-9a-f]{16};Sampled=0;Lineage=1:[0-9a-f]{8}:0", header
    )
    assert header == variables["_X_AMZN_TRACE_ID"]


@behaviour("the user is sbx_user1051", source=f"{BEHAVIOR}.test_runtime_introspection_x86")
def test_the_user_is_lambdas(seen: Any) -> None:
    assert seen["user"] == "sbx_user1051"


@behaviour("the working directory is /var/task", source=f"{BEHAVIOR}.test_runtime_introspection_x86")
def test_the_working_directory_is_the_code(seen: Any) -> None:
    assert seen["cwd"] == "/var/task"


@behaviour("the system is Linux", source=f"{BEHAVIOR}.test_runtime_introspection_x86")
def test_the_system_is_linux(seen: Any) -> None:
    assert seen["system"] == "Linux"


@pytest.mark.parametrize(
    ("path", "mode"),
    [
        pytest.param(
            path,
            mode,
            id=path,
            marks=behaviour(
                f"{path} has the mode {mode}", source=f"{BEHAVIOR}.test_runtime_introspection_x86", differs=differs
            ),
        )
        for path, mode, differs in (
            ("/var/task", "drwxr-xr-x", None),
            ("/opt", "drwxr-xr-x", None),
            ("/tmp", "drwxrwxrwt", None),
            ("/lambda-entrypoint.sh", "-rwxr-xr-x", "it belongs to Lambda's image, which the lab does not have"),
        )
    ],
)
def test_folders_have_the_modes_of_lambda(seen: Any, path: str, mode: str) -> None:
    assert seen["paths"][path] is not None
    assert seen["paths"][path][0] == mode


@behaviour(
    "these folders belong to root",
    source=f"{BEHAVIOR}.test_runtime_introspection_x86",
    differs="a function's user namespace has no root: their owner is nobody",
)
def test_folders_belong_to_root(seen: Any) -> None:
    assert [seen["paths"][path][1:] for path in ("/var/task", "/opt")] == [[0, 0], [0, 0]]


@pytest.mark.parametrize(
    ("limit", "values"),
    [
        pytest.param(
            limit,
            values,
            id=limit,
            marks=behaviour(says, source=f"{BEHAVIOR}.test_runtime_ulimits", differs=differs),
        )
        for limit, values, says, differs in (
            ("RLIMIT_NOFILE", [1024, 1024], "a process may open 1,024 files", None),
            (
                "RLIMIT_NPROC",
                [742, 742],
                "a function of 128 MB may have 742 processes and threads",
                "every function may have the 1,024 that AWS documents",
            ),
            ("RLIMIT_AS", [-1, -1], "address space is not limited", None),
        )
    ],
)
def test_limits_are_those_of_lambda(seen: Any, limit: str, values: list[int]) -> None:
    assert seen["limits"][limit] == values


@behaviour(
    "the interpreter is the one that the runtime names",
    source=f"{RUNTIMES}, TestPythonRuntimes.test_python_runtime_correct_versions",
)
def test_the_interpreter_is_the_one_of_the_runtime(seen: Any) -> None:
    if not choose("python3.13")[1]:
        pytest.skip("this machine has no Python 3.13")
    assert seen["python"] == "3.13"


@behaviour(
    "a handler may be in a module of a folder",
    source=f"{RUNTIMES}, TestPythonRuntimes.test_handler_in_submodule",
)
def test_a_handler_may_be_in_a_folder(endpoint: Endpoint) -> None:
    name = endpoint.new_function("", Handler="folder.sub.module.handler")
    content = package("folder/sub/module.py", "def handler(event, context): return 'found'", 0o644)
    endpoint.aws_lambda.update_function_code(FunctionName=name, ZipFile=content)
    assert endpoint.invoke(name).payload == "found"


@behaviour(
    "a file that the package lets only its owner read cannot be read: Permission denied",
    source="hashicorp/terraform-provider-archive, issue 17; Miserlou/Zappa, issue 484",
)
def test_a_file_for_its_owner_alone_cannot_be_read(endpoint: Endpoint) -> None:
    if Isolation.probe().namespaces == {"user": True}:
        pytest.skip("the function's user is the owner: the lab's own")
    name = endpoint.new_function("")
    endpoint.aws_lambda.update_function_code(FunctionName=name, ZipFile=package("function.py", "", 0o600))
    assert "[Errno 13] Permission denied: '/var/task/function.py'" in endpoint.invoke(name).payload["errorMessage"]

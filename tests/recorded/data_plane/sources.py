"""Where AWS's data plane was recorded."""

from typing import Final

LAMBDA: Final = "test_lambda.py"
COMMON: Final = "test_lambda_common.py, TestLambdaRuntimesCommon"
DESTINATIONS: Final = "test_lambda_destinations.py"
RUNTIMES: Final = "test_lambda_runtimes.py"
XRAY: Final = "test_lambda_integration_xray.py"
FAILED_INIT: Final = "cashinflash/cif-portal, debug/search-logs.md, log of April 2026"
EXIT_IN_INIT: Final = "cargo-lambda/cargo-lambda, issue 572"
MISSING_HANDLER: Final = "serverless/dashboard, pull request 464"

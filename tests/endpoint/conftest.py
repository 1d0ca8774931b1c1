from tests.engine.conftest import own_harness as harness
from tests.engine.endpoint import endpoint

__all__ = ["endpoint", "harness"]

from tests.engine.conftest import harness
from tests.engine.endpoint import endpoint

__all__ = ["endpoint", "harness"]

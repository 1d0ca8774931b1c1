from tests.snapshot.synthesis import assembly

__all__ = ["assembly"]

from tests.snapshot.synthesis import assembly, everything_on

__all__ = ["assembly", "everything_on"]

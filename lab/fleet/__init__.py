"""A fleet: driver functions at the target that send a run's invocations."""

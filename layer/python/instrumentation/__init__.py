"""The instrumentation of the lab's functions: counted reads, metrics, the answer of a handler."""

"""The load generator: plans a window, invokes every variant in it, updates items, and records each outcome."""

"""Facts that the stacks, the functions, their instrumentation and the lab share: pure data, each stated once.

A module here imports nothing but the standard library and its neighbours, and does nothing when it is imported.
"""

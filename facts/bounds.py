"""What limits how far out of date a variant's answers are, by design."""

from typing import Literal, TypeAlias

Bound: TypeAlias = Literal["read", "ttl", "hard_ttl", "none"]
"""`read`: an answer is read downstream for its own invocation, so it is current; `ttl`: an answer is never older than
the TTL; `hard_ttl`: an answer may be served past the TTL while it is refreshed, but never past the hard TTL; `none`:
nothing limits it."""

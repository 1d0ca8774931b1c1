"""How many invocations of a function, and of all functions, run at the same time; and what is refused."""

import collections

from lab.endpoint.functions import Resolved


class Concurrency:
    """Counts the invocations that are running.

    Reserved concurrency belongs to a function: all of its versions share it. Functions without share what the account
    has left (AWS Lambda Developer Guide, "Understanding Lambda function scaling").
    """

    def __init__(self) -> None:
        self._reserved: collections.defaultdict[str, int] = collections.defaultdict(int)
        self._unreserved = 0

    def take(self, resolved: Resolved) -> str | None:
        """Count an invocation in; `give_back` must follow, with the same argument.

        Where a limit is reached nothing is counted, and the reason is returned: a ThrottleReason of Lambda's.
        """
        reserved = resolved.reserved_concurrency
        if reserved is None:
            if self._unreserved >= resolved.unreserved_concurrency:
                return "ConcurrentInvocationLimitExceeded"
            self._unreserved += 1
        else:
            name = resolved.name.name
            if self._reserved[name] >= reserved:
                return "ReservedFunctionConcurrentInvocationLimitExceeded"
            self._reserved[name] += 1
        return None

    def give_back(self, resolved: Resolved) -> None:
        """Count an invocation out."""
        if resolved.reserved_concurrency is None:
            self._unreserved -= 1
        else:
            self._reserved[resolved.name.name] -= 1

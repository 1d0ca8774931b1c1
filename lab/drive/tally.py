"""What the driver counts while it drives."""

import array
import collections
import dataclasses

from lab.errors import LabError
from lab.records.record import Outcome


def is_refused(outcome: Outcome) -> bool:
    """Whether Lambda itself answered instead of the function: throttled or forbidden."""
    return outcome.status in ("throttled", "lost") and outcome.request_id is not None


@dataclasses.dataclass(slots=True)
class VariantTally:
    """Counts of one variant.

    Attributes:
        completed: finished invocations, with any outcome.
        unanswered: those without an answer of the function: lost, throttled or failed.
        uncounted: lost or failed ones that may have called downstream without a known count.
        downstream_calls: calls as the functions counted them, calls of init and of failed invocations included.
        downstream_errors: those of them that got no answer, or HTTP status 400 or more.
    """

    completed: int = 0
    unanswered: int = 0
    uncounted: int = 0
    downstream_calls: int = 0
    downstream_errors: int = 0


class Tally:
    """Counts of a run.

    Attributes:
        variants: counts by variant.
        lateness_s: for each request, sent minus planned, seconds.
        busy_shares: busy share of all CPUs (0 to 1), one reading a second.
        updates_written: updates that were acknowledged.
        updates_failed: updates that were not; they may have taken effect.
        update_errors: those by their error code.
        refused: invocations that Lambda itself answered: throttled or forbidden.
        read_units: what DynamoDB bills for the calls, as the functions counted it; None if none reported it.
        errors: unanswered invocations by status and error type.
    """

    def __init__(self, variants: tuple[str, ...]) -> None:
        self.variants = {variant: VariantTally() for variant in variants}
        self.lateness_s = array.array("d")
        self.busy_shares: list[float] = []
        self.updates_written = 0
        self.updates_failed = 0
        self.update_errors: collections.Counter[str] = collections.Counter()
        self.refused = 0
        self.read_units: float | None = None
        self.errors: collections.Counter[str] = collections.Counter()

    @property
    def completed(self) -> int:
        """Finished invocations of all variants."""
        return sum(variant.completed for variant in self.variants.values())

    @property
    def unanswered(self) -> int:
        """Invocations of all variants without an answer of the function."""
        return sum(variant.unanswered for variant in self.variants.values())

    @property
    def downstream_calls(self) -> int:
        """Downstream calls of all variants, as the functions counted them."""
        return sum(variant.downstream_calls for variant in self.variants.values())

    @property
    def downstream_errors(self) -> int:
        """Failed downstream calls of all variants."""
        return sum(variant.downstream_errors for variant in self.variants.values())

    def count(self, variant: str, outcome: Outcome) -> None:
        """Count a finished invocation."""
        counts = self.variants[variant]
        counts.completed += 1
        if outcome.status != "ok":
            self.errors[f"{outcome.status}: {outcome.error_type}"] += 1
            counts.unanswered += 1
            counts.uncounted += outcome.status != "throttled" and outcome.downstream_calls is None
            self.refused += is_refused(outcome)
        counts.downstream_calls += (outcome.downstream_calls or 0) + (outcome.init_downstream_calls or 0)
        counts.downstream_errors += outcome.downstream_errors or 0
        if outcome.read_units is not None:
            self.read_units = (self.read_units or 0.0) + outcome.read_units

    def commonest_error(self, *, besides: str | None = None) -> tuple[str, int]:
        """Return the most frequent status and error type other than ``besides``, and its count."""
        errors = (each for each in self.errors.most_common(2) if each[0] != besides)
        return next(errors, ("nothing was sent", 0))

    def check_answered(self) -> None:
        """Check that a function answered at least once.

        Raises:
            LabError: none did; names the most frequent error.
        """
        if self.completed > self.unanswered:
            return
        error, times = self.commonest_error()
        raise LabError(
            f"none of {self.completed:,} invocations was answered ({error}, {times:,} times); read the"
            " function's log at the target, or deploy again"
        )

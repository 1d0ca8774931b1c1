"""What the driver counts while it drives."""

import array
import collections
import dataclasses

from lab.errors import LabError
from lab.records.record import Outcome


def is_refused(outcome: Outcome) -> bool:
    """Whether Lambda itself answered in the function's place: throttled or forbidden."""
    return outcome.status in ("throttled", "lost") and outcome.request_id is not None


@dataclasses.dataclass(slots=True)
class VariantTally:
    """Counts of one variant.

    Attributes:
        completed: invocations that are over, however they ended.
        unanswered: those of them that brought no answer of the function: lost, throttled or failed.
        uncounted: lost or failed ones that may have called downstream and told nothing of it.
        downstream_calls: what the invocations told, failed ones too, calls of init included.
    """

    completed: int = 0
    unanswered: int = 0
    uncounted: int = 0
    downstream_calls: int = 0


class Tally:
    """Counts of a window.

    Attributes:
        variants: counts by variant.
        lateness_s: of each request, sent minus planned, seconds.
        busy_shares: busy share of all CPUs (0 to 1), one reading a second.
        updates_written: updates that were acknowledged.
        updates_failed: updates that were not, though they may have taken effect.
        refused: invocations that Lambda itself answered in the function's place: throttled or forbidden.
        errors: unanswered invocations by status and error type.
    """

    def __init__(self, variants: tuple[str, ...]) -> None:
        self.variants = {variant: VariantTally() for variant in variants}
        self.lateness_s = array.array("d")
        self.busy_shares: list[float] = []
        self.updates_written = 0
        self.updates_failed = 0
        self.refused = 0
        self.errors: collections.Counter[str] = collections.Counter()

    @property
    def completed(self) -> int:
        """Invocations that are over, of all variants."""
        return sum(variant.completed for variant in self.variants.values())

    @property
    def unanswered(self) -> int:
        """Invocations that brought no answer of the function, of all variants."""
        return sum(variant.unanswered for variant in self.variants.values())

    @property
    def downstream_calls(self) -> int:
        """What the invocations of all variants told, failed ones too, calls of init included."""
        return sum(variant.downstream_calls for variant in self.variants.values())

    def count(self, variant: str, outcome: Outcome) -> None:
        """Count one invocation that is over."""
        counts = self.variants[variant]
        counts.completed += 1
        if outcome.status != "ok":
            self.errors[f"{outcome.status}: {outcome.error_type}"] += 1
            counts.unanswered += 1
            counts.uncounted += outcome.status != "throttled" and outcome.downstream_calls is None
            self.refused += is_refused(outcome)
        counts.downstream_calls += (outcome.downstream_calls or 0) + (outcome.init_downstream_calls or 0)

    def commonest_error(self, *, besides: str | None = None) -> tuple[str, int]:
        """The status and error type, not ``besides``, that most unanswered invocations have, and how many have it."""
        errors = (each for each in self.errors.most_common(2) if each[0] != besides)
        return next(errors, ("nothing was sent", 0))

    def check_answered(self) -> None:
        """Raise if no function ever answered: a run that ends so has failed, whatever it wrote.

        Raises:
            LabError: names the commonest error.
        """
        if self.completed > self.unanswered:
            return
        error, times = self.commonest_error()
        raise LabError(
            f"none of {self.completed:,} invocations was answered ({error}, {times:,} times); read the"
            " function's log at the target, or deploy anew"
        )

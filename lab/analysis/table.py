"""Tables of text cells, in which reports and charts show their figures."""

from collections.abc import Callable, Iterable, Sequence
from typing import Literal, NamedTuple, TypeAlias

from lab.analysis.model import Report, VariantSummary
from lab.analysis.statistics import Distribution, Estimate
from lab.analysis.wording import figure, has_p99, interval, shown, where


class Table(NamedTuple):
    """A table: its caption says where its numbers come from; the first column names the row."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


Column: TypeAlias = tuple[str, Callable[[VariantSummary], str]]
"""A column's head, and its cell in a variant's row."""


def table(report: Report, caption: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    """A table of a report, with the origin of its numbers in the caption."""
    return Table(f"{caption} ({where(report)})", tuple(columns), tuple((shown(row[0], 24), *row[1:]) for row in rows))


def variant_table(report: Report, caption: str, columns: Sequence[Column]) -> Table:
    """A table with a row for each variant."""
    rows = [(one.variant, *(cell(one) for _, cell in columns)) for one in report.variants]
    return table(report, caption, ("variant", *(head for head, _ in columns)), rows)


def value(estimate: Estimate | None) -> str:
    """The value of an estimate."""
    return figure(estimate.value if estimate else None)


def quantile(distribution: Distribution | None, name: Literal["p50", "p90", "p99", "max"]) -> str:
    """A quantile of a distribution."""
    found = getattr(distribution, name, None)
    return figure(found.value if isinstance(found, Estimate) else found)


def p99(one: VariantSummary, distribution: Distribution | None) -> str:
    """The 99th percentile, where there are enough samples for it."""
    return quantile(distribution if has_p99(one) else None, "p99")


def p99_interval(one: VariantSummary, distribution: Distribution | None) -> str:
    """The interval of the 99th percentile, where there are enough samples for it."""
    return interval(distribution.p99 if distribution and has_p99(one) else None)


def p50_interval(distribution: Distribution | None) -> str:
    """The interval of a median."""
    return interval(distribution.p50 if distribution else None)

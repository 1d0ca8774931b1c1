"""Whether a dashboard compares fairly: each widget shows all variants, by the same figure, each by its own look."""

import re
from collections.abc import Iterable, Mapping, Sequence, Set
from typing import NamedTuple

from cloudwatch.dashboard import Content, Fault, Line, Logs, Metrics, Text, Widget
from facts import metrics as emitted

_NAME = re.compile(r"[a-z]\w*")
_PRICE = re.compile(r"\d+\.\d+")


class _Figure(NamedTuple):
    """What a line draws: the metric or the expression without what names the variant, and the variants that it uses."""

    text: str
    variants: frozenset[str]


class _Look(NamedTuple):
    """By what a reader knows a variant."""

    label: str
    color: str | None


def check_variants(widgets: Sequence[Widget], expected: Set[str], variant_of: Mapping[str, str]) -> list[list[Fault]]:
    """The faults of each widget.

    Args:
        widgets: those of one dashboard.
        expected: the variants that every widget has to show, if it shows any.
        variant_of: the variants by the names of their functions.
    """
    shown = [_shown(widget.content, variant_of) for widget in widgets]
    looks: dict[str, _Look] = {}
    faults = [_faults(figures, expected, looks) for figures in shown]
    for widget, found in zip(widgets, faults, strict=True):
        if isinstance(widget.content, Text):
            markdown = widget.content.markdown
            unnamed = sorted(variant for variant, look in looks.items() if look.label not in markdown)
            if unnamed and len(looks) - len(unnamed) > 1:
                found.append(Fault("variant-left-out", f"names other variants, and not {', '.join(unnamed)}"))
    return faults


def _faults(
    figures: Sequence[tuple[_Figure, _Look | None]], expected: Set[str], looks: dict[str, _Look]
) -> list[Fault]:
    faults = []
    drawn: dict[str, list[str]] = {}
    for figure, look in figures:
        if len(figure.variants) > 1:
            faults.append(Fault("variant-mixed", f"a line mixes {', '.join(sorted(figure.variants))}"))
            continue
        for variant in figure.variants:
            drawn.setdefault(variant, []).append(figure.text)
            if look is not None and looks.setdefault(variant, look) != look:
                faults.append(Fault("variant-look", f"draws {variant} with another title or colour than elsewhere"))
    if drawn and (missing := sorted(expected - set(drawn))):
        faults.append(Fault("variant-left-out", f"leaves out {', '.join(missing)}"))
    if more := sorted(set(drawn) - expected):
        faults.append(Fault("variant-more", f"shows {', '.join(more)}, which has a dashboard of its own"))
    if len({tuple(sorted(texts)) for texts in drawn.values()}) > 1:
        faults.append(Fault("variant-figure", "draws variants by different figures: they cannot be compared"))
    return faults


def _shown(content: Content, variant_of: Mapping[str, str]) -> list[tuple[_Figure, _Look | None]]:
    match content:
        case Metrics(lines=lines):
            by_id = {line.identifier: line for line in lines}
            visible = [line for line in lines if line.visible]
            return [(_figure(line, by_id, variant_of), _Look(line.label, line.color)) for line in visible]
        case Logs(log_groups=groups):
            variants = [variant_of.get(group.rpartition("/")[2]) for group in groups]
            return [(_Figure("log", frozenset({found})), None) for found in variants if found is not None]
    return []


def _figure(line: Line, by_id: Mapping[str, Line], variant_of: Mapping[str, str]) -> _Figure:
    if line.metric is not None:
        dimensions = dict(line.metric.dimensions)
        found = dimensions.get(emitted.DIMENSION) or variant_of.get(dimensions.get("FunctionName", ""))
        text = f"{line.metric.namespace} {line.metric.name} {sorted(dimensions)} {line.metric.statistic} {line.period}"
        return _Figure(text, frozenset({found} if found is not None else ()))
    # Without the line itself, so that two expressions that refer to each other end.
    others = {name: other for name, other in by_id.items() if other is not line}
    used = {name: _figure(others[name], others, variant_of) for name in _ids(line) if name in others}
    # Prices may differ: SnapStart has no provisioned concurrency, which is billed at another price.
    expression = _PRICE.sub("price", line.expression or "")
    text = _NAME.sub(lambda match: f"({used[match[0]].text})" if match[0] in used else match[0], expression)
    return _Figure(text, frozenset().union(*(figure.variants for figure in used.values())))


def _ids(line: Line) -> Iterable[str]:
    return _NAME.findall(line.expression or "")

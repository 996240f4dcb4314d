"""The value of a metric in a `Report`, exact and as printed. Pure.

Add a metric in `config/metrics.py` and its value here; whether a threshold holds is decided in
`conditions.py`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

from assets.config.metrics import Measure, Metric
from assets.config.presentation import Component
from assets.report.folding import fold_case, is_same_source
from assets.report.model import KeyFigureName, Note, Report, State, Unknown
from assets.report.people_model import AssigneeBalance, AssigneeHolding, Holding
from assets.report.shares import percent_of


@dataclass(frozen=True, slots=True)
class MetricValue:
    """A value, exact and as printed, the number that it rests on, and the value in the previous period.

    Without a value, `reason` says why.
    """

    exact: Fraction | None = None
    shown: int | float | None = None
    count: int | None = None
    previous: "MetricValue | None" = None
    reason: Unknown | None = None


def value_of(measure: Measure, report: Report) -> MetricValue:
    """Return the value of *measure* in *report*."""
    is_of_quality = measure.metric in {Metric.REJECTED_ROWS, Metric.REJECTED_PCT, Metric.INFERRED_ROWS}
    if report.has_no_data and not (is_of_quality and report.quality.read):
        return MetricValue(reason=Unknown.NO_DATA)
    component = component_of(measure)
    if component and not report.components.shows(component):
        has_none = getattr(report.components, component.value) is State.NO_DATA
        return MetricValue(reason=Unknown.NO_DATA if has_none else Unknown.NOT_IN_REPORT)
    return _READERS[measure.metric](measure, report)


def component_of(measure: Measure) -> Component | None:
    """Return the component that a report must show for *measure*, or None if every report has its value."""
    is_balance = measure.metric is Metric.HELD_NOW and measure.assignee is not None
    return Component.ASSIGNEES if is_balance else _COMPONENTS.get(measure.metric)


def _count(value: int, rests_on: int, previous: MetricValue | None = None) -> MetricValue:
    return MetricValue(Fraction(value), value, rests_on, previous)


def _ratio(part: int, whole: int, shown: float | None = None) -> MetricValue:
    """Return *part* of *whole* in percent; *shown* is its printed value if that is rounded otherwise."""
    if not whole:
        return MetricValue(count=0, reason=Unknown.NOTHING_TO_DIVIDE)
    return MetricValue(
        Fraction(100 * part, whole), percent_of(part, whole) if shown is None else shown, whole
    )


def _average(total: int, days: int) -> MetricValue:
    return MetricValue(Fraction(total, days), percent_of(total, 100 * days), total)


def _minutes(seconds: float | None, rests_on: int) -> MetricValue:
    if seconds is None:
        return MetricValue(count=rests_on, reason=Unknown.TOO_FEW)
    exact = Fraction(str(seconds)) / 60
    return MetricValue(exact, float(exact), rests_on)


def _previous_total(report: Report) -> int | None:
    """Return the total of the previous period, if the two periods can be compared."""
    comparison = report.comparison
    return None if comparison is None or Note.NOT_WHOLE in comparison.notes else comparison.total


def _assignments(measure: Measure, report: Report) -> MetricValue:
    before = _previous_total(report)
    count, earlier = report.total, before or 0
    if measure.source is not None:
        count, earlier, _share_pct = _of_source(measure.source, report)
    return _count(count, report.total, None if before is None else _count(earlier, before))


def _assignments_per_day(_measure: Measure, report: Report) -> MetricValue:
    before, comparison = _previous_total(report), report.comparison
    previous = None if before is None or comparison is None else _average(before, comparison.day_count)
    return replace(_average(report.total, len(report.by_day)), previous=previous)


def _share(measure: Measure, report: Report) -> MetricValue:
    count, earlier, share = _of_source(measure.source or "", report)
    before = _previous_total(report)
    previous = None if before is None else _ratio(earlier, before)
    return replace(_ratio(count, report.total, share), previous=previous)


def _of_source(name: str, report: Report) -> tuple[int, int, float]:
    """Return the count of a source, its previous count and its printed share; a source without rows has 0."""
    found = next((source for source in report.by_source if is_same_source(name, source.source)), None)
    changes = report.comparison.by_source if report.comparison else ()
    earlier = next((change.before for change in changes if is_same_source(name, change.source)), 0)
    return (found.count, earlier, found.share_pct or 0.0) if found else (0, earlier, 0.0)


def _key_figure(measure: Measure, report: Report) -> MetricValue:
    name = KeyFigureName(measure.metric.removesuffix("_pct"))
    figure = next((figure for figure in report.key_figures if figure.name is name), None)
    if figure is None:
        return MetricValue(reason=Unknown.NOT_IN_REPORT)
    if figure.parts is not None:
        previous = figure.previous_parts and _ratio(*figure.previous_parts, shown=figure.previous)
        return replace(_ratio(*figure.parts, shown=figure.value), previous=previous)
    if figure.value is None or name is KeyFigureName.REASSIGNMENT_RATE:
        return MetricValue(reason=Unknown.NOT_IN_REPORT)
    before, earlier = _previous_total(report), figure.previous
    previous = None if before is None or earlier is None else _count(round(earlier), before)
    return _count(round(figure.value), report.total, previous)


def _balance_of(measure: Measure, report: Report, figure: Callable[[AssigneeBalance], int]) -> int:
    """Return a *figure* of an assignee's balance; someone without contacts has 0."""
    return sum(figure(balance) for balance in report.assignees if _is_named(measure, balance))


def _is_named(measure: Measure, person: AssigneeBalance | AssigneeHolding) -> bool:
    return fold_case(measure.assignee or "") in {fold_case(person.key), fold_case(person.assignee)}


def _received(measure: Measure, report: Report) -> MetricValue:
    return _count(_balance_of(measure, report, lambda balance: balance.received), report.total)


def _held_now(measure: Measure, report: Report) -> MetricValue:
    if measure.assignee is not None:
        held = _balance_of(measure, report, lambda balance: balance.closing)
    else:
        held = report.ownership.holding.held_count if report.ownership else 0
    return _count(held, held)


def _of_unassigned(value: Callable[[Measure, Holding], MetricValue]) -> "_Reader":
    """Return the reader of a *value* of the time that contacts were unassigned."""

    def read(measure: Measure, report: Report) -> MetricValue:
        if report.ownership is None:
            return MetricValue(reason=Unknown.NOT_IN_REPORT)
        return value(measure, report.ownership.unassigned)

    return read


def _holding(measure: Measure, report: Report) -> MetricValue:
    if report.ownership is None:
        return MetricValue(reason=Unknown.NOT_IN_REPORT)
    holding: Holding | None = report.ownership.holding
    if measure.assignee is not None:
        people = (person for person in report.ownership.assignees if _is_named(measure, person))
        holding = next(people, None)
    return _duration(measure, holding) if holding else _minutes(None, 0)


def _duration(measure: Measure, holding: Holding) -> MetricValue:
    """Return the median, 90th percentile or longest of the ended intervals, as the metric's name says."""
    name = measure.metric.removesuffix("_minutes").rpartition("_")[2]
    return _minutes(getattr(holding, f"{name}_seconds"), holding.ended_count)


_OF_KEY_FIGURES = (
    Metric.FIRST_ASSIGNMENTS,
    Metric.REASSIGNMENTS,
    Metric.UNASSIGNMENTS,
    Metric.CONVERSATIONS,
    Metric.CONTACTS,
    Metric.REASSIGNMENT_RATE_PCT,
    Metric.BOUNCE_BACKS,
)
_WAITING = (
    Metric.WAITING_MEDIAN_MINUTES,
    Metric.WAITING_P90_MINUTES,
    Metric.WAITING_LONGEST_MINUTES,
)
_HOLDING = (
    Metric.HOLDING_MEDIAN_MINUTES,
    Metric.HOLDING_P90_MINUTES,
    Metric.HOLDING_LONGEST_MINUTES,
)
_NOW = (Metric.HELD_NOW, Metric.UNASSIGNED_NOW, Metric.OLDEST_UNASSIGNED_MINUTES)
_COMPONENTS: Mapping[Metric, Component] = {
    **dict.fromkeys(_OF_KEY_FIGURES, Component.METRIC),
    **dict.fromkeys((*_WAITING, *_HOLDING, *_NOW), Component.OWNERSHIP),
    Metric.RECEIVED: Component.ASSIGNEES,
}
_Reader = Callable[[Measure, Report], MetricValue]
_READERS: Mapping[Metric, _Reader] = {
    **dict.fromkeys(_OF_KEY_FIGURES, _key_figure),
    Metric.ASSIGNMENTS: _assignments,
    Metric.ASSIGNMENTS_PER_DAY: _assignments_per_day,
    Metric.SHARE_PCT: _share,
    Metric.RECEIVED: _received,
    Metric.HELD_NOW: _held_now,
    Metric.UNASSIGNED_NOW: _of_unassigned(lambda _, held: _count(held.held_count, held.held_count)),
    Metric.OLDEST_UNASSIGNED_MINUTES: _of_unassigned(
        lambda _, held: _minutes(held.held_age.longest_seconds or 0, held.held_count)
    ),
    **dict.fromkeys(_WAITING, _of_unassigned(_duration)),
    **dict.fromkeys(_HOLDING, _holding),
    Metric.REJECTED_ROWS: lambda _, report: _count(report.quality.rejected, report.quality.read),
    Metric.REJECTED_PCT: lambda _, report: _ratio(report.quality.rejected, report.quality.read),
    Metric.INFERRED_ROWS: lambda _, report: _count(report.quality.inferred, report.quality.read),
}

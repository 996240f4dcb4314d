"""Findings: facts selected by fixed rules, the most important first.

docs/reference/definitions.md lists each rule with its minimum, threshold and ties. Thresholds are compared in
whole numbers; a share is the one that is printed. Add a rule here, and its sentence in `render/findings.py`.
"""

from collections.abc import Iterator
from urllib.parse import urlencode

from assets.report.log_table import UNASSIGNED
from assets.report.model import Comparison, Finding, Note, Report, Rule, SourceChange
from assets.report.shares import percent_of, shares_pct

_MIN_EVENTS = 30  # below, a share or a change means little
_MIN_CHANGE_PCT = 10
_MIN_SHIFT_POINTS = 5
_MIN_GONE_PCT = 5
_MIN_SHARE_PCT = 40
_MIN_BOUNCED = 4
_MAX_SOURCES = 3
_SLOW = 2  # times the median of all waiting times


def find_findings(report: Report) -> tuple[Finding, ...]:
    """Return the findings of *report*, in order of importance."""
    changes = [
        finding.model_copy(update={"compare_with": report.compare_with}) for finding in _find_changes(report)
    ]
    found = [*changes, *_top_source(report)]
    if report.total >= _MIN_EVENTS:
        found += [*_find_busy_times(report), *_find_people(report)]
    return (*found, *_find_holdings(report), *_find_chains(report))


def _finding_of(rule: Rule, fragment: dict[str, str] | str = "", **facts: str | float) -> Finding:
    return Finding(
        rule=rule, facts=facts, fragment=fragment if isinstance(fragment, str) else urlencode(fragment)
    )


def _find_changes(report: Report) -> Iterator[Finding]:
    comparison = report.comparison
    if (
        report.provisional
        or comparison is None
        or not comparison.total
        or not {*comparison.notes} <= {Note.LENGTHS_DIFFER}
    ):
        return
    yield from _change_of_total(report, comparison.total, comparison.day_count)
    yield from _find_shift(report, comparison, comparison.total)
    new_sources = [source for source in comparison.by_source if not source.before]
    for source in new_sources[:_MAX_SOURCES]:
        yield _finding_of(Rule.NEW_SOURCE, {"source": source.source}, source=source.label, count=source.count)
    gone_sources = [
        source
        for source in comparison.by_source
        if not source.count and 100 * source.before >= _MIN_GONE_PCT * comparison.total
    ]
    for source in gone_sources[:_MAX_SOURCES]:
        yield _finding_of(Rule.GONE_SOURCE, "comparison", source=source.label, count=source.before)


def _change_of_total(report: Report, total_before: int, days_before: int) -> Iterator[Finding]:
    """Yield a change of the total, or of the assignments per day if the periods differ in length."""
    days = len(report.by_day)
    current, previous = report.total * days_before, total_before * days
    if 100 * abs(current - previous) < _MIN_CHANGE_PCT * previous:
        return
    change = percent_of(current - previous, previous)
    if days == days_before:
        yield _finding_of(Rule.CHANGE, "comparison", now=report.total, before=total_before, change=change)
    else:
        averages = {
            "now": _average_per_day(report.total, days),
            "before": _average_per_day(total_before, days_before),
        }
        yield _finding_of(Rule.DAILY_CHANGE, "comparison", change=change, **averages)


def _average_per_day(count: int, days: int) -> float:
    """Return *count* per day, with one decimal, halves rounded away from zero."""
    return percent_of(count, 100 * days)


def _find_shift(report: Report, comparison: Comparison, total_before: int) -> Iterator[Finding]:
    """Yield the source whose share changed most; ties go to the larger count."""
    total = report.total

    def shift(source: SourceChange) -> int:
        return abs(source.count * total_before - source.before * total)

    present = [source for source in comparison.by_source if source.count]
    if not present:
        return
    source = min(present, key=lambda source: (-shift(source), -source.count, source.label, source.source))
    if 100 * shift(source) >= _MIN_SHIFT_POINTS * total * total_before:
        shares = {source.source: source.share_pct for source in report.by_source}
        ordered = sorted(
            comparison.by_source, key=lambda source: (-source.before, source.label, source.source)
        )
        earlier = dict(
            zip(
                (source.source for source in ordered),
                shares_pct([source.before for source in ordered]),
                strict=True,
            )
        )
        yield _finding_of(
            Rule.SHIFT,
            {"source": source.source},
            source=source.label,
            share=shares[source.source] or 0,
            earlier_share=earlier[source.source] or 0,
        )


def _top_source(report: Report) -> Iterator[Finding]:
    """Yield the top source of the report: the largest count; ties are ordered by label."""
    if report.total >= _MIN_EVENTS and len(report.by_source) > 1:
        top = report.by_source[0]
        yield _finding_of(
            Rule.TOP_SOURCE,
            {"source": top.source},
            source=top.label,
            count=top.count,
            share=top.share_pct or 0,
        )


def _find_busy_times(report: Report) -> Iterator[Finding]:
    if not report.by_day[1:]:
        return
    second, day = sorted(report.by_day, key=lambda day: day.count)[-2:]
    if second.count < day.count:
        yield _finding_of(
            Rule.BUSIEST_DAY,
            {"from": str(day.day), "to": str(day.day)},
            day=str(day.day),
            count=day.count,
            share=percent_of(day.count, report.total),
        )
    hours = sorted(
        (count, weekday, hour)
        for weekday, counts in enumerate(report.heat_map or ())
        for hour, count in enumerate(counts)
    )
    if hours and hours[-2][0] < hours[-1][0]:
        count, weekday, hour = hours[-1]
        yield _finding_of(Rule.BUSIEST_HOUR, "heat_map", weekday=weekday, hour=hour, count=count)


def _find_people(report: Report) -> Iterator[Finding]:
    if report.hand_offs is None:
        return
    people = report.hand_offs.people
    received = [sum(column) for column in zip(*report.hand_offs.counts, strict=True)]
    unassigned = received[-1]
    if people:
        top = min(range(len(people)), key=lambda index: (-received[index], people[index], index))
        if 100 * received[top] >= _MIN_SHARE_PCT * report.total:
            yield _finding_of(
                Rule.TOP_ASSIGNEE,
                {"assigned_to": report.hand_offs.keys[top]},
                assignee=people[top],
                count=received[top],
                share=percent_of(received[top], report.total),
            )
    if unassigned:
        yield _finding_of(
            Rule.UNASSIGNED,
            {"assigned_to": UNASSIGNED},
            count=unassigned,
            share=percent_of(unassigned, report.total),
        )


def _find_holdings(report: Report) -> Iterator[Finding]:
    """Yield the median waiting time, with the slowest hour of the week, and who holds most at the end."""
    ownership = report.ownership
    if ownership is None:
        return
    median, slowest = ownership.unassigned.median_seconds, ownership.slowest_hour
    if median is not None and ownership.unassigned.ended_count >= _MIN_EVENTS:
        if slowest and slowest.median_seconds and slowest.median_seconds >= _SLOW * median:
            yield _finding_of(
                Rule.WAITED_IN_HOUR,
                "ownership",
                duration=median,
                weekday=slowest.weekday or 0,
                hour=slowest.hour,
                slowest_duration=slowest.median_seconds,
            )
        else:
            yield _finding_of(Rule.WAITED, "ownership", duration=median)
    held = ownership.holding.held_count
    top = min(ownership.assignees, key=lambda each: (-each.held_count, each.assignee), default=None)
    if top and held >= _MIN_EVENTS and 100 * top.held_count >= _MIN_SHARE_PCT * held:
        yield _finding_of(
            Rule.TOP_HOLDER,
            "ownership",
            assignee=top.assignee,
            count=top.held_count,
            share=percent_of(top.held_count, held),
        )


def _find_chains(report: Report) -> Iterator[Finding]:
    chains = report.chains
    if chains is None or not chains.most_assigned:
        return
    most_assigned = chains.most_assigned[0]
    if most_assigned.count >= _MIN_BOUNCED and most_assigned.count > max(
        (chain.count for chain in chains.most_assigned[1:]), default=0
    ):
        yield _finding_of(
            Rule.BOUNCED,
            {"conversation": most_assigned.conversation_id},
            conversation=most_assigned.conversation_id,
            count=most_assigned.count,
        )
    if chains.return_count:
        yield _finding_of(Rule.RETURNS, "chains", count=chains.return_count, hours=chains.return_hours)

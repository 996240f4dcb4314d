"""What is worth a sentence: facts by fixed rules, most telling first; `render/findings.py` words them.

Each rule, its minimum, its threshold and its ties stand in docs/definitions.md. A threshold is tested on
whole numbers, a share is the one that is printed. Add a rule here, and its sentence there.
"""

from collections.abc import Iterator
from urllib.parse import urlencode

from assets.report.log_table import UNASSIGNED
from assets.report.model import Comparison, Finding, Note, Report, Rule, SourceChange
from assets.report.shares import percent_of, shares_pct

_MIN_EVENTS = 30  # below, a share or a change says little
_MIN_CHANGE_PCT = 10
_MIN_SHIFT_POINTS = 5
_MIN_GONE_PCT = 5
_MIN_SHARE_PCT = 40
_MIN_BOUNCED = 4
_MAX_SOURCES = 3


def find_findings(report: Report) -> tuple[Finding, ...]:
    """Return the findings of *report*, which has none yet."""
    found = [*_find_changes(report), *_top_source(report)]
    if report.total >= _MIN_EVENTS:
        found += [*_find_busy_times(report), *_find_people(report)]
    return (*found, *_find_chains(report))


def _finding_of(rule: Rule, fragment: dict[str, str] | str = "", **facts: str | float) -> Finding:
    return Finding(
        rule=rule, facts=facts, fragment=fragment if isinstance(fragment, str) else urlencode(fragment)
    )


def _find_changes(report: Report) -> Iterator[Finding]:
    before = report.comparison
    if (
        report.provisional
        or before is None
        or not before.total
        or not {*before.notes} <= {Note.LENGTHS_DIFFER}
    ):
        return
    yield from _change_of_total(report, before.total, before.day_count)
    yield from _find_shift(report, before, before.total)
    new = [each for each in before.by_source if not each.before]
    for each in new[:_MAX_SOURCES]:
        yield _finding_of(Rule.NEW_SOURCE, {"source": each.source}, source=each.label, count=each.count)
    gone = [
        each
        for each in before.by_source
        if not each.count and 100 * each.before >= _MIN_GONE_PCT * before.total
    ]
    for each in gone[:_MAX_SOURCES]:
        yield _finding_of(Rule.GONE_SOURCE, "comparison", source=each.label, count=each.before)


def _change_of_total(report: Report, total_before: int, days_before: int) -> Iterator[Finding]:
    """Tell a change of the total; of the assignments a day, where the two periods have not as many days."""
    days = len(report.by_day)
    now, earlier = report.total * days_before, total_before * days
    if 100 * abs(now - earlier) < _MIN_CHANGE_PCT * earlier:
        return
    change = percent_of(now - earlier, earlier)
    if days == days_before:
        yield _finding_of(Rule.CHANGE, "comparison", now=report.total, before=total_before, change=change)
    else:
        averages = {
            "now": _average_per_day(report.total, days),
            "before": _average_per_day(total_before, days_before),
        }
        yield _finding_of(Rule.DAILY_CHANGE, "comparison", change=change, **averages)


def _average_per_day(count: int, days: int) -> float:
    """Return *count* a day, one decimal, halves rounded away from zero."""
    return percent_of(count, 100 * days)


def _find_shift(report: Report, before: Comparison, total_before: int) -> Iterator[Finding]:
    """Tell the source whose share moved most; where several moved as much, the one with the larger count."""
    total = report.total

    def moved(each: SourceChange) -> int:
        return abs(each.count * total_before - each.before * total)

    present = [each for each in before.by_source if each.count]
    if not present:
        return
    source = min(present, key=lambda each: (-moved(each), -each.count, each.label, each.source))
    if 100 * moved(source) >= _MIN_SHIFT_POINTS * total * total_before:
        shares = {each.source: each.share_pct for each in report.by_source}
        ordered = sorted(before.by_source, key=lambda each: (-each.before, each.label, each.source))
        earlier = dict(
            zip(
                (each.source for each in ordered),
                shares_pct([each.before for each in ordered]),
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
    """Tell the first source of the report: the largest count, then the label."""
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
    second, day = sorted(report.by_day, key=lambda each: each.count)[-2:]
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
        top = min(range(len(people)), key=lambda at: (-received[at], people[at], at))
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


def _find_chains(report: Report) -> Iterator[Finding]:
    chains = report.chains
    if chains is None or not chains.most_assigned:
        return
    most = chains.most_assigned[0]
    if most.count >= _MIN_BOUNCED and most.count > max(
        (each.count for each in chains.most_assigned[1:]), default=0
    ):
        yield _finding_of(
            Rule.BOUNCED,
            {"conversation": most.conversation_id},
            conversation=most.conversation_id,
            count=most.count,
        )
    if chains.return_count:
        yield _finding_of(Rule.RETURNS, "chains", count=chains.return_count, hours=chains.return_hours)

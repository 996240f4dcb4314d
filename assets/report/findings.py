"""What is worth a sentence: facts by fixed rules, most telling first; `render/findings.py` words them."""

from collections.abc import Iterator
from urllib.parse import urlencode

from assets.report.filters import UNASSIGNED
from assets.report.model import Finding, Report, Rule

_FEWEST = 30  # below, a share or a change says little
_CHANGE_PCT = 10
_SHIFT_POINTS = 5
_LARGE_SHARE_PCT = 40
_BOUNCED = 4
_MOST_NEW = 3


def find(report: Report) -> tuple[Finding, ...]:
    """Return the findings of *report*, which has none yet."""
    found = [*_change(report), *_top_source(report)]
    if report.total >= _FEWEST:
        found += [*_time(report), *_people(report)]
    return (*found, *_chains(report))


def _fact(rule: Rule, fragment: dict[str, str] | str = "", **facts: str | float) -> Finding:
    return Finding(
        rule=rule, facts=facts, fragment=fragment if isinstance(fragment, str) else urlencode(fragment)
    )


def _share(part: int, whole: int) -> float:
    return round(part / whole * 100, 1)


def _change(report: Report) -> Iterator[Finding]:
    before = report.comparison
    if report.provisional or before is None or not before.total or before.notes or before.change_pct is None:
        return
    if abs(before.change_pct) >= _CHANGE_PCT:
        yield _fact(
            Rule.CHANGE, "comparison", now=report.total, before=before.total, change=before.change_pct
        )
    shifts = [
        (_share(each.count, report.total) - _share(each.before, before.total), each)
        for each in before.by_source
        if report.total and each.count
    ]
    points, source = max(shifts, key=lambda each: abs(each[0]), default=(0, None))
    if source and abs(points) >= _SHIFT_POINTS:
        yield _fact(
            Rule.SHIFT,
            {"source": source.source},
            source=source.label,
            share=_share(source.count, report.total),
            earlier_share=_share(source.before, before.total),
        )
    for each in [each for each in before.by_source if not each.before][:_MOST_NEW]:
        yield _fact(Rule.NEW_SOURCE, {"source": each.source}, source=each.label, count=each.count)


def _top_source(report: Report) -> Iterator[Finding]:
    if report.total >= _FEWEST and len(report.by_source) > 1:
        top, second = report.by_source[:2]
        if top.count == second.count:
            return
        yield _fact(
            Rule.TOP_SOURCE,
            {"source": top.source},
            source=top.label,
            count=top.count,
            share=top.share_pct or 0,
        )


def _time(report: Report) -> Iterator[Finding]:
    if not report.by_day[1:]:
        return
    second, day = sorted(report.by_day, key=lambda each: each.count)[-2:]
    if second.count < day.count:
        yield _fact(
            Rule.BUSIEST_DAY,
            {"from": str(day.day), "to": str(day.day)},
            day=str(day.day),
            count=day.count,
            share=_share(day.count, report.total),
        )
    hours = sorted(
        (count, weekday, hour)
        for weekday, counts in enumerate(report.heat_map or ())
        for hour, count in enumerate(counts)
    )
    if hours and hours[-2][0] < hours[-1][0]:
        count, weekday, hour = hours[-1]
        yield _fact(Rule.BUSIEST_HOUR, "heat_map", weekday=weekday, hour=hour, count=count)


def _people(report: Report) -> Iterator[Finding]:
    if report.hand_offs is None:
        return
    people = report.hand_offs.people
    received = [sum(column) for column in zip(*report.hand_offs.counts, strict=True)]
    unassigned = received[-1]
    if people:
        top = max(range(len(people)), key=lambda at: received[at])
        if _share(received[top], report.total) >= _LARGE_SHARE_PCT:
            yield _fact(
                Rule.TOP_ASSIGNEE,
                {"assigned_to": report.hand_offs.keys[top]},
                assignee=people[top],
                count=received[top],
                share=_share(received[top], report.total),
            )
    if unassigned:
        yield _fact(
            Rule.UNASSIGNED,
            {"assigned_to": UNASSIGNED},
            count=unassigned,
            share=_share(unassigned, report.total),
        )


def _chains(report: Report) -> Iterator[Finding]:
    chains = report.chains
    if chains is None or not chains.most_assigned:
        return
    most = chains.most_assigned[0]
    if most.count >= _BOUNCED and most.count > max(
        (each.count for each in chains.most_assigned[1:]), default=0
    ):
        yield _fact(
            Rule.BOUNCED,
            {"conversation": most.conversation_id},
            conversation=most.conversation_id,
            count=most.count,
        )
    if chains.return_count:
        yield _fact(Rule.RETURNS, "chains", count=chains.return_count, hours=chains.return_hours)

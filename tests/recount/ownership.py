"""Ownership and people, counted again from the events by plain Python; see `oracle.py`, which this file extends."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from fractions import Fraction
from itertools import pairwise
from typing import Any

from tests.recount.oracle import (
    DAY,
    Event,
    Log,
    Person,
    bounce_backs,
    exists,
    first_instant,
    key_of,
    last_events,
    members_of_teams,
    names_of,
    rounded,
    told_apart,
)

NOBODY: Person = (None, None)
UNKNOWN: Person = ("?", "?")
NOT_YET: Person = ("?", "not yet")
SECOND = timedelta(seconds=1)
TOP_LINES = 6
_COUNTS = ("assigned", "first_assignments", "received", "passed_on", "unassigned", "returned")


@dataclass
class Interval:
    """The time in which one subject has one owner; `begun` tells whether with an event."""

    owner: Person
    since: datetime
    until: datetime
    begun: bool
    is_open: bool = False
    taker: Person = UNKNOWN
    is_unseen: bool = False

    @property
    def length(self) -> timedelta:
        return self.until - self.since

    @property
    def is_ended(self) -> bool:
        return self.begun and not self.is_open

    @property
    def is_wait(self) -> bool:
        return self.is_ended and self.owner == NOBODY and self.taker != NOBODY

    @property
    def is_held(self) -> bool:
        return self.is_ended and self.owner not in {NOBODY, UNKNOWN, NOT_YET}


@dataclass
class Holders:
    """The intervals of a period by owner, its persons with their labels, and its bounds."""

    of: dict[Person, list[Interval]]
    labels: dict[Person, str]
    start: datetime
    end: datetime

    @property
    def people(self) -> list[Person]:
        return [owner for owner in self.of if owner not in {NOBODY, UNKNOWN, NOT_YET}]


def intervals_of(held: list[Event], events: list[Event], start: datetime, end: datetime) -> list[Interval]:
    """Return the intervals from *start* to *end*; *held* are the last events of subjects before."""
    of: dict[str | None, list[Event]] = defaultdict(list)
    for event in (*held, *events):
        of[event.subject].append(event)
    found = []
    for steps in of.values():
        first = steps[0]
        if first.at >= start:
            stated = NOT_YET if key_of(first.previous) == NOBODY else key_of(first.previous)
            owner = stated if first.is_stated else UNKNOWN
            found.append(Interval(owner, start, first.at, begun=False, taker=key_of(first.assignee)))
        for one, other in pairwise(steps):
            owner, taker, before = key_of(one.assignee), key_of(other.assignee), key_of(other.previous)
            found.append(
                Interval(owner, one.at, other.at, begun=True, taker=taker, is_unseen=owner != before)
            )
        found.append(Interval(key_of(steps[-1].assignee), steps[-1].at, end, begun=True, is_open=True))
    return found


def seconds(length: timedelta | Fraction) -> float:
    """Return a length in seconds with three decimals, halves up."""
    exact = (
        length if isinstance(length, Fraction) else Fraction(length // timedelta(microseconds=1), 1_000_000)
    )
    return int(exact * 1000 + Fraction(1, 2)) / 1000


def described(lengths: list[timedelta]) -> tuple[float | None, float | None, float | None]:
    """Return median, 90th percentile and longest."""
    micros = sorted(length // timedelta(microseconds=1) for length in lengths)

    def percentile(share: Fraction) -> float:
        at = (len(micros) - 1) * share
        low = at.numerator // at.denominator
        high = min(low + 1, len(micros) - 1)
        return seconds((micros[low] + (micros[high] - micros[low]) * (at - low)) / Fraction(1_000_000))

    if len(micros) < 5:
        return None, None, seconds(max(lengths)) if lengths else None
    return percentile(Fraction(1, 2)), percentile(Fraction(9, 10)), seconds(max(lengths))


def most_at_once(intervals: list[Interval], start: datetime) -> int:
    """Return the most of *intervals* at one instant: at the beginning of one of them."""
    begins = {max(each.since, start) for each in intervals}
    changes: Counter[datetime] = Counter()
    for each in intervals:
        changes[max(each.since, start)] += 1
        if not each.is_open:
            changes[each.until] -= 1
    level, most = 0, 0
    for instant in sorted(changes):
        level += changes[instant]
        most = max(most, level if instant in begins else 0)
    return most


def holding(intervals: list[Interval], start: datetime, end: datetime) -> dict[str, Any]:
    """Return the figures of the intervals of one owner, or of several."""
    ended = [each.length for each in intervals if each.is_held or each.is_wait]
    ages = [each.length for each in intervals if each.is_open]
    median, p90, longest = described(ended)
    within = sum((each.until - max(each.since, start) for each in intervals), timedelta())
    load = Fraction(within // timedelta(microseconds=1), max(1, (end - start) // timedelta(microseconds=1)))
    return {
        "ended_count": len(ended),
        "median_seconds": median,
        "p90_seconds": p90,
        "longest_seconds": longest,
        "total_seconds": seconds(sum(ended, timedelta())),
        "held_count": len(ages),
        "held_age": dict(
            zip(("median_seconds", "p90_seconds", "longest_seconds"), described(ages), strict=True)
        ),
        "held_seconds": seconds(within),
        "average_load": rounded(load) if end > start else None,
        "peak_load": most_at_once(intervals, start),
    }


def recount_ownership(
    report: dict[str, Any], log: Log, known_since: date | None
) -> Iterator[tuple[str, Any, Any]]:
    """Yield (figure, counted here, said by *report*) for every figure of ownership and people."""
    said = report["ownership"]
    if not said:
        return
    zone, as_of = log.zone, datetime.fromisoformat(report["as_of"])
    first, last = (date.fromisoformat(report["period"][name]) for name in ("first_day", "last_day"))
    start, end = first_instant(first, zone), min(first_instant(last + DAY, zone), as_of)
    events = [event for event in log.events if start <= event.at < end]
    held = last_events(log, start, known_since)
    names = names_of(held, ("assignee",), ("assignee",)) | names_of(
        events, ("previous", "assignee", "by"), ("assignee", "by")
    )
    labels = told_apart(names, names.values())
    intervals = intervals_of(held, events, start, end)
    of: dict[Person, list[Interval]] = defaultdict(list)
    for each in intervals:
        of[each.owner].append(each)
    holders = Holders(of, labels, start, end)
    yield from _holdings(holders, said)
    yield "ownership.subject_count", len({event.subject for event in (*held, *events)}), said["subject_count"]
    yield "ownership.unseen_count", sum(each.is_unseen for each in intervals), said["unseen_count"]
    yield from _proofs(intervals, report, start, end)
    distinct: dict[str, set[Person]] = defaultdict(set)
    for event in events:
        if event.conversation and key_of(event.assignee) != NOBODY:
            distinct[event.conversation].add(key_of(event.assignee))
    sizes = Counter(min(4, len(each)) for each in distinct.values())
    yield "ownership.per_conversation", [sizes[size] for size in (1, 2, 3, 4)], said["per_conversation"]
    yield from _waits(log, intervals, said)
    yield from _over_time(report, log, holders)
    yield from _people(report, log, events, holders)
    if report["teams"]:
        yield from _teams(log, held, events, report["teams"]["holdings"], (start, end))


def _holdings(holders: Holders, said: dict[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    of, labels, people, start, end = holders.of, holders.labels, holders.people, holders.start, holders.end
    counted = {labels[who]: holding(of[who], start, end) for who in people}
    order = sorted(
        counted, key=lambda name: (-counted[name]["ended_count"], -counted[name]["held_count"], name)
    )
    yield "ownership.assignees", order, [each["assignee"] for each in said["assignees"]]
    everyone = [each for who in people for each in of[who]]
    lines = [*((name, counted[name]) for name in order), ("", holding(everyone, start, end))]
    lines.append(("-", holding(of[NOBODY], start, end)))
    for (name, line), other in zip(
        lines, [*said["assignees"], said["holding"], said["unassigned"]], strict=True
    ):
        for figure, value in line.items():
            yield f"ownership[{name}].{figure}", value, other[figure]
    for owner, name in ((UNKNOWN, "unknown_seconds"), (NOT_YET, "not_yet_seconds")):
        length = sum((each.length for each in of[owner]), timedelta())
        yield f"ownership.{name}", seconds(length), said[name]


def _proofs(
    intervals: list[Interval], report: dict[str, Any], start: datetime, end: datetime
) -> Iterator[tuple[str, Any, Any]]:
    ended = [each for each in intervals if each.is_ended]
    subjects = report["ownership"]["subject_count"]
    totals = {
        "covered_time": seconds((end - start) * subjects),
        "open_intervals": sum(each["closing"] for each in report["assignees"]),
        "ended_intervals": len(ended),
        "ended_time": seconds(sum((each.length for each in ended), timedelta())),
    }
    for line in report["ownership"]["proof"]:
        yield (
            f"ownership.proof.{line['name']}",
            (totals[line["name"]],) * 2,
            (line["counted"], line["expected"]),
        )


def _waits(log: Log, intervals: list[Interval], said: dict[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    by_hour: dict[int, list[timedelta]] = defaultdict(list)
    by_week_hour: dict[tuple[int, int], list[timedelta]] = defaultdict(list)
    for each in intervals:
        if each.is_wait:
            local = each.since.astimezone(log.zone)
            by_hour[local.hour].append(each.length)
            by_week_hour[local.weekday(), local.hour].append(each.length)
    for hour, other in enumerate(said["waiting_by_hour"]):
        line = (hour, len(by_hour[hour]), described(by_hour[hour])[0])
        yield (
            f"ownership.waiting_by_hour[{hour}]",
            line,
            (other["hour"], other["count"], other["median_seconds"]),
        )
    medians = {hour: described(lengths)[0] for hour, lengths in by_week_hour.items()}
    known = {hour: median for hour, median in medians.items() if median is not None}
    slowest = min(known, key=lambda hour: (-known[hour], hour), default=None)
    found = slowest and (*slowest, len(by_week_hour[slowest]), known[slowest])
    told = said["slowest_hour"]
    yield (
        "ownership.slowest_hour",
        found,
        told and (told["weekday"], told["hour"], told["count"], told["median_seconds"]),
    )


def _over_time(report: dict[str, Any], log: Log, holders: Holders) -> Iterator[tuple[str, Any, Any]]:
    of, labels, people, start, end = holders.of, holders.labels, holders.people, holders.start, holders.end
    days = [date.fromisoformat(day["day"]) for day in report["by_day"]]
    if len(days) > 1:
        ends = [first_instant(day + DAY, log.zone) for day in days if first_instant(day, log.zone) < end]
    else:
        ends = [start + timedelta(hours=hour + 1) for hour in range(-(-(end - start) // timedelta(hours=1)))]

    def load(who: Person) -> timedelta:
        return sum((each.until - max(each.since, start) for each in of[who]), timedelta())

    busiest = sorted((who for who in people if load(who)), key=lambda who: (-load(who), labels[who]))
    shown, others = busiest[:TOP_LINES], [who for who in people if who not in busiest[:TOP_LINES]]

    def counts(owners: list[Person]) -> list[int]:
        return [
            sum(each.since < at and (each.is_open or each.until >= at) for who in owners for each in of[who])
            for at in ends
        ]

    lines = [*((labels[who], counts([who])) for who in shown), ("", counts(others)), (None, counts([NOBODY]))]
    for (name, line), other in zip(lines, report["ownership"]["held"], strict=True):
        yield f"ownership.held[{name}]", (name, line), (other["assignee"], other["counts"])


def _teams(
    log: Log,
    held: list[Event],
    events: list[Event],
    said: list[dict[str, Any]],
    span: tuple[datetime, datetime],
) -> Iterator[tuple[str, Any, Any]]:
    """Count what teams hold: a contact stays with a team until it leaves it."""
    team_of = members_of_teams(log)

    def as_team(who: Person) -> Person:
        return who if key_of(who) == NOBODY else (None, team_of.get(key_of(who), "No team"))

    moved: tuple[list[Event], list[Event]] = ([], [])
    last: dict[str | None, Person] = {}
    for event in (*held, *events):
        step = replace(event, previous=as_team(event.previous), assignee=as_team(event.assignee))
        if event.subject not in last or last[event.subject] != step.assignee:
            moved[event.at >= span[0]].append(step)
        last[event.subject] = step.assignee
    of: dict[Person, list[Interval]] = defaultdict(list)
    for each in intervals_of(*moved, *span):
        of[each.owner].append(each)
    counted = {who[1] or "": holding(of[who], *span) for who in of if who not in {NOBODY, UNKNOWN, NOT_YET}}
    order = sorted(
        counted, key=lambda name: (-counted[name]["ended_count"], -counted[name]["held_count"], name)
    )
    yield "teams.holdings", order, [each["assignee"] for each in said]
    for name, other in zip(order, said, strict=True):
        for figure, value in counted[name].items():
            yield f"teams.holdings[{name}].{figure}", value, other[figure]


def _people(
    report: dict[str, Any], log: Log, events: list[Event], holders: Holders
) -> Iterator[tuple[str, Any, Any]]:
    of, labels = holders.of, holders.labels
    lines: dict[Person, Counter[str]] = defaultdict(Counter)
    for event in events:
        previous, assignee = key_of(event.previous), key_of(event.assignee)
        lines[assignee]["first_assignments" if previous == NOBODY else "received"] += 1
        lines[previous]["unassigned" if assignee == NOBODY else "passed_on"] += 1
    for (to, _), _at in bounce_backs(events, report["return_hours"]):
        lines[to]["returned"] += 1
    waits: dict[Person, list[timedelta]] = defaultdict(list)
    for each in of[NOBODY]:
        if each.is_wait:
            waits[each.taker].append(each.length)
    before = _assigned_before(report, log)
    found: dict[str, dict[str, Any]] = {}
    for who in {*lines, *of} - {NOBODY, UNKNOWN, NOT_YET}:
        line, held = lines[who], [each.length for each in of[who] if each.is_held]
        assigned = line["first_assignments"] + line["received"]
        held_count = sum(each.is_open for each in of[who])
        if not (assigned or line["passed_on"] or line["unassigned"] or held_count):
            continue
        earlier = before[who] if before is not None else None
        found[labels[who]] = {
            "assigned": assigned,
            **{name: line[name] for name in _COUNTS[1:]},
            "waiting_count": len(waits[who]),
            "waiting": described(waits[who]),
            "ended_count": len(held),
            "holding": described(held),
            "held_count": held_count,
            "previous": earlier,
            "change_pct": rounded(Fraction(100 * (assigned - earlier), earlier)) if earlier else None,
        }
    order = sorted(found, key=lambda name: (-found[name]["assigned"], name))
    yield "people", order, [each["assignee"] for each in report["people"]]
    for other in report["people"]:
        for name, value in found.get(other["assignee"], {}).items():
            said = tuple(other[name].values()) if isinstance(value, tuple) else other[name]
            yield f"people[{other['assignee']}].{name}", value, said


def _assigned_before(report: dict[str, Any], log: Log) -> Counter[Person] | None:
    """Return the assignments to each person in the previous period, if both periods are whole."""
    compared = report["comparison"]
    if not compared or compared["total"] is None or "not_whole" in compared["notes"]:
        return None
    first, last = (date.fromisoformat(compared[name]) for name in ("first_day", "last_day"))
    end = (
        datetime.fromisoformat(compared["until"])
        if compared["until"]
        else first_instant(last + DAY, log.zone)
    )
    start = first_instant(first, log.zone)
    assert exists(first, log.zone)
    return Counter(key_of(event.assignee) for event in log.events if start <= event.at < end)

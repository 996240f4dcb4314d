"""Count who held the contacts, and for how long: docs/reference/definitions.md, Ownership.

The page's script counts the same in `templates/script/3-ownership.js`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

import numpy as np

from assets.periods import Period
from assets.report.durations import describe_groups, seconds
from assets.report.encoded_log import Codes, EncodedLog, Flags
from assets.report.key_figures import parts_of_period
from assets.report.log_table import weekday_hours
from assets.report.people_model import AssigneeHolding, Durations, HeldLine, Holding, HourWaiting, Ownership
from assets.report.steps import Steps

NOBODY, UNKNOWN, NOT_YET = 0, 1, 2
"""The owners that are no person; before an event that assigns it from nobody, a subject is not yet."""

FIRST_PERSON = 3
"""The owner that is the person with code 0."""

_LINES = 6
_FEWEST = 5
_MANY = 4

WorkingMicros = Callable[[Codes, Codes], Codes]
"""Gives the working time between begins and ends, all in microseconds."""


@dataclass(frozen=True)
class Intervals:
    """The intervals in which subjects have one owner: n of them, from `since` to before `until`.

    Instants are in microseconds (UTC). An interval that is open at the end of the period has that as `until`;
    one that begins with no event begins with the period and is not `is_begun`. `taker` is the owner after it,
    `is_unseen` tells that the source names another one at its end.
    """

    steps: Steps
    start: int
    end: int
    owner: Codes
    since: Codes
    until: Codes
    taker: Codes
    is_begun: Flags
    is_open: Flags
    is_unseen: Flags

    @classmethod
    def of(cls, steps: Steps, start: int, end: int) -> "Intervals":
        """Return the intervals of *steps* within the period from *start* to *end* (microseconds, UTC)."""
        is_open = steps.is_last
        next_instant = np.where(is_open, end, np.roll(steps.instants, -1))
        next_owner = np.roll(steps.assignee, -1)
        is_late = steps.is_first & steps.is_event
        stated = np.where(steps.previous[is_late] < 0, NOT_YET, _owner(steps.previous[is_late]))
        before = np.where(steps.is_stated[is_late], stated, UNKNOWN)
        late_count, none = len(before), np.zeros(len(before), bool)
        return cls(
            steps,
            start,
            end,
            owner=np.concatenate([_owner(steps.assignee), before]),
            since=np.concatenate([steps.instants, np.full(late_count, start)]),
            until=np.concatenate([next_instant, steps.instants[is_late]]),
            taker=np.concatenate([_owner(next_owner), _owner(steps.assignee[is_late])]),
            is_begun=np.concatenate([np.ones(len(steps.instants), bool), none]),
            is_open=np.concatenate([is_open, none]),
            is_unseen=np.concatenate([~is_open & (np.roll(steps.previous, -1) != steps.assignee), none]),
        )

    @property
    def owner_count(self) -> int:
        """Return the number of owners: all persons, and those that are none."""
        return FIRST_PERSON + len(self.steps.labels)

    @property
    def is_wait(self) -> Flags:
        """Tell which are waiting times: begun with an event, with nobody, and ended with an assignment."""
        waits: Flags = self.is_ended & (self.owner == NOBODY) & (self.taker != NOBODY)
        return waits

    @property
    def is_held(self) -> Flags:
        """Tell which are holding times: begun with an event, with an assignee, and ended."""
        held: Flags = self.is_ended & (self.owner >= FIRST_PERSON)
        return held

    @property
    def is_ended(self) -> Flags:
        """Tell which began with an event and ended within the period."""
        ended: Flags = self.is_begun & ~self.is_open
        return ended

    @cached_property
    def duration(self) -> Codes:
        """Return the duration of each in microseconds."""
        return self.until - self.since

    @cached_property
    def within(self) -> Codes:
        """Return the part of each that lies within the period, in microseconds."""
        return self.until - np.maximum(self.since, self.start)


def _owner(person: Codes) -> Codes:
    """Return the owner of each person code; -1 is nobody."""
    return np.where(person < 0, NOBODY, person + FIRST_PERSON)


def count_ownership(
    intervals: Intervals, log: EncodedLog, period: Period, working: WorkingMicros | None = None
) -> Ownership:
    """Return the figures of *intervals*; *log* are the rows of *period*, *working* gives working time."""
    within = sum_groups(intervals.owner, intervals.within, intervals.owner_count)
    together = np.where(intervals.owner >= FIRST_PERSON, 0, 1)
    (holding, _) = _describe_owners(intervals, together, 2, intervals.is_held, working)
    by_owner = _describe_all(intervals, working)
    return Ownership(
        assignees=_name_holdings(intervals, by_owner),
        holding=holding,
        unassigned=by_owner[NOBODY],
        unknown_seconds=seconds(within[UNKNOWN]),
        not_yet_seconds=seconds(within[NOT_YET]),
        subject_count=int(intervals.steps.is_first.sum()),
        unseen_count=int(intervals.is_unseen.sum()),
        per_conversation=_count_assignees(log),
        held=_held_over_time(intervals, period),
        waiting_by_hour=tuple(_waiting_by_hour(intervals, period)),
        slowest_hour=_slowest_hour(intervals, period),
    )


def describe_holders(intervals: Intervals, working: WorkingMicros | None) -> tuple[AssigneeHolding, ...]:
    """Return the figures of each holder: most ended intervals first, then open ones, then by label."""
    return _name_holdings(intervals, _describe_all(intervals, working))


def _describe_all(intervals: Intervals, working: WorkingMicros | None) -> list[Holding]:
    is_counted = intervals.is_held | intervals.is_wait
    return _describe_owners(intervals, intervals.owner, intervals.owner_count, is_counted, working)


def _name_holdings(intervals: Intervals, by_owner: list[Holding]) -> tuple[AssigneeHolding, ...]:
    steps, present = intervals.steps, np.bincount(intervals.owner, minlength=intervals.owner_count) > 0
    named = (
        AssigneeHolding(
            **dict(by_owner[code + FIRST_PERSON]),
            assignee=steps.labels[code],
            key=steps.keys[code],
            kind=steps.kinds[code],
        )
        for code in range(len(steps.labels))
        if present[code + FIRST_PERSON]
    )
    return tuple(sorted(named, key=lambda each: (-each.ended_count, -each.held_count, each.assignee)))


def _describe_owners(
    intervals: Intervals, owner: Codes, count: int, is_counted: Flags, working: WorkingMicros | None
) -> list[Holding]:
    """Return the figures of each of *count* owners; *owner* has one per interval."""
    duration, is_open, length = intervals.duration, intervals.is_open, intervals.end - intervals.start

    def describe(chosen: Flags, micros: Codes | None) -> Sequence[Durations | None]:
        return [None] * count if micros is None else describe_groups(owner[chosen], micros[chosen], count)

    worked = working(intervals.since, intervals.until) if working else None
    ended, ages = describe(is_counted, duration), describe(is_open, duration)
    ended_work, work_ages = describe(is_counted, worked), describe(is_open, worked)
    counts, open_counts = (np.bincount(owner[chosen], minlength=count) for chosen in (is_counted, is_open))
    totals = sum_groups(owner[is_counted], duration[is_counted], count)
    within = sum_groups(owner, intervals.within, count)
    peaks = _peak_loads(intervals, owner, count)
    return [
        Holding(
            **dict(ended[at] or {}),
            ended_count=int(counts[at]),
            total_seconds=seconds(totals[at]),
            working=ended_work[at],
            held_count=int(open_counts[at]),
            held_age=ages[at],
            held_working_age=work_ages[at],
            held_seconds=seconds(within[at]),
            average_load=round_load(within[at], length) if length else None,
            peak_load=int(peaks[at]),
        )
        for at in range(count)
    ]


def sum_groups(groups: Codes, micros: Codes, count: int) -> list[int]:
    """Return the sum of *micros* of each of *count* groups; a year of a million contacts exceeds 64 bits."""
    whole, rest = np.zeros(count, np.int64), np.zeros(count, np.int64)
    np.add.at(whole, groups, micros // 1_000_000)
    np.add.at(rest, groups, micros % 1_000_000)
    return [int(a) * 1_000_000 + int(b) for a, b in zip(whole, rest, strict=True)]


def sum_micros(micros: Codes) -> int:
    """Return the sum of *micros*."""
    return sum_groups(np.zeros(len(micros), np.int64), micros, 1)[0]


def round_load(micros: int, length: int) -> float:
    """Return time held by the *length* of the period, with one decimal, halves up."""
    return (micros * 20 + length) // (2 * length) / 10


def _peak_loads(intervals: Intervals, owner: Codes, count: int) -> Codes:
    """Return the most intervals of each owner at one instant of the period."""
    closed = ~intervals.is_open
    instants = np.concatenate([np.maximum(intervals.since, intervals.start), intervals.until[closed]])
    owners = np.concatenate([owner, owner[closed]])
    steps = np.concatenate([np.ones(len(owner), np.int64), np.full(int(closed.sum()), -1)])
    order = np.lexsort((instants, owners))
    instants, owners, held = instants[order], owners[order], np.cumsum(steps[order])
    is_last_change = (np.diff(instants, append=-1) != 0) | (np.diff(owners, append=-1) != 0)
    peaks = np.zeros(count, np.int64)
    level = held - _held_before(held, owners)
    np.maximum.at(peaks, owners[is_last_change], level[is_last_change])
    return peaks


def _held_before(held: Codes, owners: Codes) -> Codes:
    """Return for each change the running sum *held* before the first change of its owner."""
    starts = np.flatnonzero(np.diff(owners, prepend=-1))
    sums = np.concatenate([[0], held])[starts]
    return np.repeat(sums, np.diff(np.append(starts, len(owners))))


def _count_assignees(log: EncodedLog) -> tuple[int, int, int, int]:
    """Return the number of conversations with 1, 2, 3, and 4 or more distinct assignees."""
    is_assigned = (log.conversation >= 0) & (log.assignee >= 0)
    person = log.persons.of_pair[log.assignee[is_assigned]]
    pairs = np.unique(log.conversation[is_assigned] * max(1, len(log.persons.labels)) + person)
    sizes = np.bincount(pairs // max(1, len(log.persons.labels)))
    counts = np.bincount(np.minimum(sizes[sizes > 0], _MANY), minlength=_MANY + 1)[1:]
    one, two, three, more = (int(each) for each in counts)
    return one, two, three, more


def _held_over_time(intervals: Intervals, period: Period) -> tuple[HeldLine, ...]:
    """Return how many each of the busiest assignees, all others and nobody held at the end of each part."""
    part_of, part_count = parts_of_period(np.maximum(intervals.since, intervals.start), period)
    last_part = parts_of_period(np.array([intervals.end - 1]), period)[0][0]
    owners = intervals.owner_count
    load = sum_groups(intervals.owner, intervals.within, owners)
    names = [*("",) * FIRST_PERSON, *intervals.steps.labels]
    people = sorted(
        (code for code in range(FIRST_PERSON, owners) if load[code]),
        key=lambda code: (-load[code], names[code]),
    )
    shown = people[:_LINES]
    line = np.full(owners, len(shown))
    line[shown], line[NOBODY], line[[UNKNOWN, NOT_YET]] = (
        np.arange(len(shown)),
        len(shown) + 1,
        len(shown) + 2,
    )
    line_of, size = line[intervals.owner], len(shown) + 3
    closed = ~intervals.is_open
    begun = np.bincount(line_of * part_count + part_of, minlength=size * part_count)
    until_part = parts_of_period(intervals.until[closed], period)[0]
    ended = np.bincount(line_of[closed] * part_count + until_part, minlength=size * part_count)
    counts = np.cumsum((begun - ended).reshape(size, part_count), axis=1)[:, : last_part + 1].tolist()
    keys = [*("",) * FIRST_PERSON, *intervals.steps.keys]
    return (
        *(
            HeldLine(assignee=names[code], key=keys[code], counts=tuple(counts[at]))
            for at, code in enumerate(shown)
        ),
        HeldLine(assignee="", key="", counts=tuple(counts[len(shown)])),
        HeldLine(assignee=None, key="", counts=tuple(counts[len(shown) + 1])),
    )


def _waiting_by_hour(intervals: Intervals, period: Period) -> list[HourWaiting]:
    waits = intervals.is_wait
    hours = weekday_hours(intervals.since[waits], period.zone) % 24
    described = describe_groups(hours, intervals.duration[waits], 24)
    counts = np.bincount(hours, minlength=24)
    return [
        HourWaiting(hour=hour, count=int(counts[hour]), median_seconds=described[hour].median_seconds)
        for hour in range(24)
    ]


def _slowest_hour(intervals: Intervals, period: Period) -> HourWaiting | None:
    """Return the hour of the week with the longest median; None if no hour has enough waiting times."""
    waits = intervals.is_wait
    hours = weekday_hours(intervals.since[waits], period.zone)
    described = describe_groups(hours, intervals.duration[waits], 168)
    counts = np.bincount(hours, minlength=168)
    medians = [
        each.median_seconds if count >= _FEWEST else None
        for each, count in zip(described, counts, strict=True)
    ]
    slowest = max(range(168), key=lambda hour: (medians[hour] or -1, -hour))
    if medians[slowest] is None:
        return None
    weekday, hour = divmod(slowest, 24)
    return HourWaiting(
        weekday=weekday, hour=hour, count=int(counts[slowest]), median_seconds=medians[slowest]
    )


def micros_of(instant: datetime) -> int:
    """Return *instant* in microseconds since 1970."""
    return round(instant.timestamp() * 1_000_000)

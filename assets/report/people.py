"""Count the figures of each person in a period: docs/reference/definitions.md, People.

The page's script counts the same in `templates/script/3-ownership.js`.
"""

from collections.abc import Mapping

import numpy as np

from assets.report.chains import find_returns
from assets.report.durations import NONE, describe_groups
from assets.report.encoded_log import Codes, EncodedLog, Person
from assets.report.ownership import FIRST_PERSON, Intervals
from assets.report.people_model import Ownership, PersonFigures
from assets.report.shares import percent_of


def count_assigned(log: EncodedLog) -> dict[Person, int]:
    """Return the number of assignments to each person of *log*."""
    person = log.persons.of_pair[log.assignee]
    counts = np.bincount(person[person >= 0], minlength=len(log.persons.who))
    return dict(zip(log.persons.who, counts.tolist(), strict=True))


def count_people(
    intervals: Intervals,
    ownership: Ownership,
    log: EncodedLog,
    return_hours: int,
    before: Mapping[Person, int] | None,
) -> tuple[PersonFigures, ...]:
    """Return the figures of each person who is assigned, or passes on, a contact, or holds one at the end.

    *before* are the assignments to each person in the previous period, if they are known. Most assignments
    come first.
    """
    steps, count = intervals.steps, len(intervals.steps.who)
    previous, assignee = steps.previous[steps.is_event], steps.assignee[steps.is_event]

    def per_person(people: Codes) -> list[int]:
        numbers: list[int] = np.bincount(people[people >= 0], minlength=count).tolist()
        return numbers

    first, received = per_person(assignee[previous < 0]), per_person(assignee[previous >= 0])
    passed_on, unassigned = per_person(previous[assignee >= 0]), per_person(previous[assignee < 0])
    waits = intervals.is_wait
    takers = intervals.taker[waits] - FIRST_PERSON
    waited, waits_of = describe_groups(takers, intervals.duration[waits], count), per_person(takers)
    returned = _count_returns(log, return_hours)
    holdings = {(each.assignee, each.key): each for each in ownership.assignees}
    people = (
        PersonFigures(
            assignee=steps.labels[code],
            key=steps.keys[code],
            kind=steps.kinds[code],
            assigned=first[code] + received[code],
            first_assignments=first[code],
            received=received[code],
            passed_on=passed_on[code],
            unassigned=unassigned[code],
            returned=returned.get(person, 0),
            waiting_count=waits_of[code],
            waiting=waited[code],
            ended_count=held.ended_count if held else 0,
            holding=held.durations if held else NONE,
            held_count=held.held_count if held else 0,
            previous=None if before is None else before.get(person, 0),
            change_pct=_change(first[code] + received[code], before, person),
        )
        for code, person in enumerate(steps.who)
        for held in [holdings.get((steps.labels[code], steps.keys[code]))]
    )
    present = (
        each for each in people if each.assigned or each.passed_on or each.unassigned or each.held_count
    )
    return tuple(sorted(present, key=lambda each: (-each.assigned, each.assignee)))


def _count_returns(log: EncodedLog, return_hours: int) -> dict[Person, int]:
    """Return the number of bounce-backs to each person."""
    counts = np.bincount(find_returns(log, return_hours)[0], minlength=len(log.persons.who))
    return dict(zip(log.persons.who, counts.tolist(), strict=True))


def _change(assigned: int, before: Mapping[Person, int] | None, person: Person) -> float | None:
    """Return the change of assignments in percent; None without assignments before."""
    earlier = before.get(person, 0) if before is not None else 0
    return percent_of(assigned - earlier, earlier) if earlier else None

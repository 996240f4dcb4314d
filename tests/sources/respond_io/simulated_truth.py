"""Assignments as they truly happened in a simulated inbox, with every kind of step that a source can meet."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

START = datetime(2024, 3, 4, 5, tzinfo=UTC)
"""Midnight in New York; the clocks there change six days later."""


class Kind(StrEnum):
    """What is special about a step."""

    ASSIGNED = "assigned"
    REASSIGNED = "reassigned"
    UNASSIGNED = "unassigned"
    SELF_ASSIGNED = "self-assigned"
    BY_RULE = "by a rule"
    BY_API = "by the API"
    TO_AI_AGENT = "to an AI agent"
    TO_RENAMED = "to a renamed agent"
    SAME_INSTANT = "two at one instant"
    SAME_AGAIN = "to the current assignee"
    TOLD_TWICE = "sent twice"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who can have a contact; `old_name` is the name before it was changed."""

    id: int
    name: str
    old_name: str = ""

    @property
    def said(self) -> str:
        """The name at the time of the step."""
        return self.old_name or self.name


ANNA, BOB, DANA = Person(1, "Anna"), Person(2, "Bob Stone"), Person(3, "Dana by Night")
ZOE, RENAMED, ARIA = Person(4, "Zoë O'Neil 😀"), Person(5, "Grace Hall", "Grace Miller"), Person(6, "Aria")
PEOPLE = (ANNA, BOB, DANA, ZOE, RENAMED, ARIA)
HUMANS = (ANNA, BOB, DANA, ZOE)


@dataclass(frozen=True, slots=True)
class Step:
    """One change of the assignee of a contact's only conversation. `source` is user, workflow or developer_api."""

    number: int
    at: datetime
    subject: int
    previous: Person | None
    assignee: Person | None
    source: str = "user"
    by: Person | None = ANNA
    kind: Kind = Kind.ASSIGNED

    @property
    def contact_name(self) -> str:
        """The contact's name, as strangers write theirs."""
        return f'=Ann, "{self.subject}" 😀'


def simulate(count: int, days: int = 7, seed: int = 1) -> list[Step]:
    """Return *count* steps over *days*, in order, every kind among them."""
    return list(_steps(random.Random(seed), count, days))


def _steps(chance: random.Random, count: int, days: int) -> Iterator[Step]:
    micros = sorted(chance.sample(range(days * 86_400_000_000 // 1000), count))
    held: dict[int, Person | None] = {}
    at, subject, is_second = START, 1, True
    for number, tick in enumerate(micros, 1):
        kind = chance.choice([each for each in Kind if each != Kind.SAME_INSTANT or not is_second])
        is_second = kind == Kind.SAME_INSTANT
        if not is_second:
            at, subject = START + timedelta(milliseconds=tick), chance.randrange(1, count // 8 + 2)
        previous = held.get(subject)
        assignee, source, by = _change(chance, kind, previous)
        if assignee == previous and kind != Kind.SAME_AGAIN:
            kind = Kind.SAME_AGAIN
        if kind in {Kind.ASSIGNED, Kind.REASSIGNED} and assignee:
            kind = Kind.REASSIGNED if previous else Kind.ASSIGNED
        held[subject] = assignee
        yield Step(number, at, subject, previous, assignee, source, by, kind)


def _change(
    chance: random.Random, kind: Kind, previous: Person | None
) -> tuple[Person | None, str, Person | None]:
    somebody = chance.choice([each for each in HUMANS if each != previous])
    actor = chance.choice([each for each in HUMANS if each != somebody])
    special: dict[Kind, tuple[Person | None, str, Person | None]] = {
        Kind.UNASSIGNED: (None, "user", actor),
        Kind.SELF_ASSIGNED: (somebody, "user", somebody),
        Kind.BY_RULE: (somebody, "workflow", None),
        Kind.BY_API: (somebody, "developer_api", None),
        Kind.TO_AI_AGENT: (ARIA, "user", actor),
        Kind.TO_RENAMED: (RENAMED, "user", actor),
        Kind.SAME_AGAIN: (previous, "user", actor),
    }
    return special.get(kind, (somebody, "user", actor))

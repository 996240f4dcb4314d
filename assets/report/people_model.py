"""The part of the `Report` model that is counted by person or by team.

`model.py` has the rest, and what the two have in common.
"""

from enum import StrEnum

from assets.runtime.frozen_model import FrozenModel


class HandOffs(FrozenModel):
    """The reassignment matrix, from row to column; after `people` come all others, then unassigned.

    The cells add up to the report's total. `keys` are the filter values of `people`, `kinds` their kinds.
    """

    people: tuple[str, ...]
    keys: tuple[str, ...]
    kinds: tuple[str | None, ...]
    counts: tuple[tuple[int, ...], ...]


class AssigneeBalance(FrozenModel):
    """The contacts of a person: opening + received - released + unseen = closing. `key` is the filter value.

    `unseen` are changes without an event, known from the previous assignee of the next event. `kind` is the
    person's kind, such as `ai_agent`; None if the source does not state it.
    """

    assignee: str
    key: str = ""
    kind: str | None = None
    opening: int
    received: int
    released: int
    unseen: int
    closing: int

    @property
    def is_balanced(self) -> bool:
        """Tell whether the figures add up."""
        return self.opening + self.received - self.released + self.unseen == self.closing


class Durations(FrozenModel):
    """Durations in seconds: median and 90th percentile are null below 5 of them, the longest is null if none.

    Percentiles are interpolated linearly.
    """

    median_seconds: float | None
    p90_seconds: float | None
    longest_seconds: float | None


class Holding(Durations):
    """Ownership intervals: those that ended in the period, and those that are open at its end.

    `working` are the same durations in working time, if working hours are configured. `total_seconds` is the
    sum of the ended ones, `held_seconds` the time held within the period, ended or not; `average_load` is
    that time by the length of the period, `peak_load` the most intervals at one instant.
    """

    ended_count: int
    total_seconds: float
    working: Durations | None = None
    held_count: int
    held_age: Durations
    held_working_age: Durations | None = None
    held_seconds: float
    average_load: float | None
    peak_load: int

    @property
    def durations(self) -> Durations:
        """Return the durations of the ended intervals alone."""
        return Durations(**{name: getattr(self, name) for name in Durations.model_fields})


class AssigneeHolding(Holding):
    """The ownership intervals of a person; `key` is the filter value."""

    assignee: str
    key: str
    kind: str | None = None


class HeldLine(FrozenModel):
    """Contacts held by an assignee at the end of each day, or each hour of one day; others, or nobody."""

    assignee: str | None
    key: str
    counts: tuple[int, ...]


class HourWaiting(FrozenModel):
    """The waiting times that began in an hour of the day; `weekday` is 0 on Monday, None: of all days."""

    weekday: int | None = None
    hour: int
    count: int
    median_seconds: float | None


class OwnershipTotal(StrEnum):
    """The proofs of ownership."""

    COVERED_TIME = "covered_time"
    OPEN_INTERVALS = "open_intervals"
    ENDED_INTERVALS = "ended_intervals"
    ENDED_TIME = "ended_time"


class OwnershipProof(FrozenModel):
    """A total of ownership, `counted` from the intervals and `expected` from elsewhere; times in seconds.

    `differing` is the number of assignees for whom the two are not the same.
    """

    name: OwnershipTotal
    counted: float
    expected: float
    differing: int = 0

    @property
    def holds(self) -> bool:
        """Tell whether the two are the same."""
        return self.counted == self.expected and not self.differing


class Ownership(FrozenModel):
    """Who held the contacts, and for how long: docs/reference/definitions.md, Ownership.

    `holding` is of all assignees together; the ended intervals of `unassigned` are those that ended with an
    assignment. Before a subject's first event in the period its owner is the one that the event states:
    `not_yet_seconds` is such time with nobody, `unknown_seconds` that with no statement. `unseen_count`
    is the number of ended intervals at whose end the source names another previous assignee.
    `per_conversation` counts the conversations with 1, 2, 3, and 4 or more assignees. `held` has the
    assignees with the largest load, then all others (`assignee` ""), then nobody (None).
    """

    assignees: tuple[AssigneeHolding, ...]
    holding: Holding
    unassigned: Holding
    unknown_seconds: float
    not_yet_seconds: float
    subject_count: int
    unseen_count: int
    per_conversation: tuple[int, int, int, int]
    held: tuple[HeldLine, ...]
    waiting_by_hour: tuple[HourWaiting, ...]
    slowest_hour: HourWaiting | None
    proof: tuple[OwnershipProof, ...] = ()


class PersonFigures(FrozenModel):
    """One person in the period: docs/reference/definitions.md, People.

    `assigned` = `first_assignments` + `received`; `passed_on` went to others, `unassigned` to nobody.
    `returned` are bounce-backs to the person; `waiting` is how long the contacts that were unassigned before
    had waited for the person. `previous` is `assigned` in the previous period, null if that is not known.
    """

    assignee: str
    key: str
    kind: str | None = None
    assigned: int
    first_assignments: int
    received: int
    passed_on: int
    unassigned: int
    returned: int
    waiting_count: int
    waiting: Durations
    ended_count: int
    holding: Durations
    held_count: int
    previous: int | None
    change_pct: float | None


class TeamPath(FrozenModel):
    """The teams that conversations were with, in order, and the number of those conversations."""

    path: tuple[str, ...]
    is_cut: bool
    count: int


class GroupStations(FrozenModel):
    """The number of conversations that were with one team, two, three, four or more, and the commonest paths.

    Only `paths` of several teams are listed.
    """

    conversation_counts: tuple[int, ...]
    paths: tuple[TeamPath, ...]


class TeamFigures(FrozenModel):
    """The figures by team; people in no team are one team, `config.teams.NO_TEAM`.

    `balances` and `holdings` are empty and `stations` null if the filters make them inapplicable. A team
    holds a contact until it leaves the team, whoever holds it there.
    """

    hand_offs: HandOffs
    balances: tuple[AssigneeBalance, ...] = ()
    holdings: tuple[AssigneeHolding, ...] = ()
    stations: GroupStations | None

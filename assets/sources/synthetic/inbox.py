"""The conversations of the synthetic inbox: who takes a contact, passes it on, and lets it go.

Times are milliseconds of wall clock time since the midnight before the first day.
"""

import random
from dataclasses import dataclass, field
from datetime import date
from itertools import accumulate, chain
from typing import NamedTuple

from assets.sources.synthetic.staff import (
    AI_AGENT,
    ASSIGNEES,
    BILLING,
    BOT,
    CLOSING_HOUR,
    ON_DUTY,
    OPENING_HOUR,
    PARTNER,
    PASSES_ON,
    SALES,
    SUPPORT,
    TEAM_LEAD,
    TEAMS,
)

MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR

_TEAM_WEIGHTS = (14, 62, 24)
_HOUR_WEIGHTS = (2, 1, 1, 1, 1, 2, 4, 9, 14, 18, 18, 16, 13, 15, 17, 16, 15, 13, 11, 9, 8, 6, 4, 3)
_WEEKDAY_WEIGHTS = (1.1, 1.0, 1.0, 0.97, 0.9, 0.45, 0.4)
_GROWTH = 0.1  # of the conversations a day, from the first day to the last
_DAYS_BETWEEN_IMPORTS = 14

_PASSING_ON = {PASSES_ON: 0.93} | dict.fromkeys(PARTNER, 0.58)
"""The chances that these agents hand a contact over; the others' is `_USUAL_PASSING_ON`."""
_USUAL_PASSING_ON = 0.46

_CAMPAIGN_DAYS = 8
_CAMPAIGN_GROWTH = 1.4
_AI_AGENT_DAYS = 14

_ENTRIES = {"bot": 38, "workflow": 24, "click_to_chat_ad": 10, "developer_api": 12, "zapier": 9, "make": 7}
_CAMPAIGN_ENTRIES = _ENTRIES | {"click_to_chat_ad": 36}
_TEAM_OF_ENTRY = {"click_to_chat_ad": SALES, "developer_api": SUPPORT, "zapier": SALES, "make": BILLING}


class Step(NamedTuple):
    """One assignment; people are positions in `ASSIGNEES`, None is nobody."""

    at: int
    contact: int
    conversation: int
    previous: int | None
    assignee: int | None
    source: str
    assigned_by: int | None


def simulate(rng: random.Random, first_day: date, days: int, count: int) -> list[Step]:
    """Return *count* steps of *days* days from *first_day*, ordered by time."""
    inbox = _Inbox(rng, first_day.weekday(), days)
    while len(inbox.steps) < count:
        inbox.add_contact()
    steps = inbox.steps[:count]
    steps.sort(key=lambda step: step.at)
    return steps


@dataclass(slots=True)
class _Inbox:
    """The steps so far, and the state of the contact whose steps are added."""

    rng: random.Random
    first_weekday: int
    days: int
    steps: list[Step] = field(default_factory=list)
    contact: int = -1
    conversation: int = -1
    owner: int | None = None
    previous: int | None = None
    latest: int = -1
    day_weights: list[float] = field(init=False)

    def __post_init__(self) -> None:
        """Derive the weights of the days."""
        self.day_weights = list(accumulate(self._day_weight(day) for day in range(self.days)))

    def _day_weight(self, day: int) -> float:
        campaign = _CAMPAIGN_GROWTH if self._is_of_last(_CAMPAIGN_DAYS, day * DAY) else 1.0
        return _WEEKDAY_WEIGHTS[self._weekday(day)] * (1 + _GROWTH * day / self.days) * campaign

    def _weekday(self, day: int) -> int:
        return (self.first_weekday + day) % 7

    def _is_of_last(self, days: int, at: int) -> bool:
        return at >= (self.days - days) * DAY

    def add_contact(self) -> None:
        """Add one more contact, with the steps of all its conversations."""
        rng = self.rng
        self.contact += 1
        self.owner, self.previous, self.latest = None, None, -1
        if rng.random() < 0.09:
            self._import_contact()
            day = self._day_after(self.latest // DAY)
        else:
            day = rng.choices(range(self.days), cum_weights=self.day_weights)[0]
        is_regular = rng.random() < 0.03
        while day < self.days:
            self._converse(day * DAY + rng.choices(range(24), _HOUR_WEIGHTS)[0] * HOUR + rng.randrange(HOUR))
            if rng.random() < (0.1 if is_regular else 0.4):
                return
            day = self._day_after(max(day, self.latest // DAY))

    def _day_after(self, day: int) -> int:
        """Return a day, about nine days after *day*, on which the contact writes again."""
        day += 1 + int(self.rng.expovariate(1 / 9))
        return day + 2 if self._weekday(day) > 4 and self.rng.random() < 0.55 else day

    def _import_contact(self) -> None:
        """Import the contact with many others, within minutes of a Monday morning."""
        day = self.rng.randrange(-self.first_weekday % 7 % self.days, self.days, _DAYS_BETWEEN_IMPORTS)
        at = day * DAY + 10 * HOUR + int(self.rng.random() * 4 * MINUTE)
        self.conversation += 1
        self._assign(at, "contact_import", self._choose(at, SALES))

    def _converse(self, start: int) -> None:
        """Route the conversation that begins at *start*; let its assignees pass it on and end it."""
        weights = _CAMPAIGN_ENTRIES if self._is_of_last(_CAMPAIGN_DAYS, start) else _ENTRIES
        entry = self.rng.choices([*weights], [*weights.values()])[0]
        team = _TEAM_OF_ENTRY.get(entry) or self.rng.choices(TEAMS, _TEAM_WEIGHTS)[0]
        self.conversation += 1
        if self.owner is not None:
            self._return(start, team)
        elif entry != "bot":
            self._route(start, entry, team)
            self._pass_on()
        elif source := self._greet(start):
            self._route(self._later(4), source, team)
            self._pass_on()
        self._end(team)

    def _return(self, start: int, team: str) -> None:
        """Let a contact that has an assignee come back: mostly nothing is assigned."""
        self.latest = start
        if self.rng.random() < 0.3:
            self._route(start, "workflow", team)
            self._pass_on()

    def _greet(self, start: int) -> str | None:
        """Assign a new contact to a bot; return the source that hands it over, or None if none does."""
        if not self._is_of_last(_AI_AGENT_DAYS, start) or self.rng.random() < 0.35:
            self._assign(start, "workflow", BOT)
            return "bot"
        self._assign(start, "workflow", AI_AGENT)
        if self.rng.random() < 0.7:
            return "ai_agent"
        self._assign(self._later(15), "ai_agent", None)
        return None

    def _route(self, at: int, source: str, team: str) -> None:
        """Assign the contact to an agent of *team*; at night, as soon as the first shift begins."""
        day, hour = at // DAY, at % DAY // HOUR
        if not OPENING_HOUR <= hour < CLOSING_HOUR:
            day += hour >= CLOSING_HOUR
            at = day * DAY + OPENING_HOUR * HOUR + int(self.rng.random() * 25 * MINUTE)
        self._assign(at, source, self._choose(at, team))

    def _pass_on(self) -> None:
        """Hand the contact over, as often as its assignees do so."""
        rng = self.rng
        while self.owner is not None and self.owner < BOT:
            owner = self.owner
            if rng.random() >= _PASSING_ON.get(owner, _USUAL_PASSING_ON):
                return
            at = self._within_shift(owner, self._later(3 if owner == PASSES_ON else 90))
            colleague = self._find_colleague(owner, at)
            if colleague is None or at <= self.latest:
                return
            by_lead = rng.random() < 0.1 and self._is_on_duty(TEAM_LEAD, at)
            self._assign(at, "user", colleague, TEAM_LEAD if by_lead else owner)

    def _find_colleague(self, owner: int, at: int) -> int | None:
        """Return an agent on duty to whom *owner* hands over; None if nobody else is there."""
        rng = self.rng
        teams = ON_DUTY[self._weekday(at // DAY)][at % DAY // HOUR]
        if (partner := PARTNER.get(owner)) in teams[SUPPORT] and rng.random() < 0.6:
            return partner
        team = ASSIGNEES[owner].team if rng.random() < 0.5 else rng.choice(TEAMS)
        not_to = {owner, self.previous if rng.random() < 0.85 else None}
        others = [number for number in teams[team] if number not in not_to]
        others = others or [number for number in chain(*teams.values()) if number not in not_to]
        return rng.choice(others) if others else None

    def _end(self, team: str) -> None:
        """Unassign the contact, or leave it with its assignee."""
        chance, owner = self.rng.random(), self.owner
        if owner is None or chance > 0.73:
            return
        if chance < 0.4:
            self._assign(self._later(180), "close_conversation", None)
        elif chance < 0.64:
            self._assign(self._later(60) + DAY, "workflow", None)  # nobody has written for a day
        elif self._is_on_duty(owner, at := self._within_shift(owner, self._later(30))) and at > self.latest:
            self._assign(at, "user", None, owner)
            self._route(self._later(45), "workflow", team)

    def _assign(self, at: int, source: str, assignee: int | None, assigned_by: int | None = None) -> None:
        """Add a step after the contact's latest one, unless the last day is over by then."""
        self.latest = max(at, self.latest + 1)
        if self.latest < self.days * DAY:
            self.previous, self.owner = self.owner, assignee
            self.steps.append(
                Step(
                    self.latest, self.contact, self.conversation, self.previous, assignee, source, assigned_by
                )
            )

    def _later(self, minutes: float) -> int:
        """Return an instant after the latest step, *minutes* later on average."""
        return self.latest + 5_000 + int(self.rng.expovariate(1 / minutes) * MINUTE)

    def _within_shift(self, owner: int, at: int) -> int:
        """Return *at*, or one of the last minutes of the shift in which *owner* was assigned."""
        shift_end = self.latest // DAY * DAY + ASSIGNEES[owner].last_hour * HOUR
        return at if at < shift_end else shift_end - 1 - int(self.rng.random() * 15 * MINUTE)

    def _is_on_duty(self, owner: int, at: int) -> bool:
        return ASSIGNEES[owner].is_on_duty(self._weekday(at // DAY), at % DAY // HOUR)

    def _choose(self, at: int, team: str) -> int:
        agents = ON_DUTY[self._weekday(at // DAY)][at % DAY // HOUR][team]
        return agents[int(self.rng.random() * len(agents))]

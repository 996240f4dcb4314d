"""An incident: one cause of trouble from its first sign to its end, and when the operator hears of it. Pure.

`alerts.py` stores incidents; `deliver/operator_alerts.py` mails them.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

_PAUSES = tuple(timedelta(minutes=minutes) for minutes in (5, 10, 20, 40, 60))
_FOLLOWED_FOR = timedelta(days=7)


class Severity(StrEnum):
    """How bad an incident is: something failed, or something should be looked at."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Observation:
    """What is seen of an incident at one moment.

    `key` names the workspace and what failed, such as `acme/load`; it is the same for every failure. `kind`
    is the kind of error. `occurrence` tells one failure from the next, such as a run's ID. `reports` are the
    names of the reports that it endangers. A success of all `assets` ends the incident.
    """

    key: str
    kind: str
    title: str
    text: str
    severity: Severity = Severity.ERROR
    occurrence: str = ""
    next_step: str = ""
    remedy: str = ""
    run: str = ""
    assets: tuple[str, ...] = ()
    reports: tuple[str, ...] = ()

    @property
    def workspace(self) -> str:
        """Return the slug of its workspace; empty if it concerns the whole deployment."""
        return self.key.partition("/")[0]


@dataclass(frozen=True, slots=True)
class Incident:
    """An incident as it was last seen, and what the operator was told.

    `count` is the number of occurrences, `at_risk` says when the reports at risk are due. From `due_at` on, a
    mail about it is due; None where there is nothing new to tell. `revision` counts the changes.
    """

    seen: Observation
    since: datetime
    last_at: datetime
    count: int = 1
    at_risk: tuple[str, ...] = ()
    ended_at: datetime | None = None
    ending: str = ""
    mails: int = 0
    mailed_at: datetime | None = None
    due_at: datetime | None = None
    revision: int = 1

    @property
    def is_open(self) -> bool:
        """Tell whether it has not ended."""
        return self.ended_at is None

    @property
    def times(self) -> str:
        """Return how often it was seen, such as "2 failures"."""
        noun = "failure" if self.seen.severity is Severity.ERROR else "warning"
        return f"{self.count:,} {noun}{'' if self.count == 1 else 's'}"


def pause_after(mails: int) -> timedelta:
    """Return the least pause after the mail of that number: 5, 10, 20, 40 minutes, then an hour."""
    return _PAUSES[min(mails, len(_PAUSES)) - 1] if mails else timedelta(0)


def after_observation(incident: Incident | None, seen: Observation, now: datetime) -> Incident:
    """Return the incident after it was *seen*; itself if nothing about it has changed.

    A first sign and another kind of error are mailed at once, another occurrence after the pause; a text
    changes silently. An incident whose end was not mailed yet continues.
    """
    if incident is None or not (incident.is_open or incident.due_at):
        revision = incident.revision + 1 if incident else 1
        return Incident(seen, since=now, last_at=now, due_at=now, revision=revision)
    seen = replace(seen, title=incident.seen.title)  # it is the subject of the thread
    if incident.is_open and seen == incident.seen:
        return incident
    is_repeated = not incident.is_open or seen.occurrence != incident.seen.occurrence
    due_at = _after_pause(incident, now) if is_repeated else incident.due_at
    if seen.kind != incident.seen.kind:
        due_at = now
    return replace(
        incident,
        seen=seen,
        last_at=now if is_repeated else incident.last_at,
        count=incident.count + is_repeated,
        ended_at=None,
        ending="",
        due_at=due_at,
        revision=incident.revision + 1,
    )


def after_risk(incident: Incident, at_risk: tuple[str, ...], now: datetime) -> Incident:
    """Return the incident after other reports are *at_risk*, which is mailed after the pause."""
    if at_risk == incident.at_risk or not incident.is_open:
        return incident
    due_at = _after_pause(incident, now)
    return replace(incident, at_risk=at_risk, due_at=due_at, revision=incident.revision + 1)


def _after_pause(incident: Incident, now: datetime) -> datetime:
    """Return when the next mail is due: as it was, or after the pause since the last one."""
    return incident.due_at or max(now, (incident.mailed_at or now) + pause_after(incident.mails))


def after_end(incident: Incident, ending: str, now: datetime) -> Incident:
    """Return the incident after its end, which is mailed at once; itself if it had ended before."""
    if not incident.is_open:
        return incident
    return replace(incident, ended_at=now, ending=ending, due_at=now, revision=incident.revision + 1)


def after_mail(incident: Incident, mailed_revision: int, now: datetime) -> Incident:
    """Return the incident after a mail about *mailed_revision*; what has changed since is still due."""
    mails, due_at = incident.mails + 1, None
    if incident.revision != mailed_revision:
        due_at = now + pause_after(mails) if incident.is_open else now
    return replace(incident, mails=mails, mailed_at=now, due_at=due_at, revision=incident.revision + 1)


def after_refused_login(incident: Incident, now: datetime) -> Incident:
    """Return the incident after the mail server refused the login: its mail waits as long as it has so far.

    From 5 minutes to an hour: servers lock accounts after a few attempts.
    """
    pause = min(max(_PAUSES[0], now - (incident.mailed_at or incident.since)), _PAUSES[-1])
    return replace(incident, due_at=now + pause, revision=incident.revision + 1)


def after_silence(incident: Incident, now: datetime) -> Incident:
    """Return the incident, ended without a mail if nothing was seen of it for a week."""
    if not incident.is_open or incident.due_at or now - incident.last_at <= _FOLLOWED_FOR:
        return incident
    return replace(incident, ended_at=now, ending="not seen for a week", revision=incident.revision + 1)

"""One delivery, one version of a report for one recipient, and what becomes of it. Pure.

Its states: docs/delivering.md. Rows are kept in `ledger.py`.
"""

import hashlib
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

from assets.deliver.outcome import AttemptResult, Outcome
from assets.errors import ConfigError

_PAUSES = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 30, 60))
_HELD_PAUSE = timedelta(minutes=5)
_RESEND_PAUSE = timedelta(minutes=15)
_JITTER = 0.2
_RETRIED_FOR = timedelta(hours=24)


class DecisionRefused(ConfigError):
    """What a person wants of a delivery cannot be, as it is."""

    exit_code = 2


class State(StrEnum):
    """How far a delivery is; `sending` and the states before it are open, the rest are ends."""

    PLANNED = "planned"
    SENDING = "sending"
    DEFERRED = "deferred"
    HELD = "held"
    UNKNOWN = "unknown"
    ACCEPTED = "accepted"
    FAILED = "failed"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


WAITING = (State.PLANNED, State.DEFERRED, State.HELD)


class Kind(StrEnum):
    """What is sent: a report, or what changed in one that was sent before."""

    REPORT = "report"
    CORRECTION = "correction"


class Phase(StrEnum):
    """How far an attempt is: once it is committed, the recipient may have it."""

    STARTED = "started"
    COMMITTED = "committed"


@dataclass(frozen=True, slots=True)
class Delivery:
    """A row of the ledger; its first six fields are its key.

    `content` is the SHA-256 of the bytes to send, `content_without_files` of those for a server that
    takes no more; `unconfirmed_attempts` counts the attempts of which nobody knows whether they arrived.
    """

    workspace: str
    subscription: str
    report: str
    report_date: date
    version: int
    recipient: str
    kind: Kind
    subject: str
    state: State
    reason: str
    planned_at: datetime
    expires_at: datetime
    changed_at: datetime
    next_at: datetime | None = None
    content: str | None = None
    content_without_files: str | None = None
    phase: Phase | None = None
    attempts: int = 0
    unconfirmed_attempts: int = 0

    @property
    def is_mail(self) -> bool:
        """Tell whether it goes to a mailbox; a channel's name is no address."""
        return "@" in self.recipient and "://" not in self.recipient

    @property
    def id(self) -> str:
        """The key as 32 hexadecimal digits; the Message-ID is made of it."""
        issue = (self.workspace, self.subscription, self.report, str(self.report_date))
        key = "\0".join((*issue, str(self.version), self.recipient.lower()))
        return hashlib.sha256(key.encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Transition:
    """What becomes of a delivery after an attempt."""

    state: State
    reason: str
    next_at: datetime | None
    is_spent: bool = True
    is_unconfirmed: bool = False


def transition_after(
    delivery: Delivery, answer: AttemptResult, now: datetime, *, may_resend: bool
) -> Transition:
    """Return what becomes of *delivery*, whose attempt ended with *answer*.

    A copy is sent at most once: a second doubt waits for a person. A copy that is refused does not
    tell what became of the first.
    """
    reason = f"{answer.step}: {answer.text}"
    match answer.outcome:
        case Outcome.ACCEPTED:
            return Transition(State.ACCEPTED, reason, None)
        case Outcome.FAILED:
            return Transition(State.UNKNOWN if delivery.unconfirmed_attempts else State.FAILED, reason, None)
        case Outcome.HELD:
            return Transition(State.HELD, reason, now + _HELD_PAUSE, is_spent=False)
        case Outcome.DEFERRED:
            return Transition(State.DEFERRED, reason, now + retry_pause(delivery))
        case Outcome.UNKNOWN:
            again = now + _RESEND_PAUSE if may_resend and delivery.unconfirmed_attempts == 0 else None
            return Transition(State.UNKNOWN, reason, again, is_unconfirmed=True)


def hold_transition(text: str, now: datetime) -> Transition:
    """Return what becomes of a delivery while the server takes none at all."""
    return Transition(State.HELD, text, now + _HELD_PAUSE, is_spent=False)


def retry_pause(delivery: Delivery) -> timedelta:
    """Return the time to the next attempt: 1, 5, 15, 30 minutes, then hourly, a fifth more or less.

    *delivery* counts the attempt that just ended. Different deliveries do not come back together.
    """
    plain = _PAUSES[min(delivery.attempts, len(_PAUSES)) - 1]
    seed = hashlib.sha256(f"{delivery.id}/{delivery.attempts}".encode()).digest()
    return plain * (1 - _JITTER + 2 * _JITTER * seed[0] / 255)


def retry_changes(delivery: Delivery, now: datetime) -> dict[str, Any]:
    """Return what changes where a person lets *delivery* be sent now. Raises DecisionRefused."""
    if delivery.content is None:
        raise DecisionRefused(f"nothing was written for {delivery.id}: {delivery.reason}")
    _require_other_state(delivery, State.SENDING, State.ACCEPTED)
    return {
        "state": State.PLANNED,
        "reason": f"tried again by hand after: {delivery.state}, {delivery.reason}",
        "next_at": now,
        "expires_at": max(delivery.expires_at, now + _RETRIED_FOR),
    }


def resolution_changes(delivery: Delivery, *, arrived: bool) -> dict[str, Any]:
    """Return what changes where a person knows whether *delivery* arrived. Raises DecisionRefused."""
    _require_other_state(delivery, *(each for each in State if each is not State.UNKNOWN))
    said = "arrived" if arrived else "did not arrive"
    return {
        "state": State.ACCEPTED if arrived else State.FAILED,
        "reason": f"it {said}, a person says, after: {delivery.reason}",
    }


def cancellation_changes(delivery: Delivery) -> dict[str, Any]:
    """Return what changes where a person does not want *delivery* sent. Raises DecisionRefused."""
    _require_other_state(delivery, *(each for each in State if each not in {*WAITING, State.UNKNOWN}))
    return {"state": State.CANCELLED, "reason": f"cancelled by hand after: {delivery.reason or 'planned'}"}


def _require_other_state(delivery: Delivery, *states: State) -> None:
    if delivery.state in states:
        raise DecisionRefused(
            f"delivery {delivery.id} is {delivery.state}: {delivery.reason or 'not tried yet'}"
        )

"""A delivery (one version of a report for one recipient), its states and its transitions. Pure.

The states are described in docs/reference/delivery.md. `ledger.py` stores deliveries.
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
    """The state of a delivery does not allow what a person asked for."""

    exit_code = 2


class State(StrEnum):
    """The state of a delivery; up to UNKNOWN it may still be sent, after that only by hand."""

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
ARRIVED = (State.ACCEPTED, State.UNKNOWN)


class Kind(StrEnum):
    """What a delivery sends: a report, the changes since a version that was sent, an alert or its end."""

    REPORT = "report"
    CORRECTION = "correction"
    ALERT = "alert"
    ALL_CLEAR = "all_clear"


class Phase(StrEnum):
    """The phase of an attempt; from COMMITTED on, the recipient may have the delivery."""

    STARTED = "started"
    COMMITTED = "committed"


@dataclass(frozen=True, slots=True)
class Delivery:
    """A row of the ledger; its first six fields are its key.

    `content` is the SHA-256 of the bytes to send, `content_without_files` that of the bytes for a server
    with a smaller limit; `unconfirmed_attempts` counts the attempts that may or may not have arrived.
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
        """Tell whether the recipient is a mail address rather than a channel."""
        return "@" in self.recipient and "://" not in self.recipient

    @property
    def id(self) -> str:
        """Return a hash of the key, 32 hexadecimal digits; the Message-ID contains it."""
        issue = (self.workspace, self.subscription, self.report, str(self.report_date))
        key = "\0".join((*issue, str(self.version), self.recipient.lower()))
        return hashlib.sha256(key.encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Transition:
    """The next state of a delivery after an attempt.

    `is_spent` tells whether the attempt counts, `is_unconfirmed` whether it may have arrived.
    """

    state: State
    reason: str
    next_at: datetime | None
    is_spent: bool = True
    is_unconfirmed: bool = False


def transition_after(
    delivery: Delivery, result: AttemptResult, now: datetime, *, may_resend: bool
) -> Transition:
    """Return the transition of *delivery* after an attempt that ended with *result*.

    At most one copy is sent: after a second unconfirmed attempt a person decides. A refused copy does not
    tell whether the first one arrived.
    """
    reason = f"{result.step}: {result.text}"
    match result.outcome:
        case Outcome.ACCEPTED:
            return Transition(State.ACCEPTED, reason, None)
        case Outcome.FAILED:
            return Transition(State.UNKNOWN if delivery.unconfirmed_attempts else State.FAILED, reason, None)
        case Outcome.HELD:
            return Transition(State.HELD, reason, now + _HELD_PAUSE, is_spent=False)
        case Outcome.DEFERRED:
            return Transition(State.DEFERRED, reason, now + retry_pause(delivery))
        case Outcome.UNKNOWN:
            next_at = now + _RESEND_PAUSE if may_resend and delivery.unconfirmed_attempts == 0 else None
            return Transition(State.UNKNOWN, reason, next_at, is_unconfirmed=True)


def hold_transition(text: str, now: datetime, waited: timedelta = timedelta(0)) -> Transition:
    """Return the transition of a delivery while the server accepts none at all.

    It waits as long as it has *waited* so far, from 5 minutes to an hour: the pauses grow.
    """
    pause = min(max(_HELD_PAUSE, waited), _PAUSES[-1])
    return Transition(State.HELD, text, now + pause, is_spent=False)


def retry_pause(delivery: Delivery) -> timedelta:
    """Return the pause before the next attempt: 1, 5, 15, 30 minutes, then an hour, with 20 % jitter.

    `delivery.attempts` includes the attempt that just ended. The jitter keeps deliveries from retrying
    together.
    """
    pause = _PAUSES[min(delivery.attempts, len(_PAUSES)) - 1]
    seed = hashlib.sha256(f"{delivery.id}/{delivery.attempts}".encode()).digest()
    return pause * (1 - _JITTER + 2 * _JITTER * seed[0] / 255)


def retry_changes(delivery: Delivery, now: datetime) -> dict[str, Any]:
    """Return the changed columns when a person retries *delivery* now. Raises DecisionRefused."""
    if delivery.content is None:
        raise DecisionRefused(f"delivery {delivery.id} has no content to send: {delivery.reason}")
    _require_other_state(delivery, State.SENDING, State.ACCEPTED)
    return {
        "state": State.PLANNED,
        "reason": f"retried by hand after: {delivery.state}, {delivery.reason}",
        "next_at": now,
        "expires_at": max(delivery.expires_at, now + _RETRIED_FOR),
    }


def resolution_changes(delivery: Delivery, *, arrived: bool) -> dict[str, Any]:
    """Return the changed columns when a person knows whether *delivery* arrived. Raises DecisionRefused."""
    _require_other_state(delivery, *(state for state in State if state is not State.UNKNOWN))
    outcome = "arrived" if arrived else "did not arrive"
    return {
        "state": State.ACCEPTED if arrived else State.FAILED,
        "reason": f"{outcome}, as resolved by hand, after: {delivery.reason}",
    }


def cancellation_changes(delivery: Delivery) -> dict[str, Any]:
    """Return the changed columns when a person cancels *delivery*. Raises DecisionRefused."""
    _require_other_state(delivery, *(state for state in State if state not in {*WAITING, State.UNKNOWN}))
    return {"state": State.CANCELLED, "reason": f"canceled by hand after: {delivery.reason or 'planned'}"}


def _require_other_state(delivery: Delivery, *states: State) -> None:
    if delivery.state in states:
        raise DecisionRefused(
            f"delivery {delivery.id} is {delivery.state}: {delivery.reason or 'no attempt yet'}"
        )

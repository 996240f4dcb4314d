"""How one attempt at a delivery ended: the step, the outcome, and what the other side answered. Pure."""

from dataclasses import dataclass
from enum import StrEnum


class Step(StrEnum):
    """The steps of one mail, in order."""

    MAIL = "MAIL"
    RECIPIENT = "RCPT"
    DATA = "DATA"
    BODY = "body"
    DOT = "dot"


class Outcome(StrEnum):
    """What became of one attempt."""

    ACCEPTED = "accepted"
    DEFERRED = "deferred"
    FAILED = "failed"
    HELD = "held"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class AttemptResult:
    """What became of one mail, at which step, and what the server said."""

    outcome: Outcome
    step: Step
    text: str

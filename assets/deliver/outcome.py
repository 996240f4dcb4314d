"""The result of one attempt at a delivery: step, outcome, and the server's answer. Pure."""

from dataclasses import dataclass
from enum import StrEnum


class Step(StrEnum):
    """The steps of an attempt, in order; the words are SMTP's."""

    MAIL = "MAIL"
    RECIPIENT = "RCPT"
    DATA = "DATA"
    BODY = "body"
    DOT = "dot"


class Outcome(StrEnum):
    """The outcome of one attempt."""

    ACCEPTED = "accepted"
    DEFERRED = "deferred"
    FAILED = "failed"
    HELD = "held"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class AttemptResult:
    """The outcome of one attempt, the step at which it ended, and the server's answer.

    `is_too_large` tells that the server refuses this content for its size, and might accept a smaller one.
    """

    outcome: Outcome
    step: Step
    text: str
    is_too_large: bool = False

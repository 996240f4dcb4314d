"""When an alert is sent: once while its conditions stay met, and again when another one is met. Pure.

Whether conditions are met is decided in `report/conditions.py`; `alerting.py` applies this rule to the
recipients of an issue.
"""

from dataclasses import dataclass
from datetime import date

from assets.config.subscription import Subscription
from assets.deliver.delivery import Kind

NOT_MET = "the conditions of `when` are not met"
NOT_EVALUABLE = "the conditions of `when` cannot be evaluated; `deliveries evaluations` says why"
STAYS_MET = "the conditions of `when` stay met, and the recipient was alerted before"
HELD_BACK = frozenset({NOT_MET, NOT_EVALUABLE, STAYS_MET})
"""The reasons of this rule for sending nothing; a later version may be sent all the same."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a condition, or all together, are met on a report date; None if that cannot be told.

    `since` is the report date since which that holds without a break; if it is not met any more, since which
    it had been.
    """

    is_met: bool | None
    since: date | None


def next_verdict(before: Verdict | None, report_date: date, *, is_met: bool | None) -> Verdict:
    """Return the verdict on *report_date*, after *before*, the last one that could be told, if any."""
    lasting = before.since if before and before.is_met else None
    return Verdict(is_met, lasting or (report_date if is_met else None))


@dataclass(frozen=True, slots=True)
class Verdicts:
    """The verdict on the conditions `together`, as `match` asks, and on each of them."""

    together: Verdict
    each: tuple[Verdict, ...]

    @property
    def told_since(self) -> date | None:
        """Return the first report date of which a recipient knows all that is met, or that it had been met.

        It is when the latest of the conditions that are met began to be.
        """
        begun = [verdict.since for verdict in self.each if verdict.is_met and verdict.since]
        return max(begun) if self.together.is_met and begun else self.together.since

    def choose(self, subscription: Subscription, *, is_told: bool) -> tuple[Kind | None, str]:
        """Return what a recipient is sent, or None and why nothing.

        *is_told* tells whether the recipient has been sent an alert of a report date from `told_since` on.
        """
        match self.together.is_met:
            case None:
                return None, NOT_EVALUABLE
            case False if subscription.all_clear and is_told:
                return Kind.ALL_CLEAR, ""
            case False:
                return None, NOT_MET
            case True if is_told and not subscription.repeat:
                return None, STAYS_MET
        return (Kind.ALERT if subscription.alert else Kind.REPORT), ""

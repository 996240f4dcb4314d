"""One condition of a subscription, evaluated for one version of a report: a row of the ledger. Pure."""

from dataclasses import dataclass
from datetime import date, datetime

from assets.deliver.alert_rule import Verdict

OUTCOMES = {True: "met", False: "not_met", None: "not_evaluable"}
_IS_MET = {outcome: is_met for is_met, outcome in OUTCOMES.items()}


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A condition, its value and what followed.

    `outcome` is that of the condition, `result` that of all conditions together; both are met, not_met or
    not_evaluable, and have the report date since which they are met. `sent` is what was planned to be sent:
    alert, all_clear, report or correction.
    """

    workspace: str
    subscription: str
    report: str
    report_date: date
    version: int
    evaluated_at: datetime
    position: int
    condition: str
    value: float | None
    count: int | None
    outcome: str
    reason: str
    since: date | None
    result: str
    result_since: date | None
    sent: str
    why_not: str

    @property
    def verdict(self) -> Verdict:
        """Return the recorded verdict on the condition."""
        return Verdict(_IS_MET[self.outcome], self.since)

    @property
    def verdict_together(self) -> Verdict:
        """Return the recorded verdict on all conditions together."""
        return Verdict(_IS_MET[self.result], self.result_since)

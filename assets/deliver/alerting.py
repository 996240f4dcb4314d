"""Evaluate a subscription's conditions for one version of a report, and say what each recipient is sent.

The rule is in `alert_rule.py`; evaluations are stored by `ledger.py`, with the deliveries.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from assets.archive.version import Key
from assets.config.subscription import Subscription
from assets.deliver.alert_rule import Verdict, Verdicts, next_verdict
from assets.deliver.delivery import ARRIVED, WAITING, Delivery, Kind, State
from assets.deliver.due_deliveries import Issue
from assets.deliver.evaluation import OUTCOMES, Evaluation
from assets.deliver.ledger import Ledger
from assets.render.alerts import AlertNotice
from assets.report.conditions import assess_alert
from assets.report.model import AlertResult, ConditionResult, Report, Unknown

_REASONS = {
    Unknown.NO_DATA: "the report has no data",
    Unknown.NOT_IN_REPORT: "the report lacks it: its component is off, or a filter excludes it",
    Unknown.NOTHING_TO_DIVIDE: "there is nothing to divide by",
    Unknown.TOO_FEW: "it rests on too few",
    Unknown.NO_PREVIOUS: "the previous value is not known, or 0",
}


@dataclass(frozen=True, slots=True)
class Evaluated:
    """The result of the conditions, the verdicts, and the addresses of those who know what is met."""

    subscription: Subscription
    result: AlertResult
    verdicts: Verdicts
    told: frozenset[str]

    def choose(self, address: str) -> tuple[Kind | None, str]:
        """Return what the recipient with *address* is sent, or None and why nothing."""
        return self.verdicts.choose(self.subscription, is_told=address.lower() in self.told)

    def notice(self) -> AlertNotice | None:
        """Return the alert or the all-clear to send; None if the report is sent as usual."""
        is_met = self.verdicts.together.is_met
        if not self.subscription.alert or is_met is None:
            return None
        since = tuple(verdict.since for verdict in self.verdicts.each)
        return AlertNotice(self.result, since, is_all_clear=not is_met)

    def rows(self, planned: Sequence[Delivery]) -> Iterator[Evaluation]:
        """Yield a row for each condition, with what the deliveries *planned* send."""
        first, together = planned[0], self.verdicts.together
        sent = next((str(row.kind) for row in planned if row.state is State.PLANNED), "")
        for position, (result, verdict) in enumerate(
            zip(self.result.conditions, self.verdicts.each, strict=True)
        ):
            yield Evaluation(
                workspace=first.workspace,
                subscription=first.subscription,
                report=first.report,
                report_date=first.report_date,
                version=first.version,
                evaluated_at=first.planned_at,
                position=position,
                condition=str(result.condition),
                value=result.value,
                count=result.count,
                outcome=OUTCOMES[result.is_met],
                reason=_reason_of(result),
                since=verdict.since,
                result=OUTCOMES[together.is_met],
                result_since=together.since,
                sent=sent,
                why_not="" if sent else first.reason,
            )


def _reason_of(result: ConditionResult) -> str:
    """Return why a condition is not evaluable, with the number that is too small."""
    if result.reason is None:
        return ""
    count = f": {result.count}" if result.reason is Unknown.TOO_FEW else ""
    return f"{_REASONS[result.reason]}{count}"


def evaluate(ledger: Ledger, issue: Issue, report: Report, version: int) -> Evaluated:
    """Evaluate the conditions of an *issue* on its *report*, after those of earlier report dates.

    A running day has several versions: those before *version* count as earlier ones.
    """
    subscription, key = issue.subscription, Key(report.workspace, report.name, issue.report_date)
    result = assess_alert(subscription, report)
    earlier = version if issue.spec.includes_running_day else 0
    verdicts = _judge(ledger.evaluations_before(subscription.name, key, earlier), result, key.report_date)
    since, rows = verdicts.told_since, []
    if since:
        rows = ledger.of_subscription(key.workspace, subscription.name, since, key.report_date)
    told = (
        row.recipient.lower()
        for row in rows
        if row.report == key.report
        and row.kind is not Kind.ALL_CLEAR
        and (row.report_date, row.version) < (key.report_date, earlier)
        and (row.state in ARRIVED or (row.state in WAITING and row.report_date < key.report_date))
    )
    return Evaluated(subscription, result, verdicts, frozenset(told))


def _judge(history: Sequence[Evaluation], result: AlertResult, report_date: date) -> Verdicts:
    """Return the verdicts on *report_date*; *history* has earlier evaluations, the latest first."""
    together = (row.verdict_together for row in history if row.verdict_together.is_met is not None)
    known: dict[str, Verdict] = {}
    for row in history:
        if row.verdict.is_met is not None:
            known.setdefault(row.condition, row.verdict)
    return Verdicts(
        next_verdict(next(together, None), report_date, is_met=result.is_met),
        tuple(
            next_verdict(known.get(str(each.condition)), report_date, is_met=each.is_met)
            for each in result.conditions
        ),
    )

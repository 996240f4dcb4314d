"""The delivery sensor: requests a run for each subscription with work to do and alerts the operator.

What a run does is in `assets/deliver/dispatcher.py`; one run too many does no harm.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import dagster as dg

from assets.config.deployment import Config
from assets.config.workspace import Workspace
from assets.deliver.defs import SEND_TAG
from assets.deliver.dispatcher import Dispatcher
from assets.deliver.undelivered import observe_deliveries
from assets.state.alerts import AlertLog
from orchestration.automation.alerts import send_and_log
from orchestration.automation.planner import next_attempt
from orchestration.automation.runs import ActiveRun, active_runs, due_tags, ends_of

_PAUSE = timedelta(minutes=5)


def delivery_sensor(dispatcher: Dispatcher, status: dg.DefaultSensorStatus) -> dg.SensorDefinition:
    """Return the sensor that requests a run for each subscription and report date with work to do."""

    @dg.sensor(
        name="deliveries",
        asset_selection=dg.AssetSelection.all(),
        minimum_interval_seconds=30,
        default_status=status,
        description="Sends due and deferred deliveries; notifies the operator of failed ones.",
    )
    def sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        now = dispatcher.clock()
        active = active_runs(context.instance)
        requests = [
            request
            for pending_round in wanted_rounds(dispatcher, now)
            for request in _request_run(dispatcher.config, context.instance, active, pending_round, now)
        ]
        observe_deliveries(AlertLog(dispatcher.config.state), dispatcher.ledger, now)
        send_and_log(context.log, dispatcher.config, now)
        return dg.SensorResult(
            run_requests=requests,
            skip_reason=None if requests else dg.SkipReason("nothing to send"),
        )

    return sensor


@dataclass(frozen=True, slots=True)
class PendingRound:
    """A dispatch round to run; `is_ready` if a delivery is to be sent, expired or recovered."""

    workspace: Workspace
    subscription: str
    report_date: date
    is_ready: bool

    @property
    def asset(self) -> str:
        """Return the key of the delivery asset."""
        return f"{self.workspace.slug}/delivery/{self.subscription}"

    @property
    def due(self) -> str:
        """Return the value of the run's due tag."""
        return f"{self.asset}/{self.report_date}"


def wanted_rounds(dispatcher: Dispatcher, now: datetime) -> Iterator[PendingRound]:
    """Yield the subscriptions and report dates with deliveries to plan, send, expire or recover."""
    dates_to_attend = dispatcher.ledger.to_attend(now)
    for workspace in dispatcher.config.workspaces:
        for subscription in workspace.subscriptions:
            key = (workspace.slug, subscription.name)
            ready = {day for *owner, day in dates_to_attend if tuple(owner) == key}
            for day in sorted(ready | dispatcher.dates_to_attend(workspace, subscription)):
                yield PendingRound(workspace, subscription.name, day, day in ready)


def _request_run(
    config: Config,
    instance: dg.DagsterInstance,
    active: list[ActiveRun],
    pending_round: PendingRound,
    now: datetime,
) -> Iterator[dg.RunRequest]:
    """Yield a run for *pending_round*, unless one is active, or a pause after the last one is not over."""
    day = str(pending_round.report_date)
    if any(pending_round.asset in run.assets and run.first_key <= day <= run.last_key for run in active):
        return
    ended, failed = ends_of(instance, pending_round.due)
    pauses = [
        next_attempt(failed) or now,
        *(ended_at + _PAUSE for ended_at in ended if not pending_round.is_ready),
    ]
    if now >= max(pauses):
        yield dg.RunRequest(
            run_key=f"{pending_round.due}/{now:%Y-%m-%dT%H:%M:%S}",
            partition_key=day,
            asset_selection=[dg.AssetKey.from_user_string(pending_round.asset)],
            tags=due_tags(config, pending_round.workspace.slug, pending_round.due) | {SEND_TAG: "due"},
        )

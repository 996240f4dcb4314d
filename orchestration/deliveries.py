"""What sees to deliveries: one sensor starts rounds for what came due or waits, and tells of troubles.

What a round does is in `assets/deliver/post.py`; it can be started too often, never too rarely.
"""

from collections import defaultdict
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from itertools import groupby

import dagster as dg

from assets.config import Workspace
from assets.deliver.defs import SEND_TAG
from assets.deliver.delivery import Delivery, State
from assets.deliver.operator import OperatorNotTold, tell_operator
from assets.deliver.post import Post
from orchestration.planner import next_attempt
from orchestration.runs import DUE_TAG, WORKSPACE_TAG, UnderWay, failures_of, runs_under_way

_TOLD_DAYS = timedelta(days=3)
_NEXT = {
    State.FAILED: "It is not tried again by itself",
    State.EXPIRED: "It is not sent any more",
    State.UNKNOWN: "Nobody knows whether it arrived",
}


def delivery_sensor(post: Post, status: dg.DefaultSensorStatus) -> dg.SensorDefinition:
    """Return the sensor that starts a round for each workspace and report date that wants one."""

    @dg.sensor(
        name="deliveries",
        asset_selection=dg.AssetSelection.all(),
        minimum_interval_seconds=30,
        default_status=status,
        description="Sends what came due or was deferred; tells the operator what did not arrive.",
    )
    def sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        now = post.clock()
        under_way = runs_under_way(context.instance)
        requests = [
            request
            for workspace, day, names in wanted_rounds(post, now)
            for request in _requested(context.instance, under_way, workspace, day, names, now)
        ]
        try:
            for text in tell_operator(post.config, post.catalogue, troubles(post, now), now).values():
                context.log.warning(text)
        except OperatorNotTold as error:
            context.log.error(str(error))  # noqa: TRY400 - it says all
        return dg.SensorResult(
            run_requests=requests,
            skip_reason=None if requests else dg.SkipReason("nothing is to be sent now"),
        )

    return sensor


def wanted_rounds(post: Post, now: datetime) -> Iterator[tuple[Workspace, date, list[str]]]:
    """Yield workspaces and report dates with something to prepare, to send or to end, and for whom."""
    waiting = post.ledger.to_attend(now)
    for workspace in post.config.workspaces:
        wanted: dict[date, list[str]] = defaultdict(list)
        for subscription in workspace.subscriptions:
            days = post.dates_to_attend(workspace, subscription)
            days |= {
                day for slug, name, day in waiting if (slug, name) == (workspace.slug, subscription.name)
            }
            for day in days:
                wanted[day].append(subscription.name)
        for day, names in sorted(wanted.items()):
            yield workspace, day, sorted(names)


def _requested(  # noqa: PLR0913, PLR0917 - what a run is
    instance: dg.DagsterInstance,
    under_way: list[UnderWay],
    workspace: Workspace,
    day: date,
    names: list[str],
    now: datetime,
) -> Iterator[dg.RunRequest]:
    """Yield a run for those of *names* that no run is for; after a failure, after a pause."""
    due = f"{workspace.slug}/delivery/{day}"
    again = next_attempt(failures_of(instance, due))
    busy = {name for run in under_way if run.first_key <= str(day) <= run.last_key for name in run.assets}
    assets = [each for each in (f"{workspace.slug}/delivery/{name}" for name in names) if each not in busy]
    if assets and (again is None or now >= again):
        yield dg.RunRequest(
            run_key=f"{due}/{now:%Y-%m-%dT%H:%M:%S}",
            partition_key=str(day),
            asset_selection=[dg.AssetKey.from_user_string(each) for each in assets],
            tags={DUE_TAG: due, WORKSPACE_TAG: workspace.slug, SEND_TAG: "due", "dagster/priority": "10"},
        )


def troubles(post: Post, now: datetime) -> dict[str, str]:
    """Return what the operator is told of deliveries, by key: each issue and state once."""
    rows = post.ledger.troubles(now - _TOLD_DAYS)
    held = [row for row in rows if row.state is State.HELD]
    told = {}
    if held:
        since = min(row.planned_at for row in held)
        told[f"mail_server/{since:%Y-%m-%d}"] = (
            f"Mails wait since {since:%Y-%m-%d %H:%M} UTC: {held[0].reason}. "
            f"{len(held)} are held; they go out by themselves when the server takes them."
        )
    rest = sorted((row for row in rows if row.state is not State.HELD), key=_issue)
    for issue, group in groupby(rest, key=_issue):
        told[f"delivery/{'/'.join(issue)}"] = _sentence(list(group))
    return told


def _issue(row: Delivery) -> tuple[str, ...]:
    return row.state, row.workspace, row.subscription, row.report, str(row.report_date), str(row.version)


def _sentence(rows: list[Delivery]) -> str:
    first = rows[0]
    reasons = "; ".join(sorted({row.reason for row in rows})[:3])
    return (
        f"{first.workspace}: {len(rows)} of {first.subscription}, {first.report} of {first.report_date}: "
        f"{first.state}. {reasons}. {_NEXT[first.state]}: `assignment-reports deliveries list "
        f"--state {first.state}` names the recipients, `deliveries retry` or `resolve` settles it."
    )

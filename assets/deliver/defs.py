"""Dagster assets of the deliver stage, for one workspace: one per subscription.

Wiring only: which deliveries a run sends, and what the UI shows of them. How they are sent is in
`dispatcher.py`.
"""

from collections import Counter
from datetime import date

import dagster as dg

from assets.config.subscription import Subscription
from assets.config.workspace import Workspace
from assets.deliver.delivery import Delivery, State
from assets.deliver.dispatcher import Dispatcher, DispatchResult
from assets.partitions import days_of, period_of_run
from assets.warehouse.resource import retrying_transient_errors

SEND_TAG = "assignment_reports/send"


_ACCOUNTED_FOR = "deliveries_accounted_for"


_MAX_LINES = 20


def delivery_assets(workspace: Workspace) -> list[dg.AssetsDefinition]:
    """Return an asset for each subscription of *workspace*."""
    return [_delivery_asset(workspace, subscription) for subscription in workspace.subscriptions]


def _delivery_asset(workspace: Workspace, subscription: Subscription) -> dg.AssetsDefinition:
    key = dg.AssetKey([workspace.slug, "delivery", subscription.name])

    @dg.asset(
        key=key,
        group_name=workspace.group,
        tags={"stage": "deliver"},
        deps=[dg.AssetKey([workspace.slug, "report", name]) for name in subscription.reports],
        partitions_def=days_of(workspace),
        backfill_policy=dg.BackfillPolicy.single_run(),
        check_specs=[
            dg.AssetCheckSpec(
                _ACCOUNTED_FOR, asset=key, description="every due delivery arrived, or has a reason"
            )
        ],
        kinds={"email"},
        owners=[workspace.owner],
        description=f"What was sent to {subscription.name}. Only runs with the tag {SEND_TAG} send anything.",
    )
    def delivery(
        context: dg.AssetExecutionContext, dispatcher: dg.ResourceParam[Dispatcher]
    ) -> dg.MaterializeResult:
        period = period_of_run(context, workspace)
        result = DispatchResult()
        with retrying_transient_errors(context):
            match context.run.tags.get(SEND_TAG):
                case "due":
                    result = dispatcher.deliver(workspace, subscription)
                case "by_hand":
                    result = dispatcher.deliver_by_hand(workspace, subscription, period.days)
        rows = dispatcher.ledger.of_subscription(
            workspace.slug, subscription.name, period.first_day, period.last_day
        )
        pending_dates = dispatcher.dates_to_attend(workspace, subscription) & set(period.days)
        return dg.MaterializeResult(
            metadata=_delivery_metadata(rows, result),
            check_results=[_check_accounted_for(rows, pending_dates)],
        )

    return delivery


def _delivery_metadata(rows: list[Delivery], result: DispatchResult) -> dict[str, dg.MetadataValue]:
    records = [
        dg.TableRecord(
            {
                "recipient": row.recipient,
                "state": row.state.value,
                "reason": row.reason,
                "what": f"{row.kind}, {row.report} of {row.report_date} v{row.version}",
                "attempts": row.attempts,
            }
        )
        for row in rows
    ]
    states = Counter(str(row.state) for row in rows)
    return {
        "states": dg.MetadataValue.text(
            ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
        ),
        "notes": dg.MetadataValue.text("\n".join(filter(None, (*result.notes, result.refusal))) or "-"),
        "dagster/partition_row_count": dg.MetadataValue.int(len(rows)),
        **({"deliveries": dg.MetadataValue.table(records)} if records else {}),
    }


def _check_accounted_for(rows: list[Delivery], pending_dates: set[date]) -> dg.AssetCheckResult:
    """Fail if a due issue has no delivery; warn if a delivery did not arrive."""
    undelivered = [row for row in rows if row.state not in {State.ACCEPTED, State.CANCELLED}]
    problems = [
        f"{row.report} of {row.report_date}: {row.state}, {row.reason or 'not tried yet'}"
        for row in undelivered
    ]
    problems += [f"{day}: was due, but is not recorded" for day in sorted(pending_dates)]
    return dg.AssetCheckResult(
        check_name=_ACCOUNTED_FOR,
        passed=not problems,
        severity=dg.AssetCheckSeverity.ERROR if pending_dates else dg.AssetCheckSeverity.WARN,
        description="\n".join(problems[:_MAX_LINES]) or f"{len(rows):,} deliveries",
    )

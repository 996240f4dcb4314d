"""Dagster assets of the deliver stage, for one workspace.

Wiring only: which deliveries a run sends, and what the UI shows of them.
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


_EXPLAINED = "deliveries_accounted_for"


_MOST_LINES = 20


def delivery_assets(workspace: Workspace) -> list[dg.AssetsDefinition]:
    """Return an asset for each subscription of *workspace*."""
    return [_delivery_asset(workspace, subscription) for subscription in workspace.subscriptions]


def _delivery_asset(workspace: Workspace, subscription: Subscription) -> dg.AssetsDefinition:
    key = dg.AssetKey([workspace.slug, "delivery", subscription.name])

    @dg.asset(
        key=key,
        group_name="delivery",
        deps=[dg.AssetKey([workspace.slug, "report", name]) for name in subscription.reports],
        partitions_def=days_of(workspace),
        backfill_policy=dg.BackfillPolicy.single_run(),
        check_specs=[
            dg.AssetCheckSpec(_EXPLAINED, asset=key, description="what came due arrived, or says why not")
        ],
        kinds={"email"},
        owners=[workspace.owner],
        description=f"What was sent to {subscription.name}. Only runs with the tag {SEND_TAG} send anything.",
    )
    def delivery(
        context: dg.AssetExecutionContext, dispatcher: dg.ResourceParam[Dispatcher]
    ) -> dg.MaterializeResult:
        period = period_of_run(context, workspace)
        done = DispatchResult()
        with retrying_transient_errors(context):
            match context.run.tags.get(SEND_TAG):
                case "due":
                    done = dispatcher.deliver(workspace, subscription)
                case "by_hand":
                    done = dispatcher.deliver_by_hand(workspace, subscription, period.days)
        rows = dispatcher.ledger.of_subscription(
            workspace.slug, subscription.name, period.first_day, period.last_day
        )
        awaited = dispatcher.dates_to_attend(workspace, subscription) & set(period.days)
        return dg.MaterializeResult(
            metadata=_delivery_metadata(rows, done), check_results=[_check_accounted_for(rows, awaited)]
        )

    return delivery


def _delivery_metadata(rows: list[Delivery], done: DispatchResult) -> dict[str, dg.MetadataValue]:
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
        "notes": dg.MetadataValue.text("\n".join(filter(None, (*done.notes, done.refusal))) or "-"),
        "dagster/partition_row_count": dg.MetadataValue.int(len(rows)),
        **({"deliveries": dg.MetadataValue.table(records)} if records else {}),
    }


def _check_accounted_for(rows: list[Delivery], awaited: set[date]) -> dg.AssetCheckResult:
    """Fail where something that came due has no row; warn where something did not arrive."""
    open_ends = [row for row in rows if row.state not in {State.ACCEPTED, State.CANCELLED}]
    texts = [
        f"{row.report} of {row.report_date}: {row.state}, {row.reason or 'not tried yet'}"
        for row in open_ends
    ]
    texts += [f"{day}: came due, and is not written down" for day in sorted(awaited)]
    return dg.AssetCheckResult(
        check_name=_EXPLAINED,
        passed=not texts,
        severity=dg.AssetCheckSeverity.ERROR if awaited else dg.AssetCheckSeverity.WARN,
        description="\n".join(texts[:_MOST_LINES]) or f"{len(rows):,} deliveries",
    )

"""The visible ticks of one workspace: nightly flow, running day, daily reports, monthly report.

A tick launches what is ready and says why the rest waits; the sensor goes on from there.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import time

import dagster as dg

from assets.archive.catalog import Catalogue
from assets.config.deployment import Config
from assets.config.source import RespondIoSource
from assets.config.workspace import Workspace
from assets.periods import DAY, Preset
from orchestration.automation.planner import Due
from orchestration.automation.run_requests import Desk, Plan
from orchestration.automation.runs import WORKSPACE_TAG

ASSET_JOB = "__ASSET_JOB"
NIGHTLY_FLOW, TODAY, DAILY_REPORTS, MONTHLY_REPORT, CONTACT_SNAPSHOT, SOURCE_WATCH = (
    "nightly_flow",
    "today",
    "daily_reports",
    "monthly_report",
    "contact_snapshot",
    "source_watch",
)
_BEFORE_MIDNIGHT = time(23, 30)


def workspace_schedules(
    workspace: Workspace, config: Config, catalogue: Catalogue, status: dg.DefaultScheduleStatus
) -> list[dg.ScheduleDefinition]:
    """Return the schedules of *workspace*, in its zone."""

    def schedule(
        name: str, crons: Iterable[str], plan: Callable[[Desk], Plan], description: str
    ) -> dg.ScheduleDefinition:
        def tick(context: dg.ScheduleEvaluationContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
            desk = Desk.open(
                config, catalogue, context.instance, context.scheduled_execution_time, workspace.slug
            )
            planned = plan(desk)
            yield from planned.requests
            if not planned.requests:
                yield dg.SkipReason("; ".join(planned.reasons) or "nothing is due")

        return dg.ScheduleDefinition(
            name=f"{workspace.slug.replace('-', '_')}_{name}",
            cron_schedule=sorted(set(crons)),
            execution_timezone=workspace.timezone,
            job_name=ASSET_JOB,
            execution_fn=tick,
            description=description,
            default_status=status,
            tags={WORKSPACE_TAG: workspace.slug},
        )

    def reports(is_asked: Callable[[Due], bool]) -> Callable[[Desk], Plan]:
        return lambda desk: desk.plan_reports(
            [due for due in desk.open_reports(workspace) if is_asked(due) and desk.now - due.at < DAY]
        )

    daily = [spec for spec in workspace.all_reports if spec.preset is not Preset.LAST_MONTH]
    if workspace.today_every:
        daily = [spec for spec in daily if not spec.includes_running_day]
    monthly = [spec for spec in workspace.all_reports if spec.preset is Preset.LAST_MONTH]
    found = [
        schedule(
            NIGHTLY_FLOW,
            [_cron(workspace.flow_at)],
            lambda desk: desk.plan_nightly_flow(workspace),
            f"Load the day that closed, and read the {workspace.lookback_days} last days again.",
        ),
        schedule(
            DAILY_REPORTS,
            [_cron(spec.at or time(6)) for spec in daily],
            reports(lambda due: due.spec.preset is not Preset.LAST_MONTH and not _is_by_interval(due)),
            "Make the reports that are due and whose days are there.",
        ),
        schedule(
            MONTHLY_REPORT,
            [_cron(spec.at or time(6, 15), "*" if spec.on_holiday == "shift" else "1") for spec in monthly],
            reports(lambda due: due.spec.preset is Preset.LAST_MONTH),
            "Make the reports of the month before.",
        ),
    ]
    if isinstance(workspace.source, RespondIoSource) and workspace.source.api_token:
        snapshot = dg.AssetKey([workspace.slug, "contact_snapshot"])
        found.append(
            schedule(
                CONTACT_SNAPSHOT,
                [_cron(_BEFORE_MIDNIGHT)],
                lambda desk: Plan([dg.RunRequest(f"{desk.now:%Y-%m-%d}", asset_selection=[snapshot])]),
                "Look at all contacts just before the day closes, so that what was missed is of that day.",
            )
        )
    if workspace.watch_hours:
        watched = dg.AssetKey([workspace.slug, "source_watch"])
        found.append(
            schedule(
                SOURCE_WATCH,
                [f"30 */{workspace.watch_hours} * * *"],
                lambda desk: Plan([dg.RunRequest(f"{desk.now:%Y-%m-%dT%H}", asset_selection=[watched])]),
                "Ask the source whether it goes on, so that the operator hears of it the same day.",
            )
        )
    if workspace.today_every:
        cron = (
            f"*/{workspace.today_every} * * * *"
            if workspace.today_every < 60  # noqa: PLR2004 - minutes of an hour
            else f"0 */{workspace.today_every // 60} * * *"
        )
        found.append(
            schedule(TODAY, [cron], reports(_is_by_interval), "Load the running day, make its reports.")
        )
    return found


def _is_by_interval(due: Due) -> bool:
    return due.spec.includes_running_day and due.workspace.today_every is not None


def _cron(at: time, days: str = "*") -> str:
    return f"{at.minute} {at.hour} {days} * *"

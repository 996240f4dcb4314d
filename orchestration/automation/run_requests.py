"""Plan the run requests of a workspace: gather the facts, call the planner, and request runs.

Schedules and the catch-up sensor both plan here, so that each sees the runs of the other. Decisions that
need no Dagster belong in `planner.py`.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import groupby

import dagster as dg

from assets.aggregates.lineage import history
from assets.archive.catalog import Catalog
from assets.archive.version import Key, Version
from assets.config.deployment import Config
from assets.config.source import FilesSource
from assets.config.workspace import Workspace
from assets.errors import SourceError
from assets.extract.load_plan import changes_since_load
from assets.periods import DAY, Period, dates_between, first_instant, local_day, periods_of_days
from assets.report.components import has_openings
from assets.report.readiness import Readiness, read_readiness
from assets.report.report_periods import days_of_periods, period_of, periods_of
from assets.sources.registry import open_sources
from assets.warehouse.base import open_warehouse
from orchestration.automation.planner import (
    Due,
    DueDecision,
    closed_days,
    decide_due,
    due_reports,
    is_done,
    next_attempt,
)
from orchestration.automation.runs import (
    FLOW_ASSETS,
    QUEUE_TAG,
    RANGE_TAGS,
    ActiveRun,
    Queue,
    active_runs,
    due_tags,
    ends_of,
    runs_for,
)


@dataclass(slots=True)
class Plan:
    """Run requests, why the rest is not launched, why reports of a workspace are late, skipped reports."""

    requests: list[dg.RunRequest] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    late: dict[str, str] = field(default_factory=dict)
    skips: dict[Key, str] = field(default_factory=dict)

    def add(self, other: "Plan") -> None:
        """Add everything in *other*."""
        self.requests += other.requests
        self.reasons += other.reasons
        self.late |= other.late
        self.skips |= other.skips


@dataclass(frozen=True, slots=True)
class PlanningContext:
    """The facts for planning one tick at *now*.

    A requested run counts as active at once: reports wait for the days that it loads.
    """

    config: Config
    catalog: Catalog
    instance: dg.DagsterInstance
    active: list[ActiveRun]
    archived: dict[Key, Version]
    outdated: dict[Key, Version]
    skipped: set[Key]
    now: datetime
    stored: dict[str, Readiness] = field(default_factory=dict)

    @classmethod
    def open(
        cls,
        config: Config,
        catalog: Catalog,
        instance: dg.DagsterInstance,
        now: datetime,
        workspace: str | None = None,
    ) -> "PlanningContext":
        """Read the facts for all workspaces, or only for *workspace*."""
        since = now.date() - (config.catch_up_days + 2) * DAY
        return cls(
            config,
            catalog,
            instance,
            active_runs(instance),
            catalog.newest(since, workspace),
            catalog.outdated(),
            catalog.skipped(since),
            now,
        )

    def open_reports(self, workspace: Workspace) -> list[Due]:
        """Return the reports of *workspace* that are due and not done."""
        return [
            due
            for due in due_reports(workspace, self.config.catch_up_days, self.now)
            if not self._is_done(due)
        ]

    def _is_done(self, due: Due) -> bool:
        key = Key(due.workspace.slug, due.spec.name, due.report_date)
        return is_done(due, self.archived.get(key), is_skipped=key in self.skipped)

    def plan_reports(self, dues: Sequence[Due]) -> Plan:
        """Return the runs for *dues* of one workspace, grouped by report date and time."""
        plan = Plan()
        for workspace in {due.workspace.slug: due.workspace for due in dues}.values():
            plan.add(self.plan_changed_inputs(workspace, max(due.at for due in dues)))
        group_key = self._group_by_run(dues)
        for (report_date, at, kind), group in groupby(sorted(dues, key=group_key), key=group_key):
            ready: list[Due] = []
            for due in group:
                decision, reason = self._decide_report(due)
                report = f"{due.workspace.slug}: {due.spec.name} of {report_date}"
                if decision in {DueDecision.MAKE, DueDecision.MAKE_PROVISIONAL}:
                    ready.append(due)
                else:
                    plan.reasons.append(f"{report}: {decision}, {reason}")
                if decision is DueDecision.SKIP:
                    plan.skips[Key(due.workspace.slug, due.spec.name, report_date)] = reason
                if decision in _WITHOUT_DAYS and self.now >= due.deadline:
                    plan.late[due.workspace.slug] = reason
            if ready:
                self._request_reports(plan, ready, report_date, at, kind)
        return plan

    def _group_by_run(self, dues: Sequence[Due]) -> Callable[[Due], tuple[date, datetime, str]]:
        """Return the function for the key by which reports share a run: report date, instant and kind.

        A run of kind "today" loads the running day first, once for all reports that are due.
        """
        loading = [due for due in dues if _loads_its_day(due, self.now)]
        latest = max((due.at for due in loading), default=self.now)

        def key(due: Due) -> tuple[date, datetime, str]:
            if due in loading:
                return due.report_date, latest, "today"
            return due.report_date, due.at, _unit_of(due) or "reports"

        return key

    def _decide_report(self, due: Due) -> tuple[DueDecision, str]:
        workspace = due.workspace
        days = days_of_periods(
            [period_of(due.spec, due.report_date, workspace)], workspace.first_day, self.now
        )
        is_busy = any(
            run.loads(workspace.slug, days) or (run.due or "").startswith(f"{workspace.slug}/{_INPUTS}/")
            for run in self.active
        )
        if days and has_openings(due.spec):
            days = list(dates_between(workspace.first_day, days[-1]))
        needed = {day for day in days if day != due.report_date or not _loads_its_day(due, self.now)}
        missing: set[date] = set()
        if needed and not is_busy:
            period = Period(min(needed), max(needed), workspace.zone)
            missing = needed.intersection(self._stored_days(workspace).missing(period, self.now))
        return decide_due(due, missing, self.now, is_busy=is_busy)

    def _stored_days(self, workspace: Workspace) -> Readiness:
        """Return which days of *workspace* are stored, read once."""
        if workspace.slug not in self.stored:
            self.stored[workspace.slug] = read_readiness(
                open_warehouse(self.config, workspace.slug), workspace
            )
        return self.stored[workspace.slug]

    def _request_reports(
        self, plan: Plan, dues: list[Due], report_date: date, at: datetime, kind: str
    ) -> None:
        workspace = dues[0].workspace
        assets = [*(FLOW_ASSETS if kind == "today" else ()), *(f"report/{due.spec.name}" for due in dues)]
        name = f"{workspace.slug}/{kind}/{report_date}/{at.astimezone(workspace.zone):%Y-%m-%dT%H:%M}"
        self._request_run(plan, workspace, name, assets, [report_date])

    def _request_run(
        self, plan: Plan, workspace: Workspace, due: str, assets: Sequence[str], days: Sequence[date]
    ) -> None:
        """Request a run of *assets* over all of *days*, unless it is active or its retry pause is not over.

        A successful run counts as an attempt too: its reports are still due, so something is wrong.
        """
        first, last = days[0], days[-1]
        if any(run.due == due for run in self.active):
            plan.reasons.append(f"{due}: in progress")
            return
        assets = [f"{workspace.slug}/{name}" for name in assets]
        previous_runs = runs_for(self.instance, due)
        attempts = [
            ended_at for requested, ended_at in previous_runs if requested & _requested_reports(assets)
        ]
        retry_at = next_attempt(attempts)
        if retry_at is not None and self.now < retry_at:
            plan.reasons.append(f"{due}: {len(attempts)} failed attempts, next at {retry_at:%H:%M} UTC")
            return
        queue = Queue.LOADS if f"{workspace.slug}/{FLOW_ASSETS[0]}" in assets else Queue.REPORTS
        tags = due_tags(self.config, workspace.slug, due) | {QUEUE_TAG: queue.value}
        if first != last:
            tags |= dict(zip(RANGE_TAGS, (str(first), str(last)), strict=True))
        self.active.append(ActiveRun(frozenset(assets), str(first), str(last), due))
        plan.requests.append(
            dg.RunRequest(
                run_key=f"{due}/{len(previous_runs)}",
                partition_key=str(first) if first == last else None,
                asset_selection=[dg.AssetKey.from_user_string(name) for name in assets],
                tags=tags,
            )
        )

    def plan_nightly_flow(self, workspace: Workspace) -> Plan:
        """Return the run that loads the last closed day, and the lookback days before it again."""
        plan = Plan()
        days = closed_days(workspace, self.now)
        if days:
            today = local_day(self.now, workspace.zone)
            self._request_run(plan, workspace, f"{workspace.slug}/flow/{today}", FLOW_ASSETS, days)
        return plan

    def plan_changed_inputs(self, workspace: Workspace, at: datetime) -> Plan:
        """Return the run that reads the source's new and changed files before the reports due *at*.

        There is one run per instant: a file that is written to all day long delays no report.
        """
        plan = Plan()
        if not isinstance(workspace.source, FilesSource) or not self._stored_days(workspace).loaded.until:
            return plan
        due = f"{workspace.slug}/{_INPUTS}/{at:%Y-%m-%dT%H:%M}"
        ended, failed = ends_of(self.instance, due)
        if len(ended) > len(failed):
            return plan
        try:
            warehouse = open_warehouse(self.config, workspace.slug)
            changes = changes_since_load(
                workspace, open_sources(workspace, self.config.imports, self.now), warehouse
            )
        except SourceError as error:
            plan.reasons.append(f"{workspace.slug}: {error}")
            return plan
        days = closed_days(workspace, self.now)
        if changes and days:
            plan.reasons += changes
            self._request_run(plan, workspace, due, FLOW_ASSETS, days)
        return plan

    def plan_missing_days(self, workspace: Workspace, dues: Sequence[Due]) -> Plan:
        """Return the runs that load the closed days of *dues*, and those of the nightly flow."""
        plan = Plan()
        midnight = first_instant(local_day(self.now, workspace.zone), workspace.zone)
        periods = [period for due in dues for period in periods_of(due.spec, due.report_date, workspace)]
        needed = {
            *closed_days(workspace, self.now),
            *days_of_periods(periods, workspace.first_day, midnight),
        }
        if not needed:
            return plan
        stored = self._stored_days(workspace)
        needed.update(day for day in stored.loaded.outdated if day >= workspace.first_day)
        if stored.has_unstated or any(has_openings(due.spec) for due in dues):
            needed.update(dates_between(workspace.first_day, max(needed)))
        needed_period = Period(min(needed), max(needed), workspace.zone)
        missing = {*stored.unloaded(needed_period, midnight), *stored.stale} & needed
        for period in periods_of_days(missing, workspace.zone):
            first, last, days = period.first_day, period.last_day, period.days
            if any(run.loads(workspace.slug, days) for run in self.active):
                plan.reasons.append(f"{workspace.slug}: {first} to {last} is being loaded")
                continue
            # A changed history is a reason to build again, so it is part of the key.
            history_key = history(open_warehouse(self.config, workspace.slug)).get(last, "new")[:8]
            due = f"{workspace.slug}/flow/{first}/{last}/{history_key}"
            self._request_run(plan, workspace, due, FLOW_ASSETS, days)
        return plan

    def plan_rebuilds(self, workspace: Workspace) -> Plan:
        """Return the runs that rebuild outdated reports with `when_changed: rebuild`."""
        plan = Plan()
        specs = {spec.name: spec for spec in workspace.all_reports if spec.when_changed == "rebuild"}
        outdated = [
            Due(workspace, specs[key.report], key.report_date, version.outdated_since)
            for key, version in self.outdated.items()
            if key.workspace == workspace.slug and version.outdated_since and key.report in specs
        ]
        ready = [due for due in outdated if self._decide_report(due)[0] is DueDecision.MAKE]
        by_unit = groupby(sorted(ready, key=_unit_of), key=_unit_of)
        for unit, group in by_unit:
            dues = list(group)
            for period in _runs_of_dates({due.report_date for due in dues}, workspace, is_daily=not unit):
                members = [due for due in dues if period[0] <= due.report_date <= period[-1]]
                since = max(due.at for due in members)
                name = f"{workspace.slug}/rebuild/{period[0]}/{period[-1]}/{since:%Y-%m-%dT%H:%M:%S}"
                assets = sorted({f"report/{due.spec.name}" for due in members})
                self._request_run(plan, workspace, name, assets, period)
        return plan


_INPUTS = "inputs"
_WITHOUT_DAYS = {DueDecision.MAKE_PROVISIONAL, DueDecision.SKIP, DueDecision.WAIT}


def _unit_of(due: Due) -> str:
    """Return the calendar unit that has one report date; empty for a report of each day.

    Reports of different units have different partitions, so that no run can make both.
    """
    return due.spec.preset.closed_unit or ""


def _loads_its_day(due: Due, now: datetime) -> bool:
    """Tell whether the report's own run loads the running day."""
    return due.spec.includes_running_day and local_day(now, due.workspace.zone) == due.report_date


def _runs_of_dates(days: set[date], workspace: Workspace, *, is_daily: bool) -> Iterator[list[date]]:
    """Yield *days* in sequences without a gap; one by one unless the report is daily."""
    if is_daily:
        yield from (period.days for period in periods_of_days(days, workspace.zone))
    else:
        yield from ([day] for day in sorted(days))


def _requested_reports(assets: Sequence[str]) -> set[str]:
    """Return the reports among *assets*, or all *assets* if there are none."""
    return {name for name in assets if "/report/" in name} or set(assets)

"""What is due and not done in one workspace, done in this process: `run --send` does this from cron.

Under Dagster, the catch-up sensor requests the same as runs. What is due is decided in `planner.py` for both;
a rule of that kind belongs there.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import groupby
from operator import attrgetter

from assets.archive.catalog import Catalog
from assets.archive.index_pages import mark_index_due
from assets.archive.publish import Published
from assets.archive.version import Key
from assets.config.deployment import Config
from assets.config.schedule import instant_at
from assets.config.workspace import Workspace
from assets.deliver.at_risk import ArchivedReports
from assets.errors import ReportError
from assets.extract.input_summary import InputSummary
from assets.periods import DAY, Period, local_day
from assets.report.readiness import read_readiness
from assets.report.report_periods import days_of_periods, period_of
from assets.runtime.storage_errors import explaining_errors
from assets.warehouse.base import Warehouse, open_warehouse
from orchestration import pipeline
from orchestration.automation.planner import (
    Due,
    DueDecision,
    closed_days,
    decide_due,
    open_reports,
)
from orchestration.pipeline import PipelineRequest, Progress

_RELOADED_ON = ".reloaded_on"  # beside the tables: the local day on which closed days were last reloaded


@dataclass(slots=True)
class DueRun:
    """What is due in *workspace* at *now*; `run` does it and fills the fields below.

    `waiting` says what reports wait for, `failed` which reports `report_error` is about. `has_loaded` tells
    whether there was a reason to load anything.
    """

    config: Config
    workspace: Workspace
    catalog: Catalog
    now: datetime
    progress: Progress
    published: list[Published] = field(default_factory=list)
    inputs: dict[str, InputSummary] = field(default_factory=dict)
    waiting: list[str] = field(default_factory=list)
    failed: list[Key] = field(default_factory=list)
    load_error: ReportError | None = None
    report_error: ReportError | None = None
    has_loaded: bool = False

    def run(self) -> None:
        """Load what is missing, make the reports that are due and not done, and rebuild outdated ones.

        Once a day, from `flow_at` on, the last closed days are reloaded for late events. If loading fails,
        only reports whose days are there, or whose deadline has passed, are made. Raises bugs only.
        """
        dues = self._open_reports()
        try:
            with explaining_errors():
                self._load(dues)
        except ReportError as error:
            self.load_error = error
        for report_date, group in groupby(self._ready(dues), key=attrgetter("report_date")):
            self._make(self._request(report_date, list(group)))
        if self.load_error is None:
            self._rebuild()

    def _open_reports(self) -> list[Due]:
        """Return the reports that are due and not done, in the order of their report dates."""
        slug, days = self.workspace.slug, self.config.catch_up_days
        since = local_day(self.now, self.workspace.zone) - (days + 2) * DAY
        archived = ArchivedReports(self.catalog.newest(since, slug), self.catalog.skipped(since))
        first = self.catalog.first_report_date(slug)
        dues = open_reports(self.workspace, days, archived, first, self.now)
        return sorted(dues, key=attrgetter("report_date"))

    def _request(self, report_date: date, dues: Sequence[Due] = ()) -> PipelineRequest:
        specs = tuple(due.spec for due in dues)
        return PipelineRequest(self.config, self.workspace, specs, report_date, self.now, inputs=self.inputs)

    def _load(self, dues: Sequence[Due]) -> None:
        today = local_day(self.now, self.workspace.zone)
        warehouse = open_warehouse(self.config, self.workspace.slug)
        reloaded = self._days_to_reload(warehouse, today)
        days = set(reloaded)
        for report_date, group in groupby(dues, key=attrgetter("report_date")):
            request = self._request(report_date, list(group))
            days.update(pipeline.days_to_load(request.specs, request.days, self.workspace))
        if not days:
            return
        self.has_loaded = True
        request = self._request(today)
        pipeline.load_and_build(request, sorted(days), reloaded, self.progress)
        mark_index_due(self.config.archive, self.workspace.slug)
        pipeline.mark_outdated(request, self.catalog, self.progress)
        if reloaded and not any(summary.may_pass for summary in self.inputs.values()):
            warehouse.store_text(_RELOADED_ON, str(today))

    def _days_to_reload(self, warehouse: Warehouse, today: date) -> list[date]:
        """Return the last closed days, unless they were reloaded today or `flow_at` has not come."""
        is_due = self.now >= instant_at(today, self.workspace.flow_at, self.workspace.zone)
        if not is_due or warehouse.stored_text(_RELOADED_ON) == str(today):
            return []
        return closed_days(self.workspace, self.now)

    def _ready(self, dues: list[Due]) -> list[Due]:
        """Return those of *dues* to make now: all of them, unless loading failed."""
        if self.load_error is None or not dues:
            return dues
        try:
            with explaining_errors():
                warehouse = open_warehouse(self.config, self.workspace.slug)
                readiness = read_readiness(warehouse, self.workspace)
        except ReportError:  # the cause is known: loading failed of it
            return []
        ready = []
        for due in dues:
            days = self._days_of(due)
            missing = days & set(
                readiness.missing(Period(min(days), max(days), self.workspace.zone), self.now)
            )
            if self._is_ready(due, missing):
                ready.append(due)
        return ready

    def _days_of(self, due: Due) -> set[date]:
        first_day = self.workspace.first_day
        days = days_of_periods([period_of(due.spec, due.report_date, self.workspace)], first_day, self.now)
        return set(pipeline.days_to_load([due.spec], days, self.workspace)) or {due.report_date}

    def _is_ready(self, due: Due, missing: Collection[date]) -> bool:
        decision, reason = decide_due(due, missing, self.now, is_busy=False)
        if decision in {DueDecision.MAKE, DueDecision.MAKE_PROVISIONAL}:
            return True
        self.waiting.append(f"{due.spec.name} of {due.report_date}: {decision}, {reason}")
        if decision is DueDecision.SKIP:
            self.catalog.skip(Key(self.workspace.slug, due.spec.name, due.report_date), reason, self.now)
        return False

    def _make(self, request: PipelineRequest) -> None:
        try:
            with explaining_errors():
                pipeline.publish_reports(request, self.progress)
        except ReportError as error:
            self.report_error = self.report_error or error
            made = {entry.report.name for entry in request.published}
            slug, report_date = self.workspace.slug, request.report_date
            self.failed += [Key(slug, name, report_date) for name in request.names if name not in made]
        self.published += request.published

    def _rebuild(self) -> None:
        """Rebuild the outdated reports with `when_changed: rebuild`."""
        request = self._request(local_day(self.now, self.workspace.zone))
        try:
            with explaining_errors():
                self.published += pipeline.rebuild_outdated(
                    request, self.catalog, self.progress, when_changed=("rebuild",)
                )
        except ReportError as error:
            self.report_error = self.report_error or error

"""The pipeline of one workspace without Dagster: load missing days, build them, publish reports.

The stages are the functions that the Dagster assets call; this module only decides their order.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import Enum
from functools import partial
from operator import attrgetter

import pyarrow as pa

from assets.aggregates.build import build_days
from assets.aggregates.lineage import stale_days
from assets.archive.catalog import Catalog
from assets.archive.outdated import mark_outdated_reports
from assets.archive.publish import Published, find_report, make_report
from assets.archive.version import Key
from assets.config.base import resolve_secret
from assets.config.deployment import Config
from assets.config.source import WebhookSource
from assets.config.workspace import ReportSpec, Workspace
from assets.deliver.erasure import ErasureResult, ReportErasure
from assets.deliver.operator_alerts import AlertNotSent, send_alerts
from assets.errors import ReportError
from assets.extract import erasure
from assets.extract.input_summary import InputSummary, add_summary, count_text
from assets.extract.last_load import record_load
from assets.extract.load import load_days
from assets.extract.load_plan import changes_since_load
from assets.extract.stall_alerts import add_load_alerts, add_stall_alert
from assets.periods import Period, as_of, dates_between, periods_of_days
from assets.report.components import has_openings
from assets.report.readiness import read_readiness
from assets.report.report_periods import days_of_periods, days_of_report, periods_of
from assets.runtime.storage_errors import explaining_errors
from assets.sources.registry import open_sources
from assets.sources.webhooks.inbox import forget_contact, open_inbox
from assets.state.alerts import AlertLog
from assets.state.loads import LoadLog
from assets.warehouse.base import Warehouse, kept_warehouse
from assets.warehouse.loaded_days import loaded_days
from assets.warehouse.reading import reading
from orchestration.report_processes import call_in_processes

_MAX_TOTAL = 100_000
"""Assignments of a report up to which it is counted again here, instead of in a report process."""


class Stage(Enum):
    """The stages of a run, in order."""

    LOAD = 1
    BUILD = 2
    RENDER = 3


@dataclass(frozen=True, slots=True)
class Update:
    """What a run reports while it works: a message, or more days and rows, or both.

    A stage begins with the `total` of its days or reports, 0 where it is unknown; `done` of them and `rows`
    are added to those of earlier updates.
    """

    stage: Stage
    text: str = ""
    total: int | None = None
    done: int = 0
    rows: int = 0
    is_error: bool = False


Progress = Callable[[Update], None]
"""Called with each update, by any thread."""


@dataclass(frozen=True, slots=True)
class PipelineRequest:
    """The reports of a workspace to make for *report_date*.

    The run fills `inputs` with a summary of each input that it reads, and `published` with each report that
    it archives, also where another one fails.
    """

    config: Config
    workspace: Workspace
    specs: tuple[ReportSpec, ...]
    report_date: date
    now: datetime
    reload: bool = False
    inputs: dict[str, InputSummary] = field(default_factory=dict)
    published: list[Published] = field(default_factory=list)

    @property
    def as_of(self) -> datetime:
        """Return the instant up to which the reports count."""
        return as_of(self.report_date, self.now, self.workspace.zone)

    @property
    def names(self) -> list[str]:
        """Return the names of the reports."""
        return [spec.name for spec in self.specs]

    @property
    def days(self) -> list[date]:
        """Return every day that the reports cover or compare with and that the source can have."""
        periods = [
            period for spec in self.specs for period in periods_of(spec, self.report_date, self.workspace)
        ]
        return days_of_periods(periods, self.workspace.first_day, self.as_of)


def run_pipeline(request: PipelineRequest, catalog: Catalog, progress: Progress) -> list[Published]:
    """Load the missing days of *request*, build their log and counts, and archive its reports.

    Archived reports whose days have changed are marked as outdated. Raises SourceError, StorageUnavailable or
    StorageUnusable, or TotalsDiffer if a check fails.
    """
    with explaining_errors():
        days = days_to_load(request.specs, request.days, request.workspace)
        load_and_build(request, days, request.days if request.reload else (), progress)
        pa.default_memory_pool().release_unused()  # some hundred megabytes, for the report processes
        publish_reports(request, progress)
        mark_outdated(request, catalog, progress)
    request.published.sort(key=lambda entry: request.names.index(entry.report.name))
    return request.published


def days_to_load(specs: Iterable[ReportSpec], days: list[date], workspace: Workspace) -> list[date]:
    """Return *days*, which *specs* cover, with all earlier ones if their openings are counted from these."""
    if days and any(map(has_openings, specs)):
        return list(dates_between(workspace.first_day, days[-1]))
    return days


def load_and_build(
    request: PipelineRequest, days: list[date], reloaded: Collection[date], progress: Progress
) -> None:
    """Load the missing ones of *days*, those to be *reloaded* and changed inputs; build what they change."""
    warehouse = kept_warehouse(request.config, request.workspace.slug)
    loaded = _load_days(request, warehouse, days, reloaded, progress)
    if loaded and loaded_days(warehouse, request.workspace).has_unstated:
        earlier = list(dates_between(request.workspace.first_day, loaded[-1]))
        loaded += _load_days(request, warehouse, earlier, (), progress)
    stale = [day for day in stale_days(warehouse) if day in set(days)]
    for period in periods_of_days([*stale, *loaded], request.workspace.zone):
        progress(Update(Stage.BUILD, f"building {_range_text(period)}", total=len(period.days)))
        build_days(warehouse, period).require_reconciled(request.workspace.slug)
        progress(Update(Stage.BUILD, done=len(period.days)))


def publish_reports(request: PipelineRequest, progress: Progress) -> None:
    """Render, archive and record the reports of *request*, as far as their days are loaded."""
    for entry in _render_reports(request, progress):
        request.published.append(entry)


def mark_outdated(request: PipelineRequest, catalog: Catalog, progress: Progress) -> None:
    """Mark archived reports whose days have changed, and alert the operator if the source has stalled."""
    warehouse = kept_warehouse(request.config, request.workspace.slug)
    with reading(warehouse):
        mark_outdated_reports(catalog, warehouse, request.workspace, request.now)
        is_alert_due = add_stall_alert(
            AlertLog(request.config.state), warehouse, request.workspace, request.now
        )
    if is_alert_due:
        try:
            send_alerts(request.config, request.now)
        except AlertNotSent as error:
            progress(Update(Stage.RENDER, str(error), is_error=True))


def rebuild_outdated(
    request: PipelineRequest,
    catalog: Catalog,
    progress: Progress,
    when_changed: Collection[str] = ("rebuild", "flag"),
) -> list[Published]:
    """Rebuild the archived reports of the workspace of *request* whose days have changed.

    Only reports with one of *when_changed* are rebuilt.
    """
    config, workspace, now = request.config, request.workspace, request.now
    specs = {spec.name: spec for spec in workspace.all_reports if spec.when_changed in when_changed}
    outdated = sorted(
        key for key in catalog.outdated() if key.workspace == workspace.slug and key.report in specs
    )
    requests = (
        PipelineRequest(config, workspace, (specs[key.report],), key.report_date, now) for key in outdated
    )
    return [published for request in requests for published in run_pipeline(request, catalog, progress)]


def erase_contact(contact_id: str, reports: ReportErasure) -> tuple[list[date], ErasureResult]:
    """Erase a contact from events, log and rejected rows, and with *reports* from reports and mails.

    Totals do not change. Return the days with the contact, and the result for the reports over them.
    """
    workspace, say = reports.workspace, reports.say
    warehouse = kept_warehouse(reports.config, workspace.slug)
    say("erasing from events and rejected rows")
    days = erasure.erase_contact(warehouse, contact_id)
    if isinstance(workspace.source, WebhookSource):
        say("erasing from received webhooks")
        pseudonym = erasure.read_tombstones(warehouse).pseudonym_of(contact_id)
        inbox = open_inbox(resolve_secret(workspace.source.inbox))
        forget_contact(inbox, workspace.slug, contact_id, pseudonym)
    for period in periods_of_days(days, workspace.zone):
        say(f"building {_range_text(period)}")
        build_days(warehouse, period)
    return days, reports.erase(days)


def _load_days(
    request: PipelineRequest,
    warehouse: Warehouse,
    days: list[date],
    reloaded: Collection[date],
    progress: Progress,
) -> list[date]:
    """Load the missing ones of *days*, the days to be *reloaded*, and inputs that have changed.

    Return the days that were loaded.
    """
    if not days:
        return []
    workspace = request.workspace
    period = Period(days[0], days[-1], workspace.zone)
    sources = open_sources(workspace, request.config.imports, request.now)
    with reading(warehouse):
        missing = read_readiness(warehouse, workspace).unloaded(period, request.as_of)
        changes = changes_since_load(workspace, sources, warehouse)
    needed = sorted({*reloaded, *(set(days) & set(missing))})
    for change in changes:
        progress(Update(Stage.LOAD, f"reloading: {change}", total=0))
    if not needed and not changes:
        return []
    if needed:
        text = f"loading {_range_text(Period(needed[0], needed[-1], workspace.zone))}"
        progress(Update(Stage.LOAD, text, total=0 if changes else len(needed)))

    def report(days: int, rows: int) -> None:
        progress(Update(Stage.LOAD, done=days, rows=rows))

    loaded = load_days(workspace, sources, warehouse, needed, request.now, progress=report)
    loaded.require_reconciled(workspace.slug)
    record_load(LoadLog(request.config.state), warehouse, workspace, loaded, request.now)
    add_load_alerts(AlertLog(request.config.state), warehouse, workspace, loaded, request.now)
    for summary in loaded.inputs.values():
        add_summary(request.inputs, summary)
    return list(loaded.by_day("read_count"))


def _render_reports(request: PipelineRequest, progress: Progress) -> Iterator[Published]:
    """Make the reports of *request* in parallel; yield each when it is archived.

    Those that seem to be archived as they are now are looked up first: mostly nothing is to be rendered then.
    Raises the first error of a report, after the others are done.
    """
    specs = _longest_first(request)
    text = f"rendering {count_text(len(specs), 'report')}"
    progress(Update(Stage.RENDER, text, total=len(specs)))
    errors: list[BaseException] = []
    report_date = request.report_date
    for spec, published in _find_archived(request, specs):
        specs.remove(spec)
        progress(Update(Stage.RENDER, f"archived {spec.name} of {report_date}", done=1))
        yield published
    make = partial(make_report, request.config, request.workspace, report_date=report_date, now=request.now)
    for spec, future in call_in_processes(make, specs, attrgetter("name")):
        if error := future.exception():
            text = str(error) if isinstance(error, ReportError) else f"{spec.name}: {error!r}"
            progress(Update(Stage.RENDER, text, is_error=True))
            errors.append(error)
        else:
            progress(Update(Stage.RENDER, f"archived {spec.name} of {report_date}", done=1))
            yield future.result()
    if errors:
        raise errors[0]


def _find_archived(
    request: PipelineRequest, specs: Iterable[ReportSpec]
) -> Iterator[tuple[ReportSpec, Published]]:
    """Yield those of *specs* that are archived as they would be made now, and are quickly counted.

    One that is outdated is not counted; nor is one that cannot be: a report process tells why.
    """
    config, workspace, report_date = request.config, request.workspace, request.report_date
    versions = Catalog(config.state).newest(report_date, workspace.slug)
    candidates = [
        spec
        for spec in specs
        if (version := versions.get(Key(workspace.slug, spec.name, report_date)))
        and version.outdated_since is None
        and version.counts_up_to(request.as_of, spec)
        and version.total <= _MAX_TOTAL
    ]
    with reading(kept_warehouse(config, workspace.slug)) if candidates else nullcontext():
        for spec in candidates:
            published = None
            with suppress(Exception):
                published = find_report(config, workspace, spec, report_date, request.now)
            if published:
                yield spec, published


def _range_text(period: Period) -> str:
    first, last = period.first_day, period.last_day
    return str(first) if first == last else f"{first} to {last}"


def _longest_first(request: PipelineRequest) -> list[ReportSpec]:
    """Return the reports, those over the most days first, so that the longest one does not start last."""
    return sorted(
        request.specs, key=lambda spec: -len(days_of_report(spec, request.report_date, request.workspace))
    )

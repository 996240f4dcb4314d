"""The whole flow of one workspace without Dagster: load what is missing, build, publish.

The stages are the same functions that the Dagster assets call; only the order is decided here.
"""

import gc
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import date, datetime

from assets.aggregates.build import build_days
from assets.aggregates.lineage import stale_days
from assets.archive.archive import Archive
from assets.archive.catalog import Catalogue
from assets.archive.outdated import outdated_reports
from assets.archive.publish import Published, draft_report, publish
from assets.config.base import reveal
from assets.config.deployment import Config
from assets.config.source import WebhookSource
from assets.config.workspace import ReportSpec, Workspace
from assets.deliver.erasure import Forgotten, forget_in_reports
from assets.deliver.ledger import Ledger
from assets.deliver.operator_alerts import AlertNotSent, tell_operator
from assets.errors import ProcessKilled
from assets.extract import erasure
from assets.extract.input_summary import InputSummary, add_summary
from assets.extract.load import load_days
from assets.extract.load_plan import changes_since_load
from assets.extract.stall_alerts import note_stall
from assets.periods import Period, as_of, dates, periods_of_days
from assets.report.components import has_balances
from assets.report.readiness import readiness
from assets.report.report_periods import days_of_periods, days_of_report, periods_of
from assets.sources.registry import open_sources
from assets.sources.webhooks.inbox import forget_contact, open_inbox
from assets.state.alerts import AlertLog
from assets.warehouse.base import Warehouse, open_warehouse
from orchestration.report_processes import maker, makers

Say = Callable[[str], None]
_KILLED = "the process that made {} was killed, as systems do where no memory is left: run again with more"
_kept: dict[object, Warehouse] = {}


@dataclass(frozen=True, slots=True)
class Order:
    """What one run is asked for: these reports of this workspace, as read on *report_date*.

    `inputs` is filled by the run: what each input gave that it read.
    """

    workspace: Workspace
    specs: tuple[ReportSpec, ...]
    report_date: date
    now: datetime
    reload: bool = False
    inputs: dict[str, InputSummary] = field(default_factory=dict)

    @property
    def as_of(self) -> datetime:
        """The instant up to which the reports count."""
        return as_of(self.report_date, self.now, self.workspace.zone)

    @property
    def names(self) -> list[str]:
        """What the reports are called."""
        return [spec.name for spec in self.specs]

    @property
    def days(self) -> list[date]:
        """Every day that the reports cover or compare with, and the source can tell about."""
        periods = [each for spec in self.specs for each in periods_of(spec, self.report_date, self.workspace)]
        return days_of_periods(periods, self.workspace.first_day, self.as_of)


def run(order: Order, config: Config, catalogue: Catalogue, say: Say) -> list[Published]:
    """Load the missing days of *order*, build their log and counts, and archive its reports.

    Archived reports whose days have changed are noted as outdated.

    Raises SourceError, or TotalsDiffer where a check fails.
    """
    warehouse = open_warehouse(config, order.workspace.slug)
    days = order.days
    if days and any(map(has_balances, order.specs)):
        days = list(dates(order.workspace.first_day, days[-1]))
    loaded = _load(order, config, warehouse, days, say, again=order.days if order.reload else ())
    if loaded and readiness(warehouse, order.workspace).has_unstated:
        loaded += _load(order, config, warehouse, list(dates(order.workspace.first_day, loaded[-1])), say)
    stale = [day for day in stale_days(warehouse) if day in set(days)]
    for period in periods_of_days([*stale, *loaded], order.workspace.zone):
        say(f"building {period.first_day} to {period.last_day}")
        build_days(warehouse, period).require_reconciled(order.workspace.slug)
    published = []
    for each in _made(order, config, say):
        catalogue.record(each.archived, each.report.as_of, order.now)
        published.append(each)
    catalogue.mark_outdated(outdated_reports(catalogue, warehouse, order.workspace), order.now)
    if note_stall(AlertLog(config.state), warehouse, order.workspace, order.now):
        try:
            tell_operator(config, {}, order.now)
        except AlertNotSent as error:
            say(f"error: {error}")
    return sorted(published, key=lambda each: order.names.index(each.report.name))


def rebuild(
    workspace: Workspace, config: Config, catalogue: Catalogue, now: datetime, say: Say
) -> list[Published]:
    """Make the archived reports of *workspace* anew whose days have changed."""
    specs = {spec.name: spec for spec in workspace.all_reports}
    outdated = sorted(
        key for key in catalogue.outdated() if key.workspace == workspace.slug and key.report in specs
    )
    return [
        published
        for key in outdated
        for published in run(
            Order(workspace, (specs[key.report],), key.report_date, now), config, catalogue, say
        )
    ]


def erase(  # noqa: PLR0913, PLR0917 - what a deployment is
    workspace: Workspace, contact_id: str, config: Config, catalogue: Catalogue, now: datetime, say: Say
) -> tuple[list[date], Forgotten]:
    """Forget a contact: in the events, the log, the rejected rows, the archived reports and the mails.

    Totals stay. Returns the days that held it, and what became of the reports over them.
    """
    warehouse = open_warehouse(config, workspace.slug)
    say("events and rejected rows")
    days = erasure.erase(warehouse, contact_id)
    if isinstance(workspace.source, WebhookSource):
        say("received webhooks")
        pseudonym = erasure.tombstones(warehouse).pseudonym_of(contact_id)
        inbox = open_inbox(reveal(workspace.source.inbox))
        forget_contact(inbox, workspace.slug, contact_id, pseudonym)
    for period in periods_of_days(days, workspace.zone):
        say(f"building {period.first_day} to {period.last_day}")
        build_days(warehouse, period)
    ledger = Ledger(config.state)
    return days, forget_in_reports(config, workspace, catalogue, ledger, days, now, say)


def _load(  # noqa: PLR0913 - what a load is
    order: Order,
    config: Config,
    warehouse: Warehouse,
    days: list[date],
    say: Say,
    *,
    again: Sequence[date] = (),
) -> list[date]:
    """Load those of *days* that are missing, those to be loaded *again*, and what has changed since.

    Returns the days that were loaded.
    """
    if not days:
        return []
    workspace = order.workspace
    whole = Period(days[0], days[-1], workspace.zone)
    missing = readiness(warehouse, workspace).unloaded(whole, order.as_of)
    wanted = sorted({*again, *(set(days) & set(missing))})
    sources = open_sources(workspace, config.imports)
    changes = changes_since_load(workspace, sources, warehouse)
    for change in changes:
        say(f"reading again: {change}")
    if not wanted and not changes:
        return []
    if wanted:
        say(f"loading {wanted[0]} to {wanted[-1]}")
    loaded = load_days(workspace, sources, warehouse, wanted, order.now)
    loaded.require_reconciled(workspace.slug)
    for summary in loaded.inputs.values():
        add_summary(order.inputs, summary)
    return list(loaded.by_day("read_count"))


def _made(order: Order, config: Config, say: Say) -> Iterator[Published]:
    """Make the reports of *order*, one a core at a time; yield each when it is archived.

    Raises what one of them raised, after the others are done.
    """
    waiting = deque(_longest_first(order))
    say(f"rendering {len(waiting)} reports")
    given: dict[Future[Published], tuple[ReportSpec, Executor]] = {}
    failed: list[BaseException] = []
    with ExitStack() as stack:
        idle = [stack.enter_context(each) for each in makers(len(waiting))]
        while waiting or given:
            while waiting and idle:
                spec, by = waiting.popleft(), idle.pop()
                given[by.submit(_make, order, spec, config)] = spec, by
            for future in wait(given, return_when=FIRST_COMPLETED).done:
                spec, by = given.pop(future)
                error = future.exception()
                if isinstance(error, BrokenProcessPool):
                    by, error = stack.enter_context(maker()), ProcessKilled(_KILLED.format(spec.name))
                if error:
                    say(f"{spec.name}: {error}")
                    failed.append(error)
                else:
                    say(f"{spec.name}: archived")
                    yield future.result()
                idle.append(by)
    if failed:
        raise failed[0]


def _make(order: Order, spec: ReportSpec, config: Config) -> Published:
    if not gc.isenabled():
        gc.collect()  # what the report before has left
    warehouse = _kept_warehouse(config, order.workspace.slug)
    draft = draft_report(warehouse, order.workspace, spec, order.report_date, order.as_of)
    return publish(draft, Archive(config.archive))


def _kept_warehouse(config: Config, slug: str) -> Warehouse:
    """Return a warehouse that this process keeps: what it has read for one report serves the next."""
    place = config.lake, config.warehouse, slug
    if place not in _kept:
        _kept.clear()
        _kept[place] = open_warehouse(config, slug)
    return _kept[place]


def _longest_first(order: Order) -> list[ReportSpec]:
    """Return the reports, those over most days first: the last process to end should not begin last."""
    return sorted(
        order.specs, key=lambda spec: -len(days_of_report(spec, order.report_date, order.workspace))
    )

"""The status of a deployment, for people and monitors: what is loaded, due, late, not delivered and wrong.

Only the state database is read: it is quick, and works while Dagster, the warehouse or a source is away.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import IntEnum

from assets.archive.catalog import Catalog
from assets.archive.version import Key, Version
from assets.config.deployment import Config
from assets.config.schedule import instant_at
from assets.config.workspace import Workspace
from assets.deliver.at_risk import ArchivedReports
from assets.deliver.delivery import Delivery
from assets.deliver.ledger import Ledger
from assets.periods import DAY, first_instant, local_day
from assets.state.alerts import AlertLog
from assets.state.incident import Incident, Severity
from assets.state.loads import LastLoad, LoadLog
from orchestration.automation.planner import Due, open_reports

_RECENT = timedelta(days=3)
_GRACE, _LOAD_GRACE = timedelta(minutes=30), timedelta(hours=1)
_MAX_DAYS_AHEAD = 92


class Level(IntEnum):
    """How a deployment fares; the values are the exit codes of `assignment-reports status`."""

    FINE = 0
    ATTENTION = 8
    FAILING = 9


@dataclass(frozen=True, slots=True)
class ReportStatus:
    """A report of one report date, and when it was due."""

    report: str
    report_date: date
    due_at: datetime


@dataclass(frozen=True, slots=True)
class WorkspaceStatus:
    """The status of one workspace.

    `due` are the reports that are due and not done, `late` those of them whose deadline has passed;
    `provisional` are the newest reports that are provisional. `undelivered` has the number of deliveries of
    the last three days by state. A load is overdue an hour after its time.
    """

    workspace: Workspace
    load: LastLoad | None
    is_load_overdue: bool
    due: tuple[ReportStatus, ...]
    late: tuple[ReportStatus, ...]
    provisional: tuple[Key, ...]
    undelivered: Mapping[str, int]
    next_load: datetime
    next_reports: datetime | None
    incidents: tuple[Incident, ...]
    at: datetime

    @property
    def newest_event(self) -> datetime | None:
        """Return when the newest event occurred, as of the last load."""
        return self.load.newest_event if self.load else None

    @property
    def loaded_until(self) -> datetime | None:
        """Return the instant up to which days are loaded."""
        return self.load.loaded_until if self.load else None

    @property
    def loaded_at(self) -> datetime | None:
        """Return when days were last loaded."""
        return self.load.loaded_at if self.load else None

    @property
    def level(self) -> Level:
        """Return how the workspace fares."""
        waiting = [report for report in self.due if self.at - report.due_at > _GRACE]
        signs = (self.is_load_overdue, waiting, self.late, self.provisional, self.undelivered)
        return max(_level(self.incidents), Level.ATTENTION if any(signs) else Level.FINE)


@dataclass(frozen=True, slots=True)
class Status:
    """The status of a deployment: its workspaces, and what concerns no single one of them."""

    at: datetime
    workspaces: tuple[WorkspaceStatus, ...]
    incidents: tuple[Incident, ...]
    mistakes: tuple[str, ...]

    @property
    def own_level(self) -> Level:
        """Return how the deployment fares apart from its workspaces."""
        return Level.FAILING if self.mistakes else _level(self.incidents)

    @property
    def level(self) -> Level:
        """Return how the deployment fares: as its worst part."""
        return max([self.own_level, *(workspace.level for workspace in self.workspaces)])


def read_status(config: Config, mistakes: Sequence[str], now: datetime) -> Status:
    """Return the status of *config*; *mistakes* are those of workspaces that are left out of it."""
    facts = _Facts.read(config, now)
    return Status(
        now,
        tuple(facts.status_of(workspace) for workspace in config.workspaces),
        tuple(incident for incident in facts.incidents if not incident.seen.workspace),
        tuple(mistakes),
    )


@dataclass(frozen=True, slots=True)
class _Facts:
    """What the state database knows of all workspaces, read once."""

    catch_up_days: int
    catalog: Catalog
    archived: Mapping[Key, Version]
    skipped: Collection[Key]
    loads: Mapping[str, LastLoad]
    undelivered: Sequence[Delivery]
    incidents: Sequence[Incident]
    now: datetime

    @classmethod
    def read(cls, config: Config, now: datetime) -> "_Facts":
        catalog, since = Catalog(config.state), now.date() - (config.catch_up_days + 2) * DAY
        return cls(
            config.catch_up_days,
            catalog,
            catalog.newest(since),
            catalog.skipped(since),
            LoadLog(config.state).last_loads(),
            Ledger(config.state).undelivered(now - _RECENT),
            AlertLog(config.state).open(),
            now,
        )

    def status_of(self, workspace: Workspace) -> WorkspaceStatus:
        slug, load = workspace.slug, self.loads.get(workspace.slug)
        due = self._open_reports(workspace)
        return WorkspaceStatus(
            workspace,
            load,
            is_load_overdue=_is_load_overdue(workspace, load, self.now),
            due=tuple(map(_report_status, due)),
            late=tuple(_report_status(each) for each in due if self.now >= each.deadline),
            provisional=self._provisional(slug),
            undelivered=Counter(str(row.state) for row in self.undelivered if row.workspace == slug),
            next_load=_next_load(workspace, self.now),
            next_reports=_next_reports(workspace, self.now),
            incidents=tuple(each for each in self.incidents if each.seen.workspace == slug),
            at=self.now,
        )

    def _open_reports(self, workspace: Workspace) -> list[Due]:
        """Return the reports that are due and not done, from the first archived report date on."""
        first = self.catalog.first_report_date(workspace.slug)
        archived = ArchivedReports(self.archived, self.skipped)
        return open_reports(workspace, self.catch_up_days, archived, first, self.now)

    def _provisional(self, slug: str) -> tuple[Key, ...]:
        """Return the reports whose version of the newest report date is provisional."""
        newest = {key.report: key for key in sorted(self.archived) if key.workspace == slug}
        return tuple(key for key in newest.values() if self.archived[key].provisional)


def _report_status(due: Due) -> ReportStatus:
    return ReportStatus(due.spec.name, due.report_date, due.at)


def _is_load_overdue(workspace: Workspace, load: LastLoad | None, now: datetime) -> bool:
    """Tell whether yesterday is not loaded to its end an hour after the nightly flow's time."""
    today = local_day(now, workspace.zone)
    tick = instant_at(today, workspace.flow_at, workspace.zone)
    if load is None or load.loaded_until is None or now < tick + _LOAD_GRACE:
        return False
    return load.loaded_until < first_instant(today, workspace.zone)


def _next_load(workspace: Workspace, now: datetime) -> datetime:
    today = local_day(now, workspace.zone)
    ticks = (instant_at(day, workspace.flow_at, workspace.zone) for day in (today, today + DAY))
    return next(tick for tick in ticks if tick > now)


def _next_reports(workspace: Workspace, now: datetime) -> datetime | None:
    """Return when the next report is due; None if there is none within three months."""
    today = local_day(now, workspace.zone)
    for days in (1, _MAX_DAYS_AHEAD):
        ticks = [
            tick.at
            for spec in workspace.all_reports
            for tick in workspace.ticks_of(spec, today, today + days * DAY)
            if tick.at > now and spec.has_begun(tick.report_date)
        ]
        if ticks:
            return min(ticks)
    return None


def _level(incidents: Sequence[Incident]) -> Level:
    severities = {incident.seen.severity for incident in incidents}
    if Severity.ERROR in severities:
        return Level.FAILING
    return Level.ATTENTION if severities else Level.FINE

"""Find the days that a report is missing: a day that was never loaded is not a day with 0 events."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import func, select

from assets.aggregates.lineage import stale_days
from assets.config.workspace import Workspace
from assets.periods import DAY, Period, first_instant, local_day
from assets.warehouse.base import Warehouse
from assets.warehouse.loaded_days import LoadedDays, loaded_days
from assets.warehouse.reading import remembered
from assets.warehouse.schema import LOAD_COUNTS


@dataclass(frozen=True, slots=True)
class Readiness:
    """The loaded days, and those whose log is missing or was built on an older state of earlier days.

    `first_day` is the first day with data: of the workspace, or an earlier one that is loaded.
    """

    loaded: LoadedDays
    stale: frozenset[date]
    first_day: date

    @property
    def has_unstated(self) -> bool:
        """Tell whether an event has no stated previous assignee: it may come from any earlier day."""
        return self.loaded.has_unstated

    def unloaded(self, period: Period, as_of: datetime) -> list[date]:
        """Return the days of *period* that are not loaded up to their end or *as_of*."""
        until = self.loaded.until
        return [
            day
            for day in _begun_days(period, as_of)
            if day not in until or until[day] < min(first_instant(day + DAY, period.zone), as_of)
        ]

    def missing(self, period: Period, as_of: datetime) -> list[date]:
        """Return the days of *period* that are not loaded, or whose log is stale."""
        return sorted({*self.unloaded(period, as_of), *self.stale.intersection(_begun_days(period, as_of))})

    def opening_missing(self, period: Period) -> list[date]:
        """Return the days before *period*, since the first with data, that are missing for its opening."""
        if self.first_day >= period.first_day:
            return []
        return self.missing(Period(self.first_day, period.first_day - DAY, period.zone), period.bounds[0])


@remembered
def read_readiness(warehouse: Warehouse, workspace: Workspace) -> Readiness:
    """Read which days are loaded and which are stale."""
    loaded = loaded_days(warehouse, workspace)
    return Readiness(loaded, frozenset(stale_days(warehouse)), min([workspace.first_day, *loaded.until]))


def _begun_days(period: Period, as_of: datetime) -> list[date]:
    return [day for day in period.days if first_instant(day, period.zone) < as_of]


def not_begun(period: Period, as_of: datetime) -> list[date]:
    """Return the days of *period* that have not begun at *as_of*: nothing is known about them."""
    return [day for day in period.days if first_instant(day, period.zone) >= as_of]


def running_until(warehouse: Warehouse, period: Period, as_of: datetime) -> datetime | None:
    """Return the instant to which the day of *as_of* is loaded; None if not loaded or outside *period*."""
    day = local_day(as_of, period.zone)
    if not period.first_day <= day <= period.last_day:
        return None
    loads = LOAD_COUNTS.c
    latest = warehouse.query(select(func.max(loads.loaded_until)).where(loads.local_day == day))
    until: datetime | None = latest.column(0)[0].as_py()
    return until


@remembered
def first_loaded_day(warehouse: Warehouse) -> date | None:
    """Return the first loaded day, or None."""
    first_day: date | None = warehouse.query(select(func.min(LOAD_COUNTS.c.local_day))).column(0)[0].as_py()
    return first_day

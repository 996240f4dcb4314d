"""The request for one report: warehouse, workspace, configuration, period and as-of instant."""

from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import Self

from assets.config.workspace import ReportSpec, Workspace
from assets.errors import NoSuchReportDate
from assets.periods import Period
from assets.report.readiness import Readiness, first_loaded_day, not_begun, read_readiness, running_until
from assets.report.report_periods import period_of
from assets.warehouse.base import Warehouse


@dataclass(frozen=True)
class ReportRequest:
    """The report *spec* of *workspace* over *period* for *report_date*, counting events before *as_of*."""

    warehouse: Warehouse
    workspace: Workspace
    spec: ReportSpec
    report_date: date
    period: Period
    as_of: datetime

    @classmethod
    def of(
        cls, warehouse: Warehouse, workspace: Workspace, spec: ReportSpec, report_date: date, as_of: datetime
    ) -> Self:
        """Return the request for a report date; a running day counts up to the instant to which it is loaded.

        Raises NoSuchReportDate if the period has not begun.
        """
        period = period_of(spec, report_date, workspace)
        if not spec.has_begun(report_date):
            raise NoSuchReportDate(
                f"{spec.name}: {period.first_day} to {period.last_day} has not begun on {report_date}; "
                "use a later report date, or an earlier `first_day`"
            )
        until = min(as_of, running_until(warehouse, period, as_of) or as_of)
        return cls(warehouse, workspace, spec, report_date, period, until)

    @cached_property
    def stored(self) -> Readiness:
        """Return which days are loaded and which are stale."""
        return read_readiness(self.warehouse, self.workspace)

    @cached_property
    def missing_days(self) -> list[date]:
        """Return the days of the period that cannot be counted; those that have not begun come last."""
        return [*self.stored.missing(self.period, self.as_of), *not_begun(self.period, self.as_of)]

    @property
    def is_before_first_load(self) -> bool:
        """Tell whether the whole period lies before the first day that was ever loaded."""
        first = first_loaded_day(self.warehouse)
        return first is None or self.period.last_day < first

"""Read the log rows of a report, and count them by source and by day."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import TYPE_CHECKING

import pyarrow as pa
from sqlalchemy import ColumnElement, func, select

from assets.aggregates.open_intervals import known_month, last_rows
from assets.config.base import resolve_secret
from assets.config.presentation import Component, Format
from assets.errors import ConfigError
from assets.events import source_label
from assets.periods import DAY, Period, Preset, first_instant
from assets.report.comparison import PreviousPeriod, read_previous_period
from assets.report.components import carries_filters, has_openings, needs_whole_log
from assets.report.encoded_log import EncodedLog, encode_log
from assets.report.filters import Known, filter_conditions, look_up
from assets.report.log_query import ALL, COUNTED, log_rows, read_log_rows
from assets.report.masking import mask_rows
from assets.report.model import DayCount, SourceCount
from assets.report.persons import have_names_only, known_persons
from assets.report.readiness import first_loaded_day
from assets.report.request import ReportRequest
from assets.report.shares import shares_pct
from assets.warehouse.base import Warehouse

if TYPE_CHECKING:
    import pandas as pd  # a second to import; Arrow imports it when a report is counted


@dataclass(frozen=True, slots=True)
class CountedLog:
    """The log rows where *conditions* hold, and each subject's last row before the period.

    *known* are the texts that filter values were compared with.

    *counts* (columns `local_day`, `source`, `count`) are of all rows; *rows* may be only the printed ones.
    *lacking* are the days missing for *before*, *known_since* is the first day it covers. *previous* is the
    previous period, if the report is compared with it. *names* are all that each id had until the period
    ends, for a page that readers filter.
    """

    known: Known
    conditions: Sequence[ColumnElement[bool]]
    counts: "pd.DataFrame"
    rows: pa.Table
    before: pa.Table
    previous: PreviousPeriod | None
    lacking: Sequence[date]
    known_since: date | None
    names: Mapping[str, Sequence[str]]

    def encode(self, rows: pa.Table, before: pa.Table | None = None) -> EncodedLog:
        """Return *rows* encoded, with the teams of its persons if the workspace has any."""
        encoded = encode_log(rows, before, self.names)
        return self.known.teams.add_to(encoded) if self.known.teams else encoded


def count_log(request: ReportRequest) -> CountedLog:
    """Read the log rows of *request*. Raises ConfigError if contacts are masked without a `mask_key`."""
    warehouse, spec, period, as_of = request.warehouse, request.spec, request.period, request.as_of
    known = look_up(warehouse, request.workspace, spec.filters)
    filtered = filter_conditions(spec.filters, known)
    counts = _count_rows(warehouse, period, as_of, filtered)
    total = int(counts["count"].sum())
    if needs_whole_log(spec):
        columns = ALL if Format.PARQUET in spec.formats else COUNTED
        rows = read_log_rows(warehouse, period, as_of, filtered, columns, expected=total)
    else:
        count = spec.printed_rows(total)
        latest = log_rows(_last_days(period, counts, count), as_of, filtered, is_newest_first=True)
        rows = warehouse.query(latest.limit(count))[::-1]
    lacking = request.stored.opening_missing(period) if has_openings(spec) else []
    known_since = lacking[-1] + DAY if lacking else first_loaded_day(warehouse)
    before = _last_steps(warehouse, period, known_since) if has_openings(spec) else rows.slice(0, 0)
    is_compared = Component.COMPARISON in spec.components and spec.preset is not Preset.EXPLORER
    previous = read_previous_period(request, filtered, total) if is_compared else None
    rows, before = complete_rows(request, known, rows, before)
    if previous and previous.rows is not None:
        previous = replace(previous, rows=complete_rows(request, known, previous.rows)[0])
    persons = (known.persons or known_persons(warehouse)) if carries_filters(spec) else None
    names = persons.names_before(min(as_of, period.bounds[1])) if persons else {}
    return CountedLog(known, filtered, counts, rows, before, previous, lacking, known_since, names)


def _last_steps(warehouse: Warehouse, period: Period, known_since: date | None) -> pa.Table:
    """Return the last log row of each subject before *period*, from the day *known_since* on."""
    month = known_month(warehouse, period.first_day)
    return warehouse.query(last_rows(period.first_day, known_since or date.min, month))


def complete_rows(request: ReportRequest, known: Known, *tables: pa.Table) -> list[pa.Table]:
    """Return *tables* of log rows with the ids of persons, and with pseudonyms if contacts are masked.

    Raises ConfigError if contacts are masked without a `mask_key`.
    """
    completed = list(tables)
    if any(map(have_names_only, tables)):
        persons = known.persons or known_persons(request.warehouse)
        completed = [persons.with_ids(table) for table in tables]
    if not request.spec.mask_contacts:
        return completed
    if request.workspace.mask_key is None:
        raise ConfigError(f"{request.workspace.slug}: `mask_contacts` requires the workspace's `mask_key`")
    key = resolve_secret(request.workspace.mask_key)
    return [mask_rows(table, key) for table in completed]


def _count_rows(
    warehouse: Warehouse, period: Period, as_of: datetime, conditions: Sequence[ColumnElement[bool]]
) -> "pd.DataFrame":
    """Return the number of log rows as `count` by `local_day` and `source`, without sorting the rows."""
    log = log_rows(period, as_of, conditions).order_by(None).subquery().c
    selected = select(log.local_day, log.source, func.count().label("count"))
    frame: pd.DataFrame = warehouse.query(selected.group_by(log.local_day, log.source)).to_pandas()
    return frame


def _last_days(period: Period, counts: "pd.DataFrame", rows: int) -> Period:
    """Return the days of *period* that contain its last *rows* rows: only they need to be sorted."""
    by_day = counts.groupby("local_day")["count"].sum().sort_index(ascending=False).cumsum()
    enough = by_day[by_day >= rows]
    return period if enough.empty else Period(enough.index[0], period.last_day, period.zone)


def count_by_source(counts: "pd.DataFrame") -> tuple[SourceCount, ...]:
    """Return the sources of *counts*, most assignments first; ties are ordered by label."""
    totals = counts.groupby("source")["count"].sum()
    ordered = sorted(totals.items(), key=lambda item: (-item[1], source_label(str(item[0])), str(item[0])))
    shares = shares_pct([int(count) for _, count in ordered])
    return tuple(
        SourceCount(source=str(code), label=source_label(str(code)), count=int(count), share_pct=share)
        for (code, count), share in zip(ordered, shares, strict=True)
    )


def count_by_day(request: ReportRequest, counts: "pd.DataFrame") -> tuple[DayCount, ...]:
    """Return each day of the period with its count, and whether it is loaded."""
    period, missing = request.period, set(request.missing_days)
    totals = counts.groupby("local_day")["count"].sum().reindex(period.days, fill_value=0)
    return tuple(
        DayCount(
            day=day,
            count=int(totals.loc[day]),
            is_loaded=day not in missing and first_instant(day, period.zone) < request.as_of,
        )
        for day in period.days
    )

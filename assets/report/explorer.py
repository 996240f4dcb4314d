"""Read the explorer's data from the warehouse."""

from collections import defaultdict
from datetime import date

import pyarrow as pa
from sqlalchemy import select

from assets.aggregates.open_intervals import last_rows
from assets.config.presentation import Component
from assets.extract.source_stall import find_stall
from assets.periods import DAY, Period, first_instant, previous_period
from assets.report.components import has_openings
from assets.report.counting import CountedLog, complete_rows
from assets.report.encoded_log import EncodedLog
from assets.report.explorer_data import CarriedDay, ExplorerData, Problem
from assets.report.holdings import working_time
from assets.report.log_query import read_log_rows
from assets.report.model import Reason
from assets.report.ownership import micros_of
from assets.report.quality import quality_by_day
from assets.report.readiness import first_loaded_day
from assets.report.reasons import stall_reason
from assets.report.request import ReportRequest
from assets.report.steps import encode_subjects, states_previous
from assets.warehouse.base import Warehouse
from assets.warehouse.schema import REJECTED_EVENTS


def read_explorer_data(request: ReportRequest, log: CountedLog) -> ExplorerData:
    """Read the data of the explorer *request*, whose own rows are those of *log*."""
    warehouse, period, as_of = request.warehouse, request.period, request.as_of
    carried, earlier = period, log.rows.slice(0, 0)
    if Component.COMPARISON in request.spec.components:
        compared = previous_period(request.spec.preset, period)
        carried = Period(compared.first_day, period.last_day, period.zone)
        names = log.rows.column_names
        expected = log.rows.num_rows
        earlier = read_log_rows(warehouse, compared, as_of, log.conditions, names, expected=expected)
    opening, lacking = log.rows.slice(0, 0), []
    if has_openings(request.spec):
        lacking = request.stored.opening_missing(carried)
        known_since = lacking[-1] + DAY if lacking else date.min
        names = log.rows.column_names
        columns = {*names, "position"}  # by which they are ordered
        opening = warehouse.query(last_rows(carried.first_day, known_since, columns=columns)).select(names)
    rows = pa.concat_tables([*complete_rows(request, log.known, opening, earlier), log.rows])
    coded, missing = log.encode(rows), set(request.stored.missing(carried, as_of))
    quality = quality_by_day(warehouse, carried)
    return ExplorerData(
        log=coded,
        subject=encode_subjects(rows),
        is_stated=states_previous(rows),
        working=_working_spans(request, coded),
        opening_count=opening.num_rows,
        days=tuple(
            CarriedDay(
                day,
                day not in missing and first_instant(day, carried.zone) < as_of,
                quality.get(day, {}),
            )
            for day in carried.days
        ),
        first_day=request.stored.first_day,
        first_loaded=first_loaded_day(warehouse),
        lacking=tuple(lacking),
        stalls=_find_stalls(request),
        max_rejected_pct=request.workspace.max_rejected_pct,
        problems=_find_problems(warehouse, carried),
    )


def _working_spans(request: ReportRequest, log: EncodedLog) -> tuple[tuple[float, float], ...] | None:
    """Return begin and end of the spans of working time from the first row of *log* on, in seconds."""
    working = working_time(request.workspace)
    if working is None or not len(log):
        return None
    starts, lengths = working.spans(int(log.instants.min()), micros_of(request.period.bounds[1]))
    return tuple(zip((starts / 1e6).tolist(), ((starts + lengths) / 1e6).tolist(), strict=True))


def _find_stalls(request: ReportRequest) -> dict[date, Reason]:
    """Return the reason of each last day at whose end the source is silent."""
    stalls = {}
    for day in reversed(request.period.days):
        end = Period(day, day, request.period.zone).bounds[1]
        stall = find_stall(request.warehouse, request.workspace, min(request.as_of, end))
        if stall is None:
            break
        stalls[day] = stall_reason(stall, request.period)
    return stalls


def _find_problems(warehouse: Warehouse, period: Period) -> tuple[Problem, ...]:
    """Return the inputs that could not be read or gave nothing, each with its days."""
    rejected = REJECTED_EVENTS.c
    rows = warehouse.query(
        select(rejected.problem, rejected.reason, rejected.origin, rejected.local_day)
        .where(rejected.local_day.between(period.first_day, period.last_day), rejected.problem.is_not(None))
        .distinct()
        .order_by(rejected.problem, rejected.reason, rejected.origin, rejected.local_day)
    )
    days = defaultdict[tuple[str, str, str], list[date]](list)
    for problem, reason, origin, day in zip(*(column.to_pylist() for column in rows.columns), strict=True):
        days[problem, reason, origin].append(day)
    return tuple(Problem(*key, tuple(of_input)) for key, of_input in days.items())

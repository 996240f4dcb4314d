"""Reconciliation: count a report's total in independent ways; a difference stops the report."""

from datetime import date, datetime

import numpy as np
from sqlalchemy import BigInteger, and_, cast, func, select

from assets.config.presentation import Filters
from assets.periods import Period, first_instant
from assets.report.durations import seconds
from assets.report.log_query import log_rows
from assets.report.model import Control, ProofLine, Total
from assets.report.ownership import FIRST_PERSON, Intervals, sum_micros
from assets.report.people_model import AssigneeBalance, HandOffs, OwnershipProof, OwnershipTotal, TeamFigures
from assets.report.quality import sum_columns
from assets.report.request import ReportRequest
from assets.warehouse.base import Warehouse
from assets.warehouse.schema import (
    ASSIGNMENT_LOG,
    CONTROL_TOTALS,
    DAILY_SOURCE_AGGREGATES,
    LOAD_COUNTS,
    LOG_COUNTS,
)


def by_assignees(assignees: tuple[AssigneeBalance, ...], hand_offs: HandOffs) -> list[ProofLine]:
    """Return the total as the sum of received contacts, and as that of released ones, over assignees."""
    return _by_balances(assignees, hand_offs, Total.RECEIVED, Total.RELEASED)


def by_teams(teams: TeamFigures | None) -> list[ProofLine]:
    """Return the total as the sum of the matrix by team, and as those of the balances by team."""
    if teams is None:
        return []
    return [
        ProofLine(name=Total.TEAM_HAND_OFFS, total=sum(map(sum, teams.hand_offs.counts))),
        *_by_balances(teams.balances, teams.hand_offs, Total.TEAM_RECEIVED, Total.TEAM_RELEASED),
    ]


def _by_balances(
    balances: tuple[AssigneeBalance, ...], hand_offs: HandOffs, received: Total, released: Total
) -> list[ProofLine]:
    if not balances:
        return []
    to_nobody, from_nobody = sum(row[-1] for row in hand_offs.counts), sum(hand_offs.counts[-1])
    return [
        ProofLine(name=received, total=sum(balance.received for balance in balances) + to_nobody),
        ProofLine(name=released, total=sum(balance.released for balance in balances) + from_nobody),
    ]


def by_aggregates(warehouse: Warehouse, period: Period, as_of: datetime, filters: Filters) -> list[ProofLine]:
    """Return the total from stored counts; empty with filters, or if later events than *as_of* are loaded."""
    loaded_until = warehouse.query(
        select(func.max(LOAD_COUNTS.c.loaded_until)).where(
            LOAD_COUNTS.c.local_day.between(period.first_day, period.last_day)
        )
    ).column(0)[0].as_py()  # fmt: skip
    if filters.active or (loaded_until and loaded_until > as_of):
        return []
    (aggregated,) = sum_columns(warehouse, DAILY_SOURCE_AGGREGATES, period, "assignment_count")
    accepted, unchanged, repeated = sum_columns(
        warehouse, LOG_COUNTS, period, "accepted_count", "no_change_count", "repeated_count"
    )
    return [
        ProofLine(name=Total.AGGREGATES, total=aggregated),
        ProofLine(name=Total.ACCEPTED, total=accepted - unchanged - repeated),
    ]


def by_intervals(
    request: ReportRequest, intervals: Intervals, balances: tuple[AssigneeBalance, ...], since: date | None
) -> tuple[OwnershipProof, ...]:
    """Compare *intervals* with the length of the period, the closing balances, and the stored intervals.

    Of the stored ones, those count that began on the day *since* or later, as in *intervals*.
    """
    steps, ended = intervals.steps, intervals.is_ended
    holders = intervals.owner[intervals.is_open & (intervals.owner >= FIRST_PERSON)] - FIRST_PERSON
    open_counts = np.bincount(holders, minlength=len(steps.labels)).tolist()
    closing = {(balance.assignee, balance.key): balance.closing for balance in balances}
    names = zip(steps.labels, steps.keys, strict=True)
    differing = sum(count != closing.get(name, 0) for name, count in zip(names, open_counts, strict=True))
    subject_count, length = int(steps.is_first.sum()), intervals.end - intervals.start
    stored_count, stored_micros = _sum_stored(request, since)
    return (
        OwnershipProof(
            name=OwnershipTotal.COVERED_TIME,
            counted=seconds(sum_micros(intervals.within)),
            expected=seconds(subject_count * length),
        ),
        OwnershipProof(
            name=OwnershipTotal.OPEN_INTERVALS,
            counted=sum(open_counts),
            expected=sum(closing.values()),
            differing=differing,
        ),
        OwnershipProof(name=OwnershipTotal.ENDED_INTERVALS, counted=int(ended.sum()), expected=stored_count),
        OwnershipProof(
            name=OwnershipTotal.ENDED_TIME,
            counted=seconds(sum_micros(intervals.duration[ended])),
            expected=seconds(stored_micros),
        ),
    )


def _sum_stored(request: ReportRequest, since: date | None) -> tuple[int, int]:
    """Return the number and the sum (microseconds) of the stored intervals that ended in the period."""
    if since is None:
        return 0, 0
    rows = log_rows(request.period, request.as_of).order_by(None).subquery().c
    micros = cast(func.extract("epoch", rows.occurred_at - rows.held_since) * 1_000_000, BigInteger)
    known_from = first_instant(since, request.period.zone)
    found = request.warehouse.query(
        select(func.count(), func.coalesce(func.sum(micros), 0)).where(rows.held_since >= known_from)
    )
    count, total = (int(column[0].as_py()) for column in found.columns)
    return count, total


def by_export(warehouse: Warehouse, period: Period, as_of: datetime, filters: Filters) -> Control | None:
    """Compare with the conversations export; return None with filters, or without an export."""
    controls, log = CONTROL_TOTALS.c, ASSIGNMENT_LOG.c
    if filters.active or not warehouse.query(select(controls.local_day).limit(1)).num_rows:
        return None
    start, end = period.bounds
    is_within = and_(controls.first_assigned_at >= start, controls.last_assigned_at < min(end, as_of))
    is_in_period = controls.local_day.between(period.first_day, period.last_day)
    exported = (
        select(controls.conversation_id, controls.assignment_count)
        .where(is_within, is_in_period)
        .cte("asked")
    )
    logged = (
        select(log.conversation_id, func.count().label("logged"))
        .where(
            log.local_day.between(period.first_day, period.last_day),
            log.conversation_id.in_(select(exported.c.conversation_id)),
        )
        .group_by(log.conversation_id)
        .cte("logged")
    )
    count = func.coalesce(logged.c.logged, 0)
    counted = warehouse.query(
        select(
            func.count().label("conversations"),
            func.coalesce(func.sum(exported.c.assignment_count), 0).label("exported"),
            func.coalesce(func.sum(count), 0).label("logged"),
            func.count().filter(count != exported.c.assignment_count).label("differing"),
        ).select_from(exported.outerjoin(logged, logged.c.conversation_id == exported.c.conversation_id))
    )
    (row,) = counted.to_pylist()
    if not row["conversations"]:
        return None
    return Control(**{name: int(value) for name, value in row.items()})

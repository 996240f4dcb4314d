"""A report's total counted in other ways; one that differs stops the report."""

from datetime import datetime

from sqlalchemy import and_, func, select

from assets.config.presentation import Filters
from assets.periods import Period
from assets.report.model import AssigneeBalance, Control, HandOffs, ProofLine, Total
from assets.report.quality import sum_columns
from assets.warehouse.base import Warehouse
from assets.warehouse.schema import (
    ASSIGNMENT_LOG,
    CONTROL_TOTALS,
    DAILY_SOURCE_AGGREGATES,
    LOAD_COUNTS,
    LOG_COUNTS,
)


def by_assignees(assignees: tuple[AssigneeBalance, ...], hand_offs: HandOffs) -> list[ProofLine]:
    """Return the total by who received contacts, and by who lost them."""
    if not assignees:
        return []
    to_nobody, from_nobody = sum(row[-1] for row in hand_offs.counts), sum(hand_offs.counts[-1])
    return [
        ProofLine(name=Total.RECEIVED, total=sum(each.received for each in assignees) + to_nobody),
        ProofLine(name=Total.RELEASED, total=sum(each.released for each in assignees) + from_nobody),
    ]


def by_aggregates(warehouse: Warehouse, period: Period, as_of: datetime, filters: Filters) -> list[ProofLine]:
    """Return the total by the stored counts, where the report counts all that they count."""
    newest = warehouse.query(
        select(func.max(LOAD_COUNTS.c.loaded_until)).where(
            LOAD_COUNTS.c.local_day.between(period.first_day, period.last_day)
        )
    ).column(0)[0].as_py()  # fmt: skip
    if filters.active or (newest and newest > as_of):
        return []
    (counted,) = sum_columns(warehouse, DAILY_SOURCE_AGGREGATES, period, "assignment_count")
    accepted, unchanged, repeated = sum_columns(
        warehouse, LOG_COUNTS, period, "accepted_count", "no_change_count", "repeated_count"
    )
    return [
        ProofLine(name=Total.AGGREGATES, total=counted),
        ProofLine(name=Total.ACCEPTED, total=accepted - unchanged - repeated),
    ]


def by_export(warehouse: Warehouse, period: Period, as_of: datetime, filters: Filters) -> Control | None:
    """Compare with the conversations export, where there is one and the report counts all."""
    controls, log = CONTROL_TOTALS.c, ASSIGNMENT_LOG.c
    if filters.active or not warehouse.query(select(controls.local_day).limit(1)).num_rows:
        return None
    start, end = period.bounds
    within = and_(controls.first_assigned_at >= start, controls.last_assigned_at < min(end, as_of))
    is_of_days = controls.local_day.between(period.first_day, period.last_day)
    asked = select(controls.conversation_id, controls.assignment_count).where(within, is_of_days).cte("asked")
    logged = (
        select(log.conversation_id, func.count().label("logged"))
        .where(
            log.local_day.between(period.first_day, period.last_day),
            log.conversation_id.in_(select(asked.c.conversation_id)),
        )
        .group_by(log.conversation_id)
        .cte("logged")
    )
    count = func.coalesce(logged.c.logged, 0)
    found = warehouse.query(
        select(
            func.count().label("conversations"),
            func.coalesce(func.sum(asked.c.assignment_count), 0).label("exported"),
            func.coalesce(func.sum(count), 0).label("logged"),
            func.count().filter(count != asked.c.assignment_count).label("differing"),
        ).select_from(asked.outerjoin(logged, logged.c.conversation_id == asked.c.conversation_id))
    )
    (row,) = found.to_pylist()
    if not row["conversations"]:
        return None
    return Control(**{name: int(value) for name, value in row.items()})

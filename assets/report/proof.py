"""A report's total counted in other ways; one that differs stops the report."""

from datetime import datetime

from sqlalchemy import func, select

from assets.periods import Period
from assets.presentation import Filters
from assets.report.model import HandOffs, Holding, ProofLine, Total
from assets.report.quality import sums
from assets.warehouse.schema import DAILY_SOURCE_AGGREGATES, LOAD_COUNTS, LOG_COUNTS
from assets.warehouse.warehouse import Warehouse


def by_assignees(assignees: tuple[Holding, ...], hand_offs: HandOffs) -> list[ProofLine]:
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
    (counted,) = sums(warehouse, DAILY_SOURCE_AGGREGATES, period, "assignment_count")
    accepted, unchanged, repeated = sums(
        warehouse, LOG_COUNTS, period, "accepted_count", "no_change_count", "repeated_count"
    )
    return [
        ProofLine(name=Total.AGGREGATES, total=counted),
        ProofLine(name=Total.ACCEPTED, total=accepted - unchanged - repeated),
    ]

"""What a day's log was built upon: the events of earlier days, which it looks back to.

A day whose earlier days have changed since must be built again; their number tells.
"""

from datetime import date
from itertools import accumulate

from sqlalchemy import select

from assets.warehouse.lake import Lake
from assets.warehouse.schema import LOAD_COUNTS


def accepted_before(warehouse: Lake) -> dict[date, int]:
    """Return for each loaded day the number of accepted events of all the loaded days before it."""
    loads = LOAD_COUNTS.c
    rows = warehouse.query(select(loads.local_day, loads.accepted_count).order_by(loads.local_day))
    days, counts = (column.to_pylist() for column in rows.columns)
    return dict(zip(days, accumulate(counts, initial=0), strict=False))

"""What a day's log was built upon: the events of earlier days, which it looks back to.

A day whose earlier days have changed since must be built again; their digest tells.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import func, select

from assets.warehouse.base import Warehouse
from assets.warehouse.schema import CONTROL_TOTALS, LOAD_COUNTS, LOG_COUNTS

_HOW_IT_WAS_READ = {"local_day", "loaded_until", "zone", "day_start", "day_end", "source_version"}


def history(warehouse: Warehouse) -> dict[date, str]:
    """Return for each loaded day the digest of the events of all the loaded days before it.

    Days without events leave no trace in it, so that loading an empty day changes nothing.
    """
    loads = LOAD_COUNTS.c
    rows = warehouse.query(
        select(loads.local_day, loads.accepted_count, loads.events_sha256).order_by(loads.local_day)
    )
    digest = hashlib.sha256()
    before = {}
    for day, accepted, sha256 in zip(*(column.to_pylist() for column in rows.columns), strict=True):
        before[day] = digest.hexdigest()
        if accepted:
            digest.update(f"{day} {sha256}\n".encode())
    return before


def stale_days(warehouse: Warehouse) -> list[date]:
    """Return the loaded days that have no log, or one built upon other earlier days, in order."""
    logs = LOG_COUNTS.c
    rows = warehouse.query(select(logs.local_day, logs.history_sha256))
    built_upon = dict(zip(*(column.to_pylist() for column in rows.columns), strict=True))
    return [day for day, sha256 in history(warehouse).items() if built_upon.get(day) != sha256]


@dataclass(frozen=True, slots=True)
class DataVersions:
    """What is stored of each day: its log, and what became of the rows read."""

    by_day: Mapping[date, Sequence[object]]

    def of(self, days: Iterable[date], stalled_since: datetime | None = None) -> str:
        """Return the SHA-256 over *days*; one that is not loaded, or has no log, counts as such.

        A source that had stalled since an instant makes a difference, too: it may go on.
        """
        digest = hashlib.sha256(f"{stalled_since}\n".encode() if stalled_since else b"")
        for day in days:
            digest.update(f"{day} {self.by_day.get(day)}\n".encode())
        return digest.hexdigest()


def data_versions(warehouse: Warehouse) -> DataVersions:
    """Read what is stored of every day."""
    loads, logs, controls = LOAD_COUNTS.c, LOG_COUNTS.c, CONTROL_TOTALS.c
    said = [column for column in loads if column.name not in _HOW_IT_WAS_READ]
    control = (
        select(controls.local_day, func.sum(controls.assignment_count).label("control_total"))
        .group_by(controls.local_day)
        .subquery()
    )
    rows = warehouse.query(
        select(loads.local_day, logs.log_sha256, *said, control.c.control_total)
        .outerjoin_from(LOAD_COUNTS, LOG_COUNTS, logs.local_day == loads.local_day)
        .outerjoin(control, control.c.local_day == loads.local_day)
    )
    return DataVersions(
        {day: told for day, *told in zip(*(column.to_pylist() for column in rows.columns), strict=True)}
    )

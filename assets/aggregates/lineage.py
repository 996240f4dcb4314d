"""Lineage of a day's log: a digest of the events of earlier days, which it was built upon.

A day whose earlier days have changed since has another digest, and must be rebuilt.
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
    """Return for each loaded day the digest of the events of all loaded days before it.

    Days without events do not change the digest, so that loading an empty day outdates nothing.
    """
    loads = LOAD_COUNTS.c
    rows = warehouse.query(
        select(loads.local_day, loads.accepted_count, loads.events_sha256).order_by(loads.local_day)
    )
    digest = hashlib.sha256()
    digests = {}
    for day, accepted, sha256 in zip(*(column.to_pylist() for column in rows.columns), strict=True):
        digests[day] = digest.hexdigest()
        if accepted:
            digest.update(f"{day} {sha256}\n".encode())
    return digests


def stale_days(warehouse: Warehouse, histories: Mapping[date, str] | None = None) -> list[date]:
    """Return the loaded days without a log, or with one built upon other earlier days, in order.

    *histories* are those of `history`, if they are known already.
    """
    logs = LOG_COUNTS.c
    rows = warehouse.query(select(logs.local_day, logs.history_sha256))
    built_upon = dict(zip(*(column.to_pylist() for column in rows.columns), strict=True))
    return [day for day, sha256 in (histories or history(warehouse)).items() if built_upon.get(day) != sha256]


@dataclass(frozen=True, slots=True)
class DataVersions:
    """The version of each day's stored data: the digest of its log, and its row counts."""

    by_day: Mapping[date, Sequence[object]]

    def of(self, days: Iterable[date], stalled_since: datetime | None = None) -> str:
        """Return the SHA-256 over *days*; a day that is not loaded, or has no log, contributes too.

        A source that stalled at an instant changes it as well, because its events may resume.
        """
        digest = hashlib.sha256(f"{stalled_since}\n".encode() if stalled_since else b"")
        for day in days:
            digest.update(f"{day} {self.by_day.get(day)}\n".encode())
        return digest.hexdigest()


def data_versions(warehouse: Warehouse) -> DataVersions:
    """Read the version of every stored day."""
    loads, logs, controls = LOAD_COUNTS.c, LOG_COUNTS.c, CONTROL_TOTALS.c
    counts = [column for column in loads if column.name not in _HOW_IT_WAS_READ]
    control = (
        select(controls.local_day, func.sum(controls.assignment_count).label("control_total"))
        .group_by(controls.local_day)
        .subquery()
    )
    rows = warehouse.query(
        select(loads.local_day, logs.log_sha256, *counts, control.c.control_total)
        .outerjoin_from(LOAD_COUNTS, LOG_COUNTS, logs.local_day == loads.local_day)
        .outerjoin(control, control.c.local_day == loads.local_day)
    )
    return DataVersions(
        {day: values for day, *values in zip(*(column.to_pylist() for column in rows.columns), strict=True)}
    )

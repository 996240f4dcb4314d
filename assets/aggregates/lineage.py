"""Lineage of a day's log: a digest of the events of earlier days, which it was built upon.

A day whose earlier days have changed since has another digest, and must be rebuilt.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import func, select

from assets.warehouse.base import Warehouse
from assets.warehouse.reading import remembered
from assets.warehouse.schema import CONTROL_TOTALS, LOAD_COUNTS, LOG_COUNTS

_DIGEST_DIGITS = 16
_HOW_IT_WAS_READ = {"local_day", "loaded_until", "zone", "day_start", "day_end", "source_version"}


def history(warehouse: Warehouse) -> dict[date, str]:
    """Return for each loaded day the digest of the events of all loaded days before it.

    Days without events do not change the digest, so that loading an empty day outdates nothing.
    """
    return {day: loaded.history for day, loaded in read_loaded(warehouse).items()}


def stale_days(warehouse: Warehouse) -> list[date]:
    """Return the loaded days without a log, or with one built upon other earlier days, in order."""
    return [day for day, loaded in read_loaded(warehouse).items() if loaded.is_stale]


@dataclass(frozen=True, slots=True)
class Loaded:
    """A loaded day: its events, those without a stated previous assignee, and the digest of earlier days.

    It is stale if it has no log, or one built upon other earlier days.
    """

    accepted_count: int
    unstated_count: int
    history: str
    is_stale: bool


@remembered
def read_loaded(warehouse: Warehouse) -> Mapping[date, Loaded]:
    """Return the loaded days, in order, by a single query: a lake has as many files as days."""
    loads, logs = LOAD_COUNTS.c, LOG_COUNTS.c
    rows = warehouse.query(
        select(
            loads.local_day,
            loads.accepted_count,
            loads.unstated_count,
            loads.events_sha256,
            logs.history_sha256,
        )
        .outerjoin_from(LOAD_COUNTS, LOG_COUNTS, logs.local_day == loads.local_day)
        .order_by(loads.local_day)
    )
    digest, found = hashlib.sha256(), dict[date, Loaded]()
    for day, accepted, unstated, sha256, built_upon in zip(
        *(column.to_pylist() for column in rows.columns), strict=True
    ):
        history = digest.hexdigest()
        found[day] = Loaded(accepted, unstated, history, is_stale=built_upon != history)
        if accepted:
            digest.update(f"{day} {sha256}\n".encode())
    return found


@dataclass(frozen=True, slots=True)
class DataVersions:
    """The version of each day's stored data: the digest of its log, and its row counts."""

    by_day: Mapping[date, Sequence[object]]

    def digests(self) -> dict[str, str]:
        """Return a short digest of each stored day."""
        return {
            str(day): hashlib.sha256(str(values).encode()).hexdigest()[:_DIGEST_DIGITS]
            for day, values in self.by_day.items()
        }

    def of(self, days: Iterable[date], stalled_since: datetime | None = None) -> str:
        """Return the SHA-256 over *days*; a day that is not loaded, or has no log, contributes too.

        A source that stalled at an instant changes it as well, because its events may resume.
        """
        digest = hashlib.sha256(f"{stalled_since}\n".encode() if stalled_since else b"")
        for day in days:
            digest.update(f"{day} {self.by_day.get(day)}\n".encode())
        return digest.hexdigest()


@remembered
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

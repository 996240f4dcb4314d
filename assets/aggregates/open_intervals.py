"""Who held each subject when a month began: builds and reports look back no further than that.

`open_intervals` has the last log row of each subject before the first of some months. It is only a shorter
way to them: where it is missing, or other events were loaded since, the log itself is read.
"""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, column, func, literal, select, true, union_all

from assets.aggregates.lineage import history
from assets.warehouse.base import Warehouse
from assets.warehouse.schema import ASSIGNMENT_EVENTS, ASSIGNMENT_LOG, OPEN_INTERVALS, stored_schema
from assets.warehouse.subjects import subject_of

_KEPT = 4
_LONGEST_MONTH = timedelta(31)
_OWN = {"local_day", "event_day", "subject", "history_sha256"}
COLUMNS = tuple(column.name for column in OPEN_INTERVALS.c if column.name not in _OWN)
"""The columns of the log that it has."""


def last_rows(
    before: date,
    since: date = date.min,
    month: date | None = None,
    *,
    columns: Iterable[str] = COLUMNS,
    of_days: tuple[date, date] | None = None,
) -> Select[Any]:
    """Return the query for each subject's last log row before the day *before*, and not before *since*.

    It has `subject`, `event_day` and *columns*. With *month*, one of `known_months`, it reads the log from
    there on only; with *of_days*, it finds the subjects that have events on these days.
    """
    log, kept, names = ASSIGNMENT_LOG.c, OPEN_INTERVALS.c, tuple(columns)
    is_asked: ColumnElement[bool] = true()
    if of_days:
        events = ASSIGNMENT_EVENTS.c
        asked = select(subject_of(events)).where(events.local_day.between(*of_days))
        is_asked = column("subject").in_(asked)
    subject, event_day = subject_of(log).label("subject"), log.local_day.label("event_day")
    read = select(subject, event_day, *(log[name] for name in names)).where(
        log.local_day >= max(since, month or since), log.local_day < before
    )
    stored = select(kept.subject, kept.event_day, *(kept[name] for name in names if month)).where(
        kept.local_day == month, kept.event_day >= since
    )
    rows = union_all(read, stored) if month else read
    found = select(*rows.subquery().c).where(is_asked).cte("found").c
    newest_first = func.row_number().over(
        partition_by=found.subject, order_by=(found.occurred_at.desc(), found.position.desc())
    )
    ranked = select(*found, newest_first.label("age")).cte("ranked").c
    return (
        select(ranked.subject, ranked.event_day, *(ranked[name] for name in names))
        .where(ranked.age == 1)
        .order_by(ranked.occurred_at, ranked.position)
    )


def known_month(warehouse: Warehouse, day: date, histories: Mapping[date, str] | None = None) -> date | None:
    """Return the latest month of `open_intervals` up to *day* that holds for the events loaded now."""
    histories = history(warehouse) if histories is None else histories
    valid = _valid_months(_kept_months(warehouse), histories)
    return max((month for month in valid if month <= day), default=None)


def keep_month(warehouse: Warehouse, days: list[date], histories: Mapping[date, str]) -> None:
    """Store the month of the last of *days*, which were just built, unless they go far back before it.

    Months that are outdated, and all but the latest ones, are deleted.
    """
    month = days[-1].replace(day=1)
    kept = _kept_months(warehouse)
    valid = _valid_months(kept, histories)
    if month not in valid and min(histories) < month and days[0] >= month - _LONGEST_MONTH:
        sha256 = _digest_at(month, histories)
        earlier = max((each for each in valid if each < month), default=None)
        found = last_rows(month, month=earlier).order_by(None).subquery().c
        row = select(literal(month).label("local_day"), literal(sha256).label("history_sha256"), *found)
        table = warehouse.query(row.order_by(found.subject)).select(stored_schema(OPEN_INTERVALS).names)
        rows = table.cast(stored_schema(OPEN_INTERVALS))
        warehouse.replace_days(OPEN_INTERVALS, [month], rows.to_reader())
        valid.append(month)
    latest = sorted(valid)[-_KEPT:]
    warehouse.forget(OPEN_INTERVALS, [each for each in {*kept, *valid} if each not in latest])


def _valid_months(kept: Mapping[date, str], histories: Mapping[date, str]) -> list[date]:
    """Return the months of *kept* that were made of the events that are loaded now."""
    return [month for month, sha256 in kept.items() if sha256 == _digest_at(month, histories)]


def _kept_months(warehouse: Warehouse) -> dict[date, str]:
    kept = OPEN_INTERVALS.c
    rows = warehouse.query(select(kept.local_day, func.min(kept.history_sha256)).group_by(kept.local_day))
    return dict(zip(*(column.to_pylist() for column in rows.columns), strict=True))


def _digest_at(month: date, histories: Mapping[date, str]) -> str | None:
    """Return the digest of the events of all loaded days before *month*; None if no later day is loaded."""
    later = [day for day in histories if day >= month]
    return histories[min(later)] if later else None

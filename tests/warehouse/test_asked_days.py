"""Which days a query can read is found in its conditions; where that is not certain, it reads all."""

from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import ColumnElement, Select, TextClause, exists, func, not_, or_, select, text, union_all

from assets.errors import StorageUnusable
from assets.warehouse.asked_days import asked_days
from assets.warehouse.schema import ASSIGNMENT_EVENTS, ASSIGNMENT_LOG, LOAD_COUNTS
from tests.conftest import Inbox

_LOG, _OTHER = ASSIGNMENT_LOG.c, ASSIGNMENT_LOG.alias("other")
_FIRST, _SECOND, _THIRD = (date(2024, 3, day) for day in (1, 2, 3))


def _sources(*conditions: ColumnElement[bool] | TextClause) -> Select[tuple[str]]:
    return select(_LOG.source).where(*conditions)


@pytest.mark.parametrize(
    ("query", "days"),
    [
        (_sources(_LOG.local_day.between(_FIRST, _THIRD)), [_FIRST, _SECOND, _THIRD]),
        (_sources(_LOG.local_day.between(_FIRST, _THIRD), _LOG.local_day > _SECOND), [_SECOND, _THIRD]),
        (_sources(_LOG.local_day >= _FIRST, _LOG.local_day <= _SECOND), [_FIRST, _SECOND]),
        (_sources(_LOG.local_day.in_([_THIRD, _FIRST]), _LOG.local_day < _SECOND), [_FIRST, _SECOND]),
        (union_all(_sources(_LOG.local_day == _FIRST), _sources(_LOG.local_day == _THIRD)), [_FIRST, _THIRD]),
        (select(_sources(_LOG.local_day == _FIRST).subquery()), [_FIRST]),
        (select(select(func.count()).where(_LOG.local_day == _FIRST).scalar_subquery()), [_FIRST]),
        (
            select(_LOG.source)
            .outerjoin_from(ASSIGNMENT_LOG, LOAD_COUNTS, _LOG.local_day == LOAD_COUNTS.c.local_day)
            .where(_LOG.local_day == _FIRST),
            [_FIRST],
        ),
    ],
)
def test_bounded_days_are_found(query: Select[tuple[str]], days: list[date]) -> None:
    assert asked_days(query)["assignment_log"] == days


@pytest.mark.parametrize(
    "query",
    [
        _sources(),
        _sources(_LOG.local_day < _SECOND),
        _sources(_LOG.local_day.between(date(1999, 1, 1), _THIRD)),
        _sources(not_(_LOG.local_day == _FIRST)),
        _sources(or_(_LOG.local_day == _FIRST, _LOG.source == "workflow")),
        _sources(_LOG.local_day == _FIRST, text("source IN (SELECT source FROM assignment_log)")),
        union_all(_sources(_LOG.local_day == _FIRST), _sources()),
        _sources(_LOG.local_day == _FIRST, exists().where(_OTHER.c.source == _LOG.source)),
        _sources(_LOG.local_day.between(_LOG.local_day, _THIRD)),
    ],
)
def test_days_that_are_not_bounded_for_certain_are_all(query: Select[tuple[str]]) -> None:
    assert asked_days(query)["assignment_log"] is None


def test_the_tables_that_are_read_are_found() -> None:
    both = union_all(_sources(_LOG.local_day == _FIRST), select(LOAD_COUNTS.c.zone))
    assert asked_days(both) == {"assignment_log": [_FIRST], "load_counts": None}


def test_only_the_files_of_the_asked_days_are_opened(tmp_path: Path) -> None:
    inbox = Inbox(tmp_path)
    inbox.write("1,2024-03-01T12:00:00Z,v,c,Ann,,Zoe,user,", "2,2024-03-02T12:00:00Z,v,c,Ann,,Zoe,user,")
    inbox.load(_FIRST, _SECOND)
    (
        inbox.folder / "lake" / "acme" / "assignment_events" / "local_day=2024-03-01" / "part.parquet"
    ).write_text("?")
    days = select(ASSIGNMENT_EVENTS.c.event_id)
    asked = inbox.lake.query(days.where(ASSIGNMENT_EVENTS.c.local_day.in_([_SECOND, _THIRD])))
    assert asked.to_pylist() == [{"event_id": "2"}]
    with pytest.raises(StorageUnusable, match="2024-03-01"):
        inbox.lake.query(days)

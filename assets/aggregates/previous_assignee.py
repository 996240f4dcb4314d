"""Queries that look at earlier rows: which have an id that is taken, and the previous assignee of an event.

They read earlier days and write nothing.
"""

from datetime import date
from typing import Any

import pyarrow as pa
from sqlalchemy import (
    ARRAY,
    CTE,
    BigInteger,
    ColumnElement,
    Date,
    Select,
    and_,
    case,
    cast,
    exists,
    false,
    func,
    literal,
    or_,
    select,
    true,
    union_all,
)
from sqlalchemy.sql.base import ReadOnlyColumnCollection

from assets.periods import Period
from assets.warehouse.schema import ASSIGNMENT_EVENTS
from assets.warehouse.subjects import subject_of

_Columns = ReadOnlyColumnCollection[str, Any]


def id_hashes(first: date, last: date) -> Select[Any]:
    """Return the hash of the id of each event of *first* to *last*; numbers are compared much faster."""
    events = ASSIGNMENT_EVENTS.c
    return select(func.id_hash(events.event_id)).where(events.local_day.between(first, last))


def has_earlier_ids(first: date, last: date) -> Select[Any]:
    """Return whether an event of *first* to *last* has, by its hash, the id of an earlier event.

    The query counts: for an EXISTS, PostgreSQL expects a match soon and plans a nested loop.
    """
    new, old = ASSIGNMENT_EVENTS.alias("new").c, ASSIGNMENT_EVENTS.alias("old").c
    earlier = exists().where(func.id_hash(old.event_id) == func.id_hash(new.event_id), old.local_day < first)
    return select(func.count() > 0).where(new.local_day.between(first, last), earlier)


def rows_of_shared_ids(since: date, last: date) -> Select[Any]:
    """Return the events up to *last*, in order, that decide which of them have an id that is taken.

    They are the events of the ids that several have, one of them *since* a day, and all events of the
    subjects of those whose source does not state the previous assignee. Hashes are compared, because there
    are many ids.
    """
    events = ASSIGNMENT_EVENTS.c
    hashed, subject = func.id_hash(events.event_id), subject_of(events)
    is_earlier = events.local_day <= last
    recent = select(hashed).where(events.local_day.between(since, last))
    shared = select(hashed).where(is_earlier, hashed.in_(recent)).group_by(hashed).having(func.count() > 1)
    unstated = select(subject).where(is_earlier, hashed.in_(shared), ~events.previous_stated)
    names = ("local_day", "position", "event_id", "previous_stated", "assignee_id", "assignee_name")
    return (
        select(*(events[name] for name in names), subject.label("subject"))
        .where(is_earlier, or_(hashed.in_(shared), subject.in_(unstated)))
        .order_by(events.local_day, events.position)
    )


def known_assignees(period: Period, repeated: pa.Table) -> Select[Any]:
    """Return for each accepted event of *period*, in the log's order, the assignee just before it.

    `known_id` and `known_name` are those of the subject's last event, null where the source states the
    previous assignee. *repeated* names the rows that are no events (`local_day`, `position`).
    """
    events = ASSIGNMENT_EVENTS.c
    days, positions = (repeated[name].to_pylist() for name in ("local_day", "position"))
    repeated_rows = select(
        func.unnest(cast(literal(days, ARRAY(Date)), ARRAY(Date))).label("local_day"),
        func.unnest(cast(literal(positions, ARRAY(BigInteger)), ARRAY(BigInteger))).label("position"),
    ).cte("repeated")
    selected = (
        select(ASSIGNMENT_EVENTS, subject_of(events).label("subject"))
        .where(events.local_day.between(period.first_day, period.last_day))
        .cte("asked")
        .prefix_with("NOT MATERIALIZED")  # it is the whole period, and a scan streams it
    )
    unstated = select(selected.c.subject).where(~selected.c.previous_stated)
    earlier = (
        select(ASSIGNMENT_EVENTS, subject_of(events).label("subject"))
        .where(events.local_day < period.first_day, subject_of(events).in_(unstated))
        .cte("earlier")
    )
    known = _last_known(selected.c, earlier.c, unstated, repeated_rows.c)
    event = selected.c
    return (
        select(
            event.local_day,
            case((~event.previous_stated, known.c.known_id)).label("known_id"),
            case((~event.previous_stated, known.c.known_name)).label("known_name"),
        )
        .select_from(selected)
        .outerjoin(known, and_(known.c.occurred_at == event.occurred_at, known.c.position == event.position))
        .order_by(event.local_day, event.position)
    )


def _last_known(
    selected: _Columns, earlier: _Columns, unstated: Select[tuple[str]], repeated: _Columns
) -> CTE:
    """Return the assignee just before each selected event of a subject whose source does not state it."""
    names = ("subject", "occurred_at", "position", "assignee_id", "assignee_name")
    selected_steps = select(*(selected[name] for name in names), true().label("is_asked")).where(
        selected.subject.in_(unstated), _is_event(selected, repeated)
    )
    newest_first = func.row_number().over(
        partition_by=earlier.subject, order_by=(earlier.occurred_at.desc(), earlier.position.desc())
    )
    aged = (
        select(*(earlier[name] for name in names), newest_first.label("age"))
        .where(_is_event(earlier, repeated))
        .cte("aged")
    )
    last_steps = select(*(aged.c[name] for name in names), false().label("is_asked")).where(aged.c.age == 1)
    steps = union_all(selected_steps, last_steps).cte("steps").c
    order = (steps.occurred_at, steps.position)
    stepped = select(
        steps.position,
        steps.occurred_at,
        steps.is_asked,
        func.lag(steps.assignee_id).over(partition_by=steps.subject, order_by=order).label("known_id"),
        func.lag(steps.assignee_name).over(partition_by=steps.subject, order_by=order).label("known_name"),
    ).cte("stepped")
    return select(stepped).where(stepped.c.is_asked).cte("known")


def _is_event(rows: _Columns, repeated: _Columns) -> ColumnElement[bool]:
    """Return whether a row is not *repeated*: such a row changes no assignee."""
    is_repeated = repeated.local_day == rows.local_day, repeated.position == rows.position
    return ~exists().where(*is_repeated)

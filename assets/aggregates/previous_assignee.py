"""Queries that look at earlier days: ids that occur there already, and the previous assignee of an event.

They read earlier days and write nothing.
"""

from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import (
    ARRAY,
    CTE,
    ColumnElement,
    Date,
    Select,
    Text,
    and_,
    case,
    cast,
    exists,
    false,
    func,
    literal,
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


def repeated_ids(first: date, last: date) -> Select[Any]:
    """Select the ids that the log of *first* to *last* depends on and that several days up to *last* have.

    Returns `event_id` and its `first_day`, the only day on which it counts. Hashes are compared first,
    because there are many ids.
    """
    events = ASSIGNMENT_EVENTS.c
    hashed = func.id_hash(events.event_id)
    is_in_period = events.local_day.between(first, last)
    unstated = select(subject_of(events)).where(is_in_period, ~events.previous_stated)
    of_contacts = select(hashed).where(events.local_day < last, subject_of(events).in_(unstated))
    on_several_days = func.min(events.local_day) < func.max(events.local_day)
    suspects = union_all(
        select(hashed).where(events.local_day < first, hashed.in_(select(hashed).where(is_in_period))),
        select(hashed).where(is_in_period).group_by(hashed).having(on_several_days),
        select(hashed).where(hashed.in_(of_contacts)).group_by(hashed).having(on_several_days),
    )
    return (
        select(events.event_id, func.min(events.local_day).label("first_day"))
        .where(events.local_day <= last, hashed.in_(suspects))
        .group_by(events.event_id)
        .having(on_several_days)
    )


def known_assignees(period: Period, repeated_ids: Sequence[tuple[str, date]]) -> Select[Any]:
    """Return for each accepted event of *period*, in the log's order, the assignee just before it.

    `known_id` and `known_name` are those of the subject's last event, null where the source states the
    previous assignee. *repeated_ids* are the ids that occur on several days, each with its first day.
    """
    events = ASSIGNMENT_EVENTS.c
    ids, first_days = ([pair[at] for pair in repeated_ids] for at in (0, 1))
    repeated = select(
        func.unnest(cast(literal(ids, ARRAY(Text)), ARRAY(Text))).label("event_id"),
        func.unnest(cast(literal(first_days, ARRAY(Date)), ARRAY(Date))).label("first_day"),
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
    known = _last_known(selected.c, earlier.c, unstated, repeated.c)
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
    names = ("subject", "occurred_at", "position", "event_id", "assignee_id", "assignee_name")
    selected_steps = select(*(selected[name] for name in names), true().label("is_asked")).where(
        selected.subject.in_(unstated), _is_first_of_id(selected, repeated)
    )
    newest_first = func.row_number().over(
        partition_by=earlier.subject, order_by=(earlier.occurred_at.desc(), earlier.position.desc())
    )
    aged = (
        select(*(earlier[name] for name in names), newest_first.label("age"))
        .where(_is_first_of_id(earlier, repeated))
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


def _is_first_of_id(events: _Columns, repeated: _Columns) -> ColumnElement[bool]:
    """Return whether an event is the first with its id: a repeated one changes no assignee."""
    return ~exists().where(repeated.event_id == events.event_id, repeated.first_day < events.local_day)

"""Accepted events with their previous assignee resolved and their verdict, as one query.

An event whose id an earlier day has is `repeated`; one that leaves the last known assignee as it was
is `no_change`; the others are `logged`. Reads earlier days; writes nothing.
"""

from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    Select,
    and_,
    case,
    false,
    func,
    literal,
    or_,
    select,
    true,
    union_all,
)
from sqlalchemy.sql.base import ReadOnlyColumnCollection

from assets.events import Action
from assets.periods import Period
from assets.warehouse.schema import ASSIGNMENT_EVENTS

_Columns = ReadOnlyColumnCollection[str, Any]
_CARRIED = (
    "event_id",
    "occurred_at",
    "conversation_id",
    "contact_id",
    "contact_name",
    "assignee_id",
    "assignee_name",
)
_PROVENANCE = ("origin", "time_quality", "source_quality")


def judged_events(period: Period) -> Select[Any]:
    """Return the log's columns and `verdict` for each accepted event of *period*, in the log's order."""
    asked = select(ASSIGNMENT_EVENTS, _contact(ASSIGNMENT_EVENTS.c).label("contact")).where(
        ASSIGNMENT_EVENTS.c.local_day.between(period.first_day, period.last_day)
    ).cte("asked")  # fmt: skip
    first_days = _first_days(asked.c, period)
    known = _last_known(asked.c, period)
    event = asked.c
    was_id = case((event.previous_stated, event.previous_assignee_id), else_=known.c.known_id)
    was_name = case((event.previous_stated, event.previous_assignee_name), else_=known.c.known_name)
    verdict = case(
        (first_days.c.first_day < event.local_day, "repeated"),
        (and_(~event.previous_stated, _is_same(was_id, was_name, event)), "no_change"),
        else_="logged",
    )
    action = case(
        (func.coalesce(event.assignee_id, event.assignee_name).is_(None), Action.UNASSIGNED.value),
        (func.coalesce(was_id, was_name).is_(None), Action.ASSIGNED.value),
        else_=Action.REASSIGNED.value,
    )
    by_user = event.source == "user"
    return (
        select(
            event.local_day,
            *(event[name] for name in _CARRIED),
            was_id.label("previous_assignee_id"),
            was_name.label("previous_assignee_name"),
            event.source,
            case((by_user, event.assigned_by_id)).label("assigned_by_id"),
            case((by_user, event.assigned_by_name)).label("assigned_by_name"),
            *(event[name] for name in _PROVENANCE),
            action.label("action"),
            case((event.previous_stated, "stated"), else_="inferred").label("previous_quality"),
            verdict.label("verdict"),
        )
        .join_from(asked, first_days, first_days.c.event_id == event.event_id)
        .outerjoin(known, and_(known.c.event_id == event.event_id, known.c.occurred_at == event.occurred_at))
        .order_by(event.local_day, event.occurred_at, event.event_id)
    )


def _contact(events: _Columns) -> ColumnElement[str]:
    """Whose assignee changes: the contact's; a conversation without a contact stands for itself."""
    return func.coalesce(events.contact_id, literal("conversation ") + events.conversation_id)


def _first_days(asked: _Columns, period: Period) -> CTE:
    """Find the first day on which each asked id occurs."""
    events = ASSIGNMENT_EVENTS.c
    return (
        select(events.event_id, func.min(events.local_day).label("first_day"))
        .where(events.local_day <= period.last_day, events.event_id.in_(select(asked.event_id)))
        .group_by(events.event_id)
        .cte("first_days")
    )


def _last_known(asked: _Columns, period: Period) -> CTE:
    """Find the assignee just before each asked event of a contact whose source does not state it."""
    unstated = select(asked.contact).where(~asked.previous_stated)
    events = ASSIGNMENT_EVENTS.c
    newest_first = func.row_number().over(
        partition_by=_contact(events), order_by=(events.occurred_at.desc(), events.event_id.desc())
    )
    earlier = (
        select(ASSIGNMENT_EVENTS, _contact(events).label("contact"), newest_first.label("age"))
        .where(events.local_day < period.first_day, _contact(events).in_(unstated))
        .cte("earlier")
    )
    names = ("contact", "occurred_at", "event_id", "assignee_id", "assignee_name")
    steps = union_all(
        select(*(asked[name] for name in names), true().label("is_asked")).where(asked.contact.in_(unstated)),
        select(*(earlier.c[name] for name in names), false().label("is_asked")).where(earlier.c.age == 1),
    ).cte("steps")
    order = (steps.c.occurred_at, steps.c.event_id)
    known = select(
        steps,
        func.lag(steps.c.assignee_id).over(partition_by=steps.c.contact, order_by=order).label("known_id"),
        func.lag(steps.c.assignee_name)
        .over(partition_by=steps.c.contact, order_by=order)
        .label("known_name"),
    ).cte("stepped")
    return select(known).where(known.c.is_asked).cte("known")


def _is_same(
    was_id: ColumnElement[Any], was_name: ColumnElement[Any], event: _Columns
) -> ColumnElement[bool]:
    """Tell whether the assignee stays: by id where both have one, else by name, else nobody stays nobody."""
    same = or_(
        was_id == event.assignee_id,
        and_(or_(was_id.is_(None), event.assignee_id.is_(None)), was_name == event.assignee_name),
        func.coalesce(was_id, was_name, event.assignee_id, event.assignee_name).is_(None),
    )
    return func.coalesce(same, false())

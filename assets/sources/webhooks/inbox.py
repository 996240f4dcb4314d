"""The inbox of received webhooks, as they came: one row per event, inserted once and never changed.

Signatures are checked by the receiver; sources decide what an event means.
"""

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, TypedDict

import pyarrow as pa
from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Engine,
    Index,
    MetaData,
    Select,
    Table,
    Text,
    create_engine,
    delete,
    event,
    exists,
    func,
    insert,
    inspect,
    make_url,
    or_,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import SQLAlchemyError

from assets.runtime.extras import require
from assets.sources.base import Problem, Unreadable
from assets.sources.database.connections import open_database, source_error
from assets.sources.files.json_text import whole_escapes

METADATA = MetaData()

RECEIVED_EVENTS = Table(
    "received_events",
    METADATA,
    Column("workspace", Text, primary_key=True),
    Column("event_id", Text, primary_key=True, comment="the sender's; of its bytes where it gives none"),
    Column("received_at", BigInteger, nullable=False, comment="UTC, microseconds since 1970"),
    Column("kind", Text, nullable=False, comment="what the sender calls it"),
    Column("contact_id", Text, comment="whom it is about, to find what else is about them"),
    Column("body", Text, nullable=False, comment="JSON, as received"),
    Index("received_in_order", "workspace", "received_at"),
    Index("received_of_contact", "workspace", "contact_id", "received_at"),
    comment="events as webhooks brought them, and differences that contact snapshots showed",
)

CONTACT_STATES = Table(
    "contact_states",
    METADATA,
    Column("workspace", Text, primary_key=True),
    Column("contact_id", Text, primary_key=True),
    Column("assignee_id", Text),
    Column("assignee_name", Text),
    Column("seen_at", BigInteger, nullable=False, comment="UTC, microseconds since 1970"),
    comment="each contact's assignee at the last snapshot",
)

PRUNED_INBOXES = Table(
    "pruned_inboxes",
    METADATA,
    Column("workspace", Text, primary_key=True),
    Column("before", BigInteger, nullable=False, comment="UTC, microseconds since 1970"),
    comment="up to which instant received events were deleted",
)

RECEIVED = RECEIVED_EVENTS.c
_READ = pa.schema(
    {
        "event_id": pa.string(),
        "received_at": pa.int64(),
        "kind": pa.string(),
        "contact_id": pa.string(),
        "body": pa.string(),
    }
)
_IMPERSONAL = {
    *("event_type", "event_id", "event", "id", "changed_attributes", "updated_at", "not_before", "fault"),
    *("assignee", "oldAssignee", "source", "assignedBy", "assignedBySource"),
}
_OF_CONVERSATION = {"id", "openedTime", "conversationOpenedAt", "closedTime", "lastAssignmentTime"}
_HISTORY = timedelta(days=31)
_AT_ONCE = 2_000
_EPOCH, _MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)


class Received(TypedDict):
    """One row of `received_events`."""

    workspace: str
    event_id: str
    received_at: int
    kind: str
    contact_id: str | None
    body: str


@cache
def open_inbox(url: str) -> Engine:
    """Return the engine of the inbox at *url*, and create its tables; a commit is on disk when it returns.

    For writers only: reading creates nothing.
    """
    if make_url(url).get_backend_name() == "sqlite":
        Path(make_url(url).database or "").parent.mkdir(parents=True, exist_ok=True)
    engine = _create_engine(url)
    METADATA.create_all(engine)
    return engine


@cache
def _create_engine(url: str) -> Engine:
    if make_url(url).get_backend_name() == "sqlite":
        engine = create_engine(url, hide_parameters=True, connect_args={"timeout": 30})
        event.listen(engine, "connect", _set_durable)
        return engine
    require("postgresql", "source.inbox")
    return create_engine(url, hide_parameters=True, pool_pre_ping=True)


def _set_durable(connection: DBAPIConnection, _: object) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA secure_delete = ON")  # overwrites deleted content
    cursor.execute("PRAGMA synchronous = FULL")  # NORMAL loses the last commits in a power failure


def store_events(inbox: Engine, rows: list[Received]) -> int:
    """Insert *rows* in one transaction; return the number of new ones. An existing row stays as it is."""
    insert: Any = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}[inbox.dialect.name]
    statement = insert(RECEIVED_EVENTS).on_conflict_do_nothing()
    with inbox.begin() as connection:
        return sum(connection.execute(statement, row).rowcount for row in rows)


def read_events(url: str, *statements: Select[Any]) -> pa.Table:
    """Return the rows of *statements*: event_id, received_at (microseconds), kind, contact_id, body.

    An inbox that does not exist has no rows; nothing is created.
    """
    batches: list[pa.RecordBatch] = []
    if is_there(url):
        with open_database(make_url(url), "inbox") as database:
            batches = [batch for statement in statements for batch in database.batches(statement)]
    rows = pa.Table.from_batches([batch.cast(_READ) for batch in batches], _READ).combine_chunks()
    bodies = whole_escapes(rows["body"].combine_chunks())
    return rows.set_column(rows.schema.names.index("body"), "body", bodies)


def is_there(url: str) -> bool:
    """Return whether a receiver has ever stored anything at *url*. Raises SourceError."""
    place = make_url(url)
    if place.get_backend_name() == "sqlite":
        return Path(place.database or "").exists()
    try:
        return inspect(_create_engine(url)).has_table(RECEIVED_EVENTS.name)
    except SQLAlchemyError as error:
        raise source_error(place, "inbox", getattr(error, "orig", None) or error) from None


def last_received_at(url: str, workspace: str) -> datetime | None:
    """Return when the last webhook was received, or None where none was. Raises SourceError."""
    return _received_at(url, workspace, func.max(RECEIVED.received_at))


def _received_at(url: str, workspace: str, extreme: ColumnElement[int]) -> datetime | None:
    if not is_there(url):
        return None
    query = select(extreme.label("at")).where(RECEIVED.workspace == workspace)
    with open_database(make_url(url), "inbox") as database:
        microseconds = database.table(query).column("at")[0].as_py()
    return None if microseconds is None else _EPOCH + timedelta(microseconds=int(microseconds))


def first_received_at(url: str, workspace: str) -> datetime | None:
    """Return when the first stored webhook was received, or None where none was. Raises SourceError."""
    return _received_at(url, workspace, func.min(RECEIVED.received_at))


def last_snapshot_at(inbox: Engine, workspace: str) -> datetime | None:
    """Return when the last contact snapshot began, or None where there is none."""
    states = CONTACT_STATES.c
    with inbox.connect() as connection:
        first = connection.scalar(select(func.min(states.seen_at)).where(states.workspace == workspace))
    return None if first is None else _EPOCH + timedelta(microseconds=first)


def never_received(url: str, workspace: str) -> Unreadable | None:
    """Return the problem of a workspace without any webhook so far, whose count of 0 means nothing."""
    if last_received_at(url, workspace) is not None:
        return None
    reason = (
        f"webhooks: none received yet for {workspace}; check that `assignment-reports webhooks` runs "
        "and is reachable"
    )
    return Unreadable("webhooks", reason, Problem.GAVE_NOTHING)


def deleted_before(url: str, workspace: str, start: datetime) -> Unreadable | None:
    """Return the problem of a workspace some of whose webhooks since *start* were deleted, if they were."""
    engine, pruned = _create_engine(url), PRUNED_INBOXES.c
    if not inspect(engine).has_table(PRUNED_INBOXES.name):
        return None
    with engine.connect() as connection:
        before = connection.scalar(select(pruned.before).where(pruned.workspace == workspace))
    if before is None or before <= to_microseconds(start):
        return None
    until = _EPOCH + timedelta(microseconds=before)
    reason = (
        f"webhooks before {until:%Y-%m-%d %H:%M} UTC were deleted (`keep_webhooks_days`); import a file with "
        "these days"
    )
    return Unreadable("webhooks", reason)


def delete_events(
    inbox: Engine, workspace: str, before: datetime, *, history: Sequence[str], opening: str
) -> int:
    """Delete what *workspace* received before that instant and no later day needs; return the number.

    The last event stays. Of the kinds *history*, each contact's events of the month up to its last *opening*
    stay, too: they say which conversation a later assignment is in.
    """
    limit, later = to_microseconds(before), RECEIVED_EVENTS.alias("later")
    is_superseded = exists().where(
        later.c.workspace == RECEIVED.workspace,
        later.c.contact_id == RECEIVED.contact_id,
        later.c.kind == opening,
        later.c.received_at > RECEIVED.received_at + _HISTORY // _MICROSECOND,
        later.c.received_at < limit,
    )
    newest = select(func.max(later.c.received_at)).where(later.c.workspace == workspace).scalar_subquery()
    expired = (
        select(RECEIVED.event_id)
        .where(RECEIVED.workspace == workspace, RECEIVED.received_at < limit, RECEIVED.received_at < newest)
        .where(or_(RECEIVED.kind.not_in(history), is_superseded))
    )
    with inbox.begin() as connection:  # first: whoever reads then knows that events are missing
        connection.execute(delete(PRUNED_INBOXES).where(PRUNED_INBOXES.c.workspace == workspace))
        connection.execute(insert(PRUNED_INBOXES).values(workspace=workspace, before=limit))
        ids = list(connection.scalars(expired))
    for first in range(0, len(ids), _AT_ONCE):  # the receiver writes in between
        with inbox.begin() as connection:
            some = RECEIVED.event_id.in_(ids[first : first + _AT_ONCE])
            connection.execute(delete(RECEIVED_EVENTS).where(RECEIVED.workspace == workspace, some))
    return len(ids)


def received_between(workspace: str, start: datetime, end: datetime) -> Select[Any]:
    """Select what a workspace received from *start* on and before *end*."""
    return _select_received(workspace).where(
        RECEIVED.received_at >= to_microseconds(start), RECEIVED.received_at < to_microseconds(end)
    )


def received_before(
    workspace: str, instant: datetime, kinds: Iterable[str], of: Iterable[str]
) -> Select[Any]:
    """Select what it received before *instant*, of *kinds*, for contacts with later events of kinds *of*."""
    later = select(RECEIVED.contact_id).where(
        RECEIVED.workspace == workspace,
        RECEIVED.received_at >= to_microseconds(instant),
        RECEIVED.kind.in_(of),
    )
    return _select_received(workspace).where(
        RECEIVED.received_at < to_microseconds(instant),
        RECEIVED.kind.in_(kinds),
        RECEIVED.contact_id.in_(later),
    )


def forget_contact(inbox: Engine, workspace: str, contact_id: str, pseudonym: str) -> int:
    """Reduce a contact's events to who was assigned and when, under *pseudonym*; return their number.

    Their ids stay, so that a repeated delivery is recognized.
    """
    is_of_contact = (RECEIVED.workspace == workspace, RECEIVED.contact_id == contact_id)
    states = CONTACT_STATES.c
    with inbox.begin() as connection:
        rows = connection.execute(select(RECEIVED.event_id, RECEIVED.body).where(*is_of_contact)).all()
        for event_id, body in rows:
            connection.execute(
                update(RECEIVED_EVENTS)
                .where(RECEIVED.workspace == workspace, RECEIVED.event_id == event_id)
                .values(contact_id=pseudonym, body=_without_person(body, pseudonym))
            )
        connection.execute(
            delete(CONTACT_STATES).where(states.workspace == workspace, states.contact_id == contact_id)
        )
    if inbox.dialect.name == "sqlite":
        with inbox.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")  # it holds the old content
    return len(rows)


def _without_person(body: str, pseudonym: str) -> str:
    """Return an event with the fields that are parsed: no name, number, address or text of the contact."""
    event = json.loads(body)
    contact, meta = event.get("contact"), event.get("meta")
    reduced = {name: value for name, value in event.items() if name in _IMPERSONAL}
    if isinstance(contact, dict):
        reduced["contact"] = {"id": pseudonym} | {k: v for k, v in contact.items() if k == "assignee"}
    if isinstance(meta, dict):
        reduced["meta"] = {"sender": {"id": pseudonym}} | {
            k: v for k, v in meta.items() if k in {"assignee", "assignee_type"}
        }
    if isinstance(conversation := event.get("conversation"), dict):
        reduced["conversation"] = {
            name: conversation[name] for name in _OF_CONVERSATION & conversation.keys()
        }
    return json.dumps(reduced)


def _select_received(workspace: str) -> Select[Any]:
    columns = (RECEIVED[name] for name in _READ.names)
    return select(*columns).where(RECEIVED.workspace == workspace)


def to_microseconds(instant: datetime) -> int:
    """Return *instant* as microseconds since 1970."""
    return (instant - _EPOCH) // _MICROSECOND

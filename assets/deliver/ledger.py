"""The ledger: one row per version of a report and recipient, changed only by conditional updates.

A lock that ends with its process decides who may send: a row that is `sending` while the lock is free is
orphaned. The states are in `delivery.py`; what a sender does with the rows is in `ledger_session.py`.
"""

import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, fields
from datetime import date, datetime
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from sqlalchemy import ColumnElement, Connection, Engine, and_, delete, func, insert, or_, select, text
from sqlalchemy.exc import IntegrityError

from assets.archive.version import Key
from assets.config.base import resolve_secret
from assets.deliver.delivery import WAITING, Delivery, State
from assets.deliver.evaluation import Evaluation
from assets.deliver.ledger_session import (
    COLUMNS,
    OPEN,
    ROW,
    ClaimLost,
    SendingSession,
    delivery_of_row,
    update_unchanged,
)
from assets.errors import ConfigError
from assets.runtime.file_locks import file_lock
from assets.state.database import open_state
from assets.state.tables import DELIVERIES, EVALUATIONS, SUBSCRIPTIONS

_PAUSE_SECONDS = 0.2
_HISTORY = 1_000  # evaluations: a week of a running day with three conditions, or a year of others
UNDELIVERED = (State.HELD, State.UNKNOWN, State.FAILED, State.EXPIRED)


class NoSuchDelivery(ConfigError):
    """No single delivery has an id with the prefix, or it has changed since it was read."""

    exit_code = 2


class Ledger:
    """The deliveries in the state database at *url*, which is opened on first use."""

    def __init__(self, url: SecretStr) -> None:
        self._url = url

    @property
    def _engine(self) -> Engine:
        return open_state(resolve_secret(self._url))

    def since(
        self, workspace: str, subscription: str, reports: Sequence[str], now: datetime
    ) -> dict[str, datetime]:
        """Return, by report, when the subscription first listed it: *now* for a new one."""
        known = SUBSCRIPTIONS.c
        of_subscription = (known.workspace == workspace, known.subscription == subscription)
        with self._engine.connect() as connection:
            rows = connection.execute(select(known.report, known.since).where(*of_subscription))
            since: dict[str, datetime] = {row[0]: row[1] for row in rows}
        for report in set(reports) - since.keys():
            row = {"workspace": workspace, "subscription": subscription, "report": report, "since": now}
            try:
                with self._engine.begin() as connection:
                    connection.execute(insert(SUBSCRIPTIONS).values(row))
            except IntegrityError:
                return self.since(workspace, subscription, reports, now)
            since[report] = now
        return since

    def plan(
        self,
        deliveries: Sequence[Delivery],
        superseded: Sequence[Delivery] = (),
        evaluations: Sequence[Evaluation] = (),
    ) -> None:
        """Insert *deliveries* and *evaluations* and end the *superseded* deliveries, in one transaction.

        A superseded delivery that may have arrived stays unknown and is not sent again; the others are
        cancelled. A row with the same key and no content is replaced. Raises ClaimLost if a superseded row
        has changed since it was read.
        """
        if not deliveries:
            return
        reason = f"replaced by version {deliveries[0].version}"
        with self._engine.begin() as connection:
            for delivery in superseded:
                end: dict[str, Any] = {"next_at": None, "changed_at": deliveries[0].planned_at}
                end |= (
                    {"state": State.UNKNOWN}
                    if delivery.unconfirmed_attempts
                    else {"state": State.CANCELLED, "reason": reason}
                )
                if not update_unchanged(connection, delivery, end):
                    raise ClaimLost(f"delivery {delivery.id} is now sent by another process")
            for delivery in deliveries:
                connection.execute(delete(DELIVERIES).where(ROW.id == delivery.id, ROW.content.is_(None)))
            connection.execute(
                insert(DELIVERIES), [asdict(delivery) | {"id": delivery.id} for delivery in deliveries]
            )
            if evaluations:
                connection.execute(insert(EVALUATIONS), [asdict(evaluation) for evaluation in evaluations])

    def found(self, *conditions: ColumnElement[bool], newest: int | None = None) -> list[Delivery]:
        """Return the deliveries that meet all *conditions*, in the order in which they were planned.

        *newest* limits the result to that number of the latest deliveries.
        """
        order = [ROW.planned_at, ROW.report, ROW.report_date, ROW.version, ROW.recipient]
        query = select(*COLUMNS).where(*conditions)
        query = query.order_by(*order) if newest is None else query.order_by(ROW.planned_at.desc())
        with self._engine.connect() as connection:
            rows = [delivery_of_row(row) for row in connection.execute(query.limit(newest))]
        return rows if newest is None else rows[::-1]

    def of_subscription(
        self, workspace: str, subscription: str, first: date = date.min, last: date = date.max
    ) -> list[Delivery]:
        """Return the deliveries of a subscription with a report date from *first* to *last*."""
        return self.found(
            ROW.workspace == workspace,
            ROW.subscription == subscription,
            ROW.report_date.between(first, last),
        )

    def changed_since(self, workspace: str, subscription: str, instant: datetime) -> list[Delivery]:
        """Return the deliveries of a subscription that changed at *instant* or later."""
        of_subscription = (ROW.workspace == workspace, ROW.subscription == subscription)
        return self.found(*of_subscription, ROW.changed_at >= instant)

    def evaluations_before(self, subscription: str, key: Key, version: int) -> list[Evaluation]:
        """Return the last evaluations of report dates before that of *key*, the latest first.

        Those of the same report date count if they are of a version below *version*.
        """
        row = EVALUATIONS.c
        is_earlier = or_(
            row.report_date < key.report_date,
            and_(row.report_date == key.report_date, row.version < version),
        )
        return self._evaluations(
            row.workspace == key.workspace,
            row.subscription == subscription,
            row.report == key.report,
            is_earlier,
            order=(row.report_date.desc(), row.version.desc(), row.id.desc()),
            limit=_HISTORY,
        )

    def evaluations(self, workspace: str | None, subscription: str | None, limit: int) -> list[Evaluation]:
        """Return the latest evaluations, at most *limit*, the latest last."""
        row = EVALUATIONS.c
        conditions = [row.workspace == workspace] if workspace else []
        conditions += [row.subscription == subscription] if subscription else []
        return self._evaluations(*conditions, order=(row.id.desc(),), limit=limit)[::-1]

    def _evaluations(
        self, *conditions: ColumnElement[bool], order: Sequence[ColumnElement[Any]], limit: int
    ) -> list[Evaluation]:
        columns = (EVALUATIONS.c[column.name] for column in fields(Evaluation))
        query = select(*columns).where(*conditions).order_by(*order).limit(limit)
        with self._engine.connect() as connection:
            return [Evaluation(**row._asdict()) for row in connection.execute(query)]

    def to_attend(self, now: datetime) -> set[tuple[str, str, date]]:
        """Return (workspace, subscription, report date) of deliveries to send, to expire or to recover."""
        query = select(ROW.workspace, ROW.subscription, ROW.report_date).where(_needs_attention(now))
        with self._engine.connect() as connection:
            return {(row[0], row[1], row[2]) for row in connection.execute(query.distinct())}

    def search(
        self, workspace: str | None, subscription: str | None, states: Sequence[str], limit: int
    ) -> list[Delivery]:
        """Return the latest deliveries that match, at most *limit*, the latest last."""
        conditions: list[ColumnElement[bool]] = [ROW.state.in_(states)] if states else []
        conditions += [ROW.workspace == workspace] if workspace else []
        conditions += [ROW.subscription == subscription] if subscription else []
        return self.found(*conditions, newest=limit)

    def end_forgotten(self, known: set[tuple[str, str]], now: datetime) -> None:
        """Expire overdue deliveries of subscriptions that are not *known*, as (workspace, subscription)."""
        expired = self.found(ROW.state.in_((*WAITING, State.SENDING)), ROW.expires_at <= now)
        values = {
            "state": State.EXPIRED,
            "reason": "the subscription is no longer configured",
            "next_at": None,
        }
        with self._engine.begin() as connection:
            for row in expired:
                if (row.workspace, row.subscription) not in known:
                    update_unchanged(connection, row, values | {"changed_at": now})

    def contents(self, *, only_open: bool = False) -> set[str]:
        """Return the SHA-256 of every recorded content, or only of those that may still be sent."""
        columns = (ROW.content, ROW.content_without_files)
        ends = (State.ACCEPTED, State.CANCELLED, State.EXPIRED, State.FAILED) if only_open else ()
        with self._engine.connect() as connection:
            rows = connection.execute(select(*columns).where(ROW.state.not_in(ends)))
            return {sha256 for row in rows for sha256 in row if sha256}

    def contents_of(self, workspace: str, report: str, report_date: date, before: int) -> set[str]:
        """Return the SHA-256 of every content about a version of a report below *before*."""
        of_report = (ROW.workspace == workspace, ROW.report == report, ROW.report_date == report_date)
        rows = self.found(*of_report, ROW.version < before)
        hashes = (sha256 for row in rows for sha256 in (row.content, row.content_without_files))
        return {sha256 for sha256 in hashes if sha256}

    def undelivered(self, since: datetime) -> list[Delivery]:
        """Return the deliveries that became held, unknown, failed or expired after *since*."""
        return self.found(ROW.state.in_(UNDELIVERED), ROW.changed_at >= since)

    def last_accepted(self, recipients: Collection[str]) -> dict[tuple[str, str, str], datetime]:
        """Return when *recipients* last accepted a delivery, by workspace, subscription and recipient."""
        names = (ROW.workspace, ROW.subscription, ROW.recipient)
        query = select(*names, func.max(ROW.changed_at)).group_by(*names)
        query = query.where(ROW.state == State.ACCEPTED, ROW.recipient.in_(recipients))
        with self._engine.connect() as connection:
            return {(row[0], row[1], row[2]): row[3] for row in connection.execute(query)}

    def get(self, prefix: str) -> Delivery:
        """Return the delivery whose id begins with *prefix*. Raises NoSuchDelivery."""
        matches = self.found(ROW.id.startswith(prefix, autoescape=True))
        if len(matches) != 1:
            how_many = "no delivery" if not matches else f"{len(matches)} deliveries"
            raise NoSuchDelivery(f"{how_many} with an ID that begins with {prefix!r}")
        return matches[0]

    def decide(self, delivery: Delivery, now: datetime, **values: object) -> None:
        """Record a person's decision about *delivery*. Raises NoSuchDelivery if it has changed meanwhile."""
        with self._engine.begin() as connection:
            if not update_unchanged(connection, delivery, {"next_at": None, "changed_at": now} | values):
                raise NoSuchDelivery(
                    f"delivery {delivery.id} is no longer {delivery.state}; run the command again"
                )

    @contextmanager
    def sending(self, workspace: str, subscription: str) -> Iterator["SendingSession"]:
        """Wait until no other process sends for the subscription, and yield a session for sending."""
        engine, name = self._engine, f"{workspace}.{subscription}"
        if engine.dialect.name == "sqlite":
            database = Path(engine.url.database or "")
            lock = database.with_name(f".{database.name}.locks") / name
            with file_lock(lock), engine.connect() as connection:
                yield SendingSession(_with_autocommit(connection), engine, workspace, subscription)
            return
        connection = _with_autocommit(engine.connect())
        try:
            key = {"key": f"assignment_reports/{name}"}
            while not connection.scalar(text("SELECT pg_try_advisory_lock(hashtextextended(:key, 0))"), key):
                time.sleep(_PAUSE_SECONDS)
            yield SendingSession(connection, engine, workspace, subscription)
        finally:
            connection.invalidate()  # the connection holds the lock, and must not go back to the pool
            connection.close()


def _with_autocommit(connection: Connection) -> Connection:
    return connection.execution_options(isolation_level="AUTOCOMMIT")


def _needs_attention(now: datetime) -> ColumnElement[bool]:
    return or_(
        ROW.state == State.SENDING,
        ROW.state.in_(OPEN) & (ROW.next_at <= now) & (ROW.expires_at > now),
        ROW.state.in_(WAITING) & (ROW.expires_at <= now),
    )

"""A sending session: the deliveries of one subscription, while no other process sends them.

A claim and the mark before the last byte are written over the connection that holds the lock: a process
that loses it cannot send. The states are in `delivery.py`.
"""

import time
from dataclasses import fields, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, func, select, update
from sqlalchemy.exc import DBAPIError

from assets.deliver.delivery import WAITING, Delivery, Kind, Phase, State, Transition
from assets.deliver.outcome import AttemptResult, Outcome, Step
from assets.errors import StorageUnavailable, TransientError
from assets.state.tables import DELIVERIES

ROW = DELIVERIES.c


COLUMNS = [ROW[column.name] for column in fields(Delivery)]


_SETTLE_TRIES = 60


OPEN = (*WAITING, State.UNKNOWN)


class ClaimLost(TransientError):
    """Another process has taken over the delivery: this one must not send it."""


class SendingSession:
    """The deliveries of one subscription, for the process that holds its lock."""

    def __init__(self, connection: Connection, engine: Engine, workspace: str, subscription: str) -> None:
        self._connection = connection
        self._engine = engine
        self._mine = (ROW.workspace == workspace, ROW.subscription == subscription)

    def orphaned(self) -> list[Delivery]:
        """Return the deliveries that another process was sending when it ended."""
        return self._find_deliveries(ROW.state == State.SENDING)

    def overdue(self, now: datetime) -> list[Delivery]:
        """Return the waiting deliveries that have expired."""
        return self._find_deliveries(ROW.state.in_(WAITING), ROW.expires_at <= now)

    def ready(self, now: datetime) -> list[Delivery]:
        """Return the deliveries to send now."""
        return self._find_deliveries(ROW.state.in_(OPEN), ROW.next_at <= now, ROW.expires_at > now)

    def waiting(self) -> list[Delivery]:
        """Return the deliveries that are to be sent now or later."""
        return self._find_deliveries(ROW.state.in_(OPEN), ROW.next_at.is_not(None))

    def _find_deliveries(self, *conditions: ColumnElement[bool]) -> list[Delivery]:
        query = select(*COLUMNS).where(*self._mine, *conditions).order_by(ROW.planned_at, ROW.id)
        return [delivery_of_row(row) for row in self._connection.execute(query)]

    def claim(self, delivery: Delivery, now: datetime) -> Delivery | None:
        """Claim *delivery* for an attempt; return None if a person has decided about it meanwhile."""
        values: dict[str, Any] = {
            "state": State.SENDING,
            "phase": Phase.STARTED,
            "attempts": delivery.attempts + 1,
            "next_at": None,
            "changed_at": now,
        }
        return replace(delivery, **values) if self._change_delivery(delivery, values) else None

    def mark_committed(self, delivery: Delivery, now: datetime) -> None:
        """Record that the recipient may have *delivery* from now on. Raises ClaimLost."""
        if not self._change_delivery(delivery, {"phase": Phase.COMMITTED, "changed_at": now}):
            raise ClaimLost(f"delivery {delivery.id} is now sent by another process")

    def hold(self, delivery: Delivery, transition: Transition, now: datetime) -> None:
        """Record that *delivery*, without an attempt, waits for the server, unless a person has decided."""
        state = State.UNKNOWN if delivery.unconfirmed_attempts else transition.state
        self._change_delivery(
            delivery,
            {"state": state, "reason": transition.reason, "next_at": transition.next_at, "changed_at": now},
        )

    def end(self, delivery: Delivery, state: State, reason: str, now: datetime) -> None:
        """End *delivery* without an attempt, unless a person has decided.

        A delivery that may have arrived stays unknown.
        """
        values: dict[str, Any] = {"state": state, "reason": reason, "next_at": None, "changed_at": now}
        if delivery.unconfirmed_attempts:
            values |= {"state": State.UNKNOWN, "reason": f"{delivery.reason}; {reason}"}
        self._change_delivery(delivery, values)

    def _change_delivery(self, delivery: Delivery, values: dict[str, Any]) -> bool:
        return update_unchanged(self._connection, delivery, values)

    def settle(self, delivery: Delivery, transition: Transition, now: datetime) -> None:
        """Record the result of an attempt, over a connection of its own: the session's may be lost.

        Only the row of the same attempt changes: another process may have taken over and recorded its result.
        """
        values = {
            "state": transition.state,
            "reason": transition.reason,
            "next_at": transition.next_at,
            "phase": None,
            "attempts": delivery.attempts - (not transition.is_spent),
            "unconfirmed_attempts": delivery.unconfirmed_attempts + transition.is_unconfirmed,
            "changed_at": now,
        }
        same_attempt = (ROW.id == delivery.id, ROW.attempts == delivery.attempts)
        for _ in range(_SETTLE_TRIES):
            try:
                with self._engine.begin() as connection:
                    connection.execute(update(DELIVERIES).where(*same_attempt).values(values))
                    return
            except (DBAPIError, StorageUnavailable) as error:
                storage_error = error
                time.sleep(1)
        raise storage_error


def update_unchanged(connection: Connection, delivery: Delivery, values: dict[str, Any]) -> bool:
    """Change the row of *delivery* if it is still as it was read; tell whether it was."""
    unchanged = (
        ROW.id == delivery.id,
        ROW.state == delivery.state,
        ROW.attempts == delivery.attempts,
        func.coalesce(ROW.phase, "") == (delivery.phase or ""),
    )
    return connection.execute(update(DELIVERIES).where(*unchanged).values(values)).rowcount == 1


def delivery_of_row(row: Any) -> Delivery:
    """Return the delivery of a *row* with COLUMNS."""
    values = row._asdict()
    values |= {"kind": Kind(values["kind"]), "state": State(values["state"])}
    return Delivery(**values | {"phase": Phase(values["phase"]) if values["phase"] else None})


def recovered_result(delivery: Delivery) -> AttemptResult:
    """Return the result of an attempt whose process ended before it recorded one."""
    if delivery.phase is Phase.COMMITTED:
        return AttemptResult(
            Outcome.UNKNOWN, Step.DOT, "the process ended before the answer to the last byte"
        )
    return AttemptResult(
        Outcome.DEFERRED, Step.BODY, "the process ended while sending; the recipient has nothing"
    )

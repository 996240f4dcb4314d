"""The deliveries of one subscription, while no other process sends them.

The claim and the mark before the last byte are written over the connection that holds the lock: where that
is lost, so is the right to send. What a state means is in `delivery.py`.
"""

import time
from dataclasses import fields, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, func, select, update
from sqlalchemy.exc import DBAPIError

from assets.deliver.delivery import WAITING, Delivery, Kind, Phase, State, Transition
from assets.deliver.outcome import AttemptResult, Outcome, Step
from assets.errors import TransientError
from assets.state.tables import DELIVERIES

ROW = DELIVERIES.c


COLUMNS = [ROW[each.name] for each in fields(Delivery)]


_SETTLE_TRIES = 60


OPEN = (*WAITING, State.UNKNOWN)


class ClaimLost(TransientError):
    """Another process has taken the delivery over: this one must not send it."""


class SendingSession:
    """The deliveries of one subscription, while no other process sends them."""

    def __init__(self, connection: Connection, engine: Engine, workspace: str, subscription: str) -> None:
        self._connection = connection
        self._engine = engine
        self._mine = (ROW.workspace == workspace, ROW.subscription == subscription)

    def orphaned(self) -> list[Delivery]:
        """Return what a process that ended was sending, with what it knew when it ended."""
        return self._find_deliveries(ROW.state == State.SENDING)

    def overdue(self, now: datetime) -> list[Delivery]:
        """Return what waits and may no longer be sent."""
        return self._find_deliveries(ROW.state.in_(WAITING), ROW.expires_at <= now)

    def ready(self, now: datetime) -> list[Delivery]:
        """Return what is to be tried now."""
        return self._find_deliveries(ROW.state.in_(OPEN), ROW.next_at <= now, ROW.expires_at > now)

    def waiting(self) -> list[Delivery]:
        """Return what is still to be sent, now or later."""
        return self._find_deliveries(ROW.state.in_(OPEN), ROW.next_at.is_not(None))

    def _find_deliveries(self, *asked: ColumnElement[bool]) -> list[Delivery]:
        query = select(*COLUMNS).where(*self._mine, *asked).order_by(ROW.planned_at, ROW.id)
        return [delivery_of_row(row) for row in self._connection.execute(query)]

    def claim(self, delivery: Delivery, now: datetime) -> Delivery | None:
        """Take *delivery* for an attempt; None where a person has decided of it meanwhile."""
        values: dict[str, Any] = {
            "state": State.SENDING,
            "phase": Phase.STARTED,
            "attempts": delivery.attempts + 1,
            "next_at": None,
            "changed_at": now,
        }
        return replace(delivery, **values) if self._change_delivery(delivery, values) else None

    def mark_committed(self, delivery: Delivery, now: datetime) -> None:
        """Note that the recipient may have it from now on. Raises ClaimLost where it is not ours."""
        if not self._change_delivery(delivery, {"phase": Phase.COMMITTED, "changed_at": now}):
            raise ClaimLost(f"delivery {delivery.id} was taken over by another process")

    def hold(self, delivery: Delivery, fate: Transition, now: datetime) -> None:
        """Note that *delivery* waits for the server, unless a person decided; it was not tried."""
        state = State.UNKNOWN if delivery.unconfirmed_attempts else fate.state
        self._change_delivery(
            delivery, {"state": state, "reason": fate.reason, "next_at": fate.next_at, "changed_at": now}
        )

    def end(self, delivery: Delivery, state: State, reason: str, now: datetime) -> None:
        """Note that *delivery* came to an end without an attempt, unless a person decided.

        What may have arrived stays unknown.
        """
        values: dict[str, Any] = {"state": state, "reason": reason, "next_at": None, "changed_at": now}
        if delivery.unconfirmed_attempts:
            values |= {"state": State.UNKNOWN, "reason": f"{delivery.reason}; {reason}"}
        self._change_delivery(delivery, values)

    def _change_delivery(self, delivery: Delivery, values: dict[str, Any]) -> bool:
        return update_unchanged(self._connection, delivery, values)

    def settle(self, delivery: Delivery, fate: Transition, now: datetime) -> None:
        """Note what became of an attempt; over another connection where this one is lost meanwhile.

        What is known is kept: a process that took over may have noted a doubt.
        """
        values = {
            "state": fate.state,
            "reason": fate.reason,
            "next_at": fate.next_at,
            "phase": None,
            "attempts": delivery.attempts - (not fate.is_spent),
            "unconfirmed_attempts": delivery.unconfirmed_attempts + fate.is_unconfirmed,
            "changed_at": now,
        }
        same_attempt = (ROW.id == delivery.id, ROW.attempts == delivery.attempts)
        for _ in range(_SETTLE_TRIES):
            try:
                with self._engine.begin() as connection:
                    connection.execute(update(DELIVERIES).where(*same_attempt).values(values))
                    return
            except DBAPIError as error:
                lost = error
                time.sleep(1)
        raise lost


def update_unchanged(connection: Connection, delivery: Delivery, values: dict[str, Any]) -> bool:
    """Change *delivery*, if it is still as it was read."""
    as_read = (
        ROW.id == delivery.id,
        ROW.state == delivery.state,
        ROW.attempts == delivery.attempts,
        func.coalesce(ROW.phase, "") == (delivery.phase or ""),
    )
    return connection.execute(update(DELIVERIES).where(*as_read).values(values)).rowcount == 1


def delivery_of_row(row: Any) -> Delivery:
    """Return the delivery that *row*, with the ledger's COLUMNS, holds."""
    values = row._asdict()
    values |= {"kind": Kind(values["kind"]), "state": State(values["state"])}
    return Delivery(**values | {"phase": Phase(values["phase"]) if values["phase"] else None})


def recovered_result(delivery: Delivery) -> AttemptResult:
    """Return what is known of an attempt whose process ended."""
    if delivery.phase is Phase.COMMITTED:
        return AttemptResult(
            Outcome.UNKNOWN, Step.DOT, "the process ended before the answer to the last byte"
        )
    return AttemptResult(
        Outcome.DEFERRED, Step.BODY, "the process ended while sending; the recipient has nothing"
    )

"""The operator's alerts as incidents in the state database; `deliver/operator_alerts.py` mails them.

The rules are in `incident.py`; here they are applied by conditional updates, so that processes that see the
same thing at once count it once.
"""

from collections.abc import Callable
from dataclasses import asdict, fields
from datetime import datetime
from typing import Any

from pydantic import SecretStr
from sqlalchemy import ColumnElement, Engine, RowMapping, insert, select, update
from sqlalchemy.exc import IntegrityError

from assets.config.base import resolve_secret
from assets.state.database import open_state
from assets.state.incident import (
    Incident,
    Observation,
    Severity,
    after_end,
    after_mail,
    after_observation,
    after_refused_login,
    after_risk,
    after_silence,
)
from assets.state.tables import INCIDENTS

_ROW = INCIDENTS.c
_SEEN = tuple(field.name for field in fields(Observation))
_FOLLOWED = tuple(field.name for field in fields(Incident) if field.name != "seen")
_LISTS = ("assets", "reports", "at_risk")


class AlertLog:
    """The incidents in the state database at *url*, which is opened at first use."""

    def __init__(self, url: SecretStr) -> None:
        self._url = url

    @property
    def _open_engine(self) -> Engine:
        return open_state(resolve_secret(self._url))

    def observe(self, seen: Observation, now: datetime) -> None:
        """Record that an incident was *seen*."""
        self._change(seen.key, lambda before: after_observation(before, seen, now))

    def update_at_risk(self, key: str, at_risk: tuple[str, ...], now: datetime) -> None:
        """Record when the reports that the incident *key* puts at risk are due."""
        self._change(key, lambda before: before and after_risk(before, at_risk, now))

    def end(self, key: str, ending: str, now: datetime) -> None:
        """Record that the incident *key* is over, if it is open, and why."""
        self._change(key, lambda before: before and after_end(before, ending, now))

    def mark_mailed(self, mailed: Incident, now: datetime) -> None:
        """Record that the operator was mailed *mailed*."""
        self._change(mailed.seen.key, lambda before: before and after_mail(before, mailed.revision, now))

    def postpone(self, refused: Incident, now: datetime) -> None:
        """Record that the mail server refused the login when *refused* was to be mailed."""
        self._change(refused.seen.key, lambda before: before and after_refused_login(before, now))

    def forget(self, now: datetime) -> None:
        """End the incidents that were not seen for a week, without telling the operator."""
        for incident in self.open():
            if after_silence(incident, now) is not incident:
                self._change(incident.seen.key, lambda before: before and after_silence(before, now))

    def open(self, *keys: str) -> list[Incident]:
        """Return the open incidents, the oldest first: those of *keys*, or all."""
        return self._read(_ROW.ended_at.is_(None), *((_ROW.key.in_(keys),) if keys else ()))

    def pending(self, now: datetime) -> list[Incident]:
        """Return the incidents of which the operator is to be told now, the oldest first."""
        return self._read(_ROW.due_at <= now)

    def _read(self, *conditions: ColumnElement[bool]) -> list[Incident]:
        query = select(INCIDENTS).where(*conditions).order_by(_ROW.since, _ROW.key)
        with self._open_engine.connect() as connection:
            return [_incident(row) for row in connection.execute(query).mappings()]

    def _change(self, key: str, rule: Callable[[Incident | None], Incident | None]) -> None:
        """Store what *rule* makes of the incident *key*; again, if another process has changed it first."""
        while True:
            before = next(iter(self._read(_ROW.key == key)), None)
            after = rule(before)
            if after is None or after is before or self._is_stored(after, before):
                return

    def _is_stored(self, after: Incident, before: Incident | None) -> bool:
        """Store *after* in place of *before*, and return True, unless another process has changed that."""
        values = asdict(after)
        values |= values.pop("seen")
        try:
            with self._open_engine.begin() as connection:
                if before is None:
                    connection.execute(insert(INCIDENTS).values(values))
                    return True
                unchanged = (_ROW.key == before.seen.key, _ROW.revision == before.revision)
                return bool(connection.execute(update(INCIDENTS).where(*unchanged).values(values)).rowcount)
        except IntegrityError:
            return False


def _incident(row: RowMapping) -> Incident:
    values: dict[str, Any] = dict(row) | {name: tuple(row[name]) for name in _LISTS}
    values["severity"] = Severity(row["severity"])
    seen = Observation(**{name: values[name] for name in _SEEN})
    return Incident(seen, **{name: values[name] for name in _FOLLOWED})

"""The stored alerts for the operator, each sent once; `deliver/operator_alerts.py` sends them."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from pydantic import SecretStr
from sqlalchemy import Engine, insert, select, update
from sqlalchemy.exc import IntegrityError

from assets.config.base import resolve_secret
from assets.state.database import open_state
from assets.state.tables import ALERTS

_ROW = ALERTS.c


class AlertLog:
    """The alerts in the state database at *url*, which is opened at first use."""

    def __init__(self, url: SecretStr) -> None:
        self._url = url

    @property
    def _open_engine(self) -> Engine:
        return open_state(resolve_secret(self._url))

    def add(self, alerts: Mapping[str, str], now: datetime) -> None:
        """Store each of *alerts* (text by key) that is not stored yet."""
        for key, text in alerts.items():
            try:
                with self._open_engine.begin() as connection:
                    connection.execute(insert(ALERTS).values(key=key, created_at=now, text=text))
            except IntegrityError:
                continue

    def keys(self, prefix: str) -> list[str]:
        """Return the keys of stored alerts that begin with *prefix*."""
        query = select(_ROW.key).where(_ROW.key.startswith(prefix, autoescape=True))
        with self._open_engine.connect() as connection:
            return list(connection.scalars(query))

    def pending(self) -> dict[str, str]:
        """Return the alerts (text by key) that were not sent yet, the oldest first."""
        query = select(_ROW.key, _ROW.text).where(_ROW.sent_at.is_(None)).order_by(_ROW.created_at, _ROW.key)
        with self._open_engine.connect() as connection:
            return {row.key: row.text for row in connection.execute(query)}

    def mark_sent(self, keys: Iterable[str], now: datetime) -> None:
        """Record that the alerts *keys* were sent."""
        with self._open_engine.begin() as connection:
            connection.execute(update(ALERTS).where(_ROW.key.in_(keys)).values(sent_at=now))

    def is_sent(self, key: str) -> bool:
        """Return whether the alert *key* was sent."""
        query = select(_ROW.key).where(_ROW.key == key, _ROW.sent_at.is_not(None))
        with self._open_engine.connect() as connection:
            return connection.scalar(query) is not None

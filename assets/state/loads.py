"""The last load of each workspace: quick to read, however large the warehouse is, and without it."""

from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from datetime import datetime

from pydantic import SecretStr
from sqlalchemy import Engine, insert, select, update
from sqlalchemy.exc import IntegrityError

from assets.config.base import resolve_secret
from assets.state.database import open_state
from assets.state.tables import LAST_LOADS

_ROW = LAST_LOADS.c


@dataclass(frozen=True, slots=True)
class LastLoad:
    """When a workspace was last loaded, up to which instant, and when its newest event occurred."""

    workspace: str
    loaded_at: datetime
    loaded_until: datetime | None
    newest_event: datetime | None


_COLUMNS = [_ROW[field.name] for field in fields(LastLoad)]


class LoadLog:
    """The last loads in the state database at *url*, which is opened at first use."""

    def __init__(self, url: SecretStr) -> None:
        self._url = url

    @property
    def _open_engine(self) -> Engine:
        return open_state(resolve_secret(self._url))

    def last_loads(self) -> dict[str, LastLoad]:
        """Return the last load of each workspace that was loaded."""
        with self._open_engine.connect() as connection:
            return {row.workspace: LastLoad(*row) for row in connection.execute(select(*_COLUMNS))}

    def record(self, load: LastLoad) -> None:
        """Record *load* in place of the one before."""
        is_same = _ROW.workspace == load.workspace
        with self._open_engine.begin() as connection:
            if connection.execute(update(LAST_LOADS).where(is_same).values(asdict(load))).rowcount:
                return
        with suppress(IntegrityError), self._open_engine.begin() as connection:  # another one was first
            connection.execute(insert(LAST_LOADS).values(asdict(load)))

"""The lock of `run --send`: one at a time for a state database; it ends with its process."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import SecretStr
from sqlalchemy import text

from assets.config.base import resolve_secret
from assets.errors import TransientError
from assets.runtime.file_locks import try_file_lock
from assets.state.database import open_state

_NAME = "assignment_reports/run --send"


class AlreadyRunning(TransientError):
    """Another process does what is due with the same state database."""

    exit_code = 6


@contextmanager
def sole_run(state: SecretStr) -> Iterator[None]:
    """Hold the lock of the database *state* until the block or the process ends. Raises AlreadyRunning."""
    engine = open_state(resolve_secret(state))
    if engine.dialect.name == "sqlite":
        database = Path(engine.url.database or "")
        with try_file_lock(database.with_name(f".{database.name}.locks") / "run_send") as is_held:
            _require(is_held=is_held)
            yield
        return
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        try:
            query = text("SELECT pg_try_advisory_lock(hashtextextended(:name, 0))")
            _require(is_held=bool(connection.scalar(query, {"name": _NAME})))
            yield
        finally:
            connection.invalidate()  # the connection holds the lock, and must not go back to the pool


def _require(*, is_held: bool) -> None:
    if not is_held:
        raise AlreadyRunning(
            "another `run --send` is at work with this state database, and does what is due; nothing was done"
        )

"""How Dagster tries a step again where a server was away, or another process stored the same days meanwhile.

Any step may be done again: days and versions are whole or not there, and what is there is found. A bug, or a
query that was interrupted because its run is cancelled, is not tried again.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg
from sqlalchemy.exc import OperationalError

from assets.errors import Overtaken

_RETRIES, _PAUSE_SECONDS = 3, 10


@contextmanager
def tried_again() -> Iterator[None]:
    """Have the step done again after a pause, some times, where that can help."""
    try:
        yield
    except (Overtaken, OperationalError, ConnectionError) as error:
        raise dg.RetryRequested(max_retries=_RETRIES, seconds_to_wait=_PAUSE_SECONDS) from error

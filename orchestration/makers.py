"""Processes that make reports, one for each core; what they need is imported once, where they come from.

Nothing heavy is imported here: the command line asks for them before anything else.
"""

import gc
from collections.abc import Callable
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from multiprocessing import cpu_count, forkserver, get_context, set_forkserver_preload
from typing import Any

_IMPORTED = ["pandas", "assets.deliver.publish", "assets.render.pdf"]


def prepare() -> None:
    """Have another process import what makes reports, while this one still imports or loads."""
    if cpu_count() > 1:
        set_forkserver_preload(_IMPORTED)
        forkserver.ensure_running()


def makers(reports: int) -> list[Executor]:
    """Return what makes *reports* at the same time: processes, or this one where only one is to be made."""
    count = min(cpu_count(), reports)
    return [maker() for _ in range(count)] if count > 1 else [_Here()]


def maker() -> Executor:
    """Return one process that makes reports."""
    return ProcessPoolExecutor(1, get_context("forkserver"), initializer=_spare_collector)


def _spare_collector() -> None:
    """Look for garbage only between reports: while one is made, that takes a tenth of its time."""
    gc.freeze()
    gc.disable()


class _Here(Executor):
    """This process: what is submitted is done at once."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Return what *fn* returned or raised."""
        done: Future[Any] = Future()
        try:
            done.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001 - kept until the other reports are made
            done.set_exception(error)
        return done

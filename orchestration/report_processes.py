"""Processes that make reports, one for each core that memory has room for.

What they need is imported once, where they come from. Nothing heavy is imported here: the command line asks
for them before anything else.
"""

import os
from collections.abc import Callable
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from importlib import import_module
from multiprocessing import cpu_count, forkserver, get_context, set_forkserver_preload
from pathlib import Path
from typing import Any

_IMPORTED = "orchestration.report_process_imports"
_BYTES_PER_PROCESS = 1 << 30  # bytes; a report of a million events in one page takes that, most a third of it
_CONTAINER = Path("/sys/fs/cgroup/memory.max")


def start_fork_server() -> None:
    """Have another process import what makes reports, while this one still imports or loads."""
    if _max_processes() > 1:
        set_forkserver_preload([_IMPORTED])
        forkserver.ensure_running()


def report_executors(reports: int) -> list[Executor]:
    """Return what makes *reports* at the same time: processes, or this one where only one is to be made."""
    count = min(_max_processes(), reports)
    return [report_executor() for _ in range(count)] if count > 1 else [_InlineExecutor()]


def report_executor() -> Executor:
    """Return one process that makes reports."""
    return ProcessPoolExecutor(1, get_context("forkserver"), import_module, (_IMPORTED,))


def _max_processes() -> int:
    """Return how many processes the cores, and the memory of the machine or the container, are enough for."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    if _CONTAINER.exists() and (limit := _CONTAINER.read_text().strip()).isdigit():
        memory = min(memory, int(limit))
    return max(1, min(cpu_count(), memory // _BYTES_PER_PROCESS))


class _InlineExecutor(Executor):
    """This process: what is submitted is done at once."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Return what *fn* returned or raised."""
        done: Future[Any] = Future()
        try:
            done.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001 - kept until the other reports are made
            done.set_exception(error)
        return done

"""Report processes: as many as cores and memory allow.

A fork server imports the heavy modules once; report processes are forked from it. Import nothing heavy here:
the command line starts the fork server before anything else.
"""

import os
from collections.abc import Callable
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from importlib import import_module
from multiprocessing import cpu_count, forkserver, get_context, set_forkserver_preload
from pathlib import Path
from typing import Any

_IMPORTED = "orchestration.report_process_imports"
_BYTES_PER_PROCESS = (
    1 << 30
)  # a report of a million events in one page takes that, most reports a third of it
_CONTAINER = Path("/sys/fs/cgroup/memory.max")


def start_fork_server() -> None:
    """Start the fork server, which imports the heavy modules while this process still imports or loads."""
    if _max_processes() > 1:
        set_forkserver_preload([_IMPORTED])
        forkserver.ensure_running()


def report_executors(reports: int) -> list[Executor]:
    """Return executors for a number of *reports*: processes, or this process if one is enough."""
    count = min(_max_processes(), reports)
    return [report_executor() for _ in range(count)] if count > 1 else [_InlineExecutor()]


def report_executor() -> Executor:
    """Return an executor with one report process."""
    return ProcessPoolExecutor(1, get_context("forkserver"), import_module, (_IMPORTED,))


def _max_processes() -> int:
    """Return the number of processes that the cores and the memory of machine or container allow."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    if _CONTAINER.exists() and (limit := _CONTAINER.read_text().strip()).isdigit():
        memory = min(memory, int(limit))
    return max(1, min(cpu_count(), memory // _BYTES_PER_PROCESS))


class _InlineExecutor(Executor):
    """An executor that runs each call at once, in this process."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Return a finished future with the result or error of *fn*."""
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001 - raised after the other reports are made
            future.set_exception(error)
        return future

"""Report processes: as many as cores and memory allow, shared by the runs of a machine.

A fork server imports the heavy modules once; report processes are forked from it. Import nothing heavy here:
the command line starts the fork server before anything else.
"""

import os
import tempfile
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack
from importlib import import_module
from multiprocessing import current_process, forkserver, get_context, parent_process, set_forkserver_preload
from pathlib import Path
from threading import Thread
from typing import Any, TypeVar

from assets.errors import ProcessKilled
from assets.runtime.file_locks import try_file_lock

_IMPORTED = "orchestration.report_process_imports"
_BYTES_PER_PROCESS = (
    1 << 30
)  # a report of a million events in one page takes that, most reports a third of it
_CGROUPS = Path("/sys/fs/cgroup")
_OWN_CGROUP = Path("/proc/self/cgroup")
_SLOTS = Path(tempfile.gettempdir()) / f"assignment-reports-{os.getuid()}"
_KILLED = "{}: its report process was killed, most likely for lack of memory; free memory, and run again"

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def start_fork_server() -> None:
    """Start the fork server, which imports the heavy modules while this process still imports or loads."""
    if _max_processes() > 1:
        set_forkserver_preload([_IMPORTED])
        forkserver.ensure_running()


def call_in_processes(
    call: Callable[[_Item], _Result], items: Sequence[_Item], name: Callable[[_Item], str] = str
) -> Generator[tuple[_Item, Future[_Result]], None, None]:
    """Call *call* with each of *items* in report processes; yield an item and its future when it is done.

    The future has the result or the error: ProcessKilled, with the *name* of the item, if its process was
    killed. After an interruption, its own or one that is thrown into it, those that run are yielded too,
    before it is raised.
    """
    pending = deque(items)
    running: dict[Future[_Result], tuple[_Item, Executor]] = {}
    interruption: BaseException | None = None
    with ExitStack() as stack:
        idle = _open_executors(len(items), stack)
        while pending or running:
            while pending and idle:
                item, executor = pending.popleft(), idle.pop()
                running[executor.submit(call, item)] = item, executor
            try:
                done = wait(running, return_when=FIRST_COMPLETED).done
            except BaseException as error:  # noqa: BLE001 - a run was canceled
                interruption, done = error, set()
                pending.clear()
            for future in done:
                item, executor = running.pop(future)
                if isinstance(future.exception(), BrokenProcessPool):
                    executor = stack.enter_context(report_executor())
                    future = _failed(ProcessKilled(_KILLED.format(name(item))))  # noqa: PLW2901
                idle.append(executor)
                try:
                    yield item, future
                except GeneratorExit:
                    raise
                except BaseException as error:  # noqa: BLE001 - a run was canceled
                    interruption = error
                    pending.clear()
    if interruption:
        raise interruption


def report_executor() -> Executor:
    """Return an executor with one report process."""
    return _ReportProcess(1, get_context("forkserver"), _begin_process)


def _open_executors(count: int, stack: ExitStack) -> list[Executor]:
    """Return executors for a number of calls: processes, or this process if one is enough or none is free.

    Each process takes a slot of the machine, so that several runs at once have no more than one run.
    """
    slots = range(_max_processes())
    most, least = min(len(slots), count), 1 if _is_fork_server_ready() else 2
    taken = 0
    for number in slots if len(slots) > 1 and most >= least else ():
        taken += taken < most and stack.enter_context(try_file_lock(_SLOTS / str(number)))
    if taken < least:
        return [_InlineExecutor()]
    start_fork_server()
    return [stack.enter_context(report_executor()) for _ in range(taken)]


def _is_fork_server_ready() -> bool:
    """Tell whether the fork server was started: then a process has the imports that a report needs."""
    server: Any = forkserver
    return server._forkserver._forkserver_pid is not None  # noqa: SLF001


def _begin_process() -> None:
    import_module(_IMPORTED)
    Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """End this process when the one that waits for its reports has ended, killed or not."""
    if parent := parent_process():
        parent.join()
        os._exit(1)


def cpu_count() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _max_processes() -> int:
    """Return the number of processes that the cores and the memory allow; a Celery run may start none."""
    if current_process().daemon:
        return 1
    return max(1, min(cpu_count(), min(_memory_limits()) // _BYTES_PER_PROCESS))


def _memory_limits() -> Iterator[int]:
    """Yield the bytes of the machine, and the limits of this process's container and systemd unit."""
    yield os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    groups = _OWN_CGROUP.read_text().splitlines() if _OWN_CGROUP.exists() else []
    own = next((line.removeprefix("0::/") for line in groups if line.startswith("0::/")), "")
    for folder in (_CGROUPS / own, *(_CGROUPS / own).parents):
        file = folder / "memory.max"
        if file.exists() and (limit := file.read_text().strip()).isdigit():
            yield int(limit)


def _failed(error: Exception) -> Future[Any]:
    future: Future[Any] = Future()
    future.set_exception(error)
    return future


class _ReportProcess(ProcessPoolExecutor):
    """One report process; where it was killed between two reports, the next call fails as if during it."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Return a future of *fn* in the process; a failed one if the process was killed."""
        try:
            return super().submit(fn, *args, **kwargs)
        except BrokenProcessPool as error:
            return _failed(error)


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

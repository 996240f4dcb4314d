"""Reports made by several processes: what one of them meets does not stop the others."""

import gc
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from assets.errors import ProcessKilled, TotalsDiffer
from assets.runtime.interruptions import call_with_each
from orchestration import pipeline, report_processes
from tests.waiting import until

NAMES = ["killed", "b", "c", "d", "e"]


def make(_config: Any, _workspace: Any, spec: Any, **_: Any) -> Any:
    is_child = multiprocessing.parent_process() is not None
    if spec.name == "killed" and is_child:
        os.kill(os.getpid(), signal.SIGKILL)
    if spec.name == "wrong":
        raise TotalsDiffer("wrong: 1, but 2")
    return spec.name


@pytest.fixture(scope="module", autouse=True)
def fork_server() -> None:
    """Report processes are forked from one server, which the command line starts first of all."""
    report_processes.start_fork_server()


def is_imported(module: str) -> bool:
    return module in sys.modules


def made(names: list[str], monkeypatch: pytest.MonkeyPatch) -> tuple[list[Any], list[str], Any]:
    said: list[str] = []
    published: list[Any] = []
    monkeypatch.setattr(pipeline, "make_report", make)
    monkeypatch.setattr(report_processes, "cpu_count", lambda: 2)
    monkeypatch.setattr(
        pipeline, "_longest_first", lambda _request: [SimpleNamespace(name=name) for name in names]
    )
    monkeypatch.setattr(pipeline, "_find_archived", lambda *_: [])
    request: Any = SimpleNamespace(config=None, workspace=None, report_date=None, now=None)
    try:
        published.extend(pipeline._render_reports(request, lambda update: said.append(update.text)))
    except (ProcessKilled, TotalsDiffer) as error:
        return published, said, error
    return published, said, None


def test_a_process_that_is_killed_ends_the_run_with_an_error_after_the_other_reports(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    published, said, error = made(NAMES, monkeypatch)
    assert isinstance(error, ProcessKilled)
    assert sorted(published) == NAMES[1:]
    assert [each for each in said if each.startswith("killed: its report process was killed")]


def test_a_process_that_is_killed_while_it_waits_fails_the_next_report_only() -> None:
    with report_processes.report_executor() as process:
        os.kill(process.submit(os.getpid).result(), signal.SIGKILL)
        until(lambda: isinstance(process.submit(os.getpid).exception(), BrokenProcessPool), "it is gone")


def test_who_makes_reports_has_imported_what_that_needs_and_looks_for_no_garbage() -> None:
    with report_processes.report_executor() as process:
        assert process.submit(gc.get_freeze_count).result() > 0
        assert not process.submit(gc.isenabled).result()
        assert process.submit(is_imported, "assets.render.pdf.document").result()


@pytest.mark.parametrize("names", [["wrong"], ["wrong", "b"], ["b", "wrong"], ["b", "wrong", "c", "wrong"]])
def test_each_failure_is_said_and_the_others_are_made(
    names: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    published, said, error = made(names, monkeypatch)
    assert isinstance(error, TotalsDiffer)
    assert sorted(published) == sorted(set(names) - {"wrong"})
    assert said.count("wrong: 1, but 2") == names.count("wrong")


@pytest.mark.parametrize(
    ("group", "limit", "count"),
    [
        (".", "max", 4),
        (".", str(5 << 30), 4),
        (".", str(2 << 30), 2),
        ("system.slice", str(2 << 30), 2),
        ("system.slice/reports.service", str(100 << 20), 1),
        ("system.slice/other.service", str(100 << 20), 4),
    ],
)
def test_there_are_no_more_processes_than_memory_has_room_for(
    group: str, limit: str, count: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / group).mkdir(parents=True, exist_ok=True)
    (tmp_path / group / "memory.max").write_text(limit + "\n")
    (own := tmp_path / "cgroup").write_text("4:memory:/\n0::/system.slice/reports.service\n")
    monkeypatch.setattr(report_processes, "_CGROUPS", tmp_path)
    monkeypatch.setattr(report_processes, "_OWN_CGROUP", own)
    monkeypatch.setattr(report_processes, "cpu_count", lambda: 4)
    asked, machine = os.sysconf, {"SC_PHYS_PAGES": 8 << 20, "SC_PAGE_SIZE": 4096}
    monkeypatch.setattr(os, "sysconf", lambda name: machine.get(name) or asked(name))
    monkeypatch.setattr(report_processes, "_SLOTS", tmp_path / "slots")
    assert len(set(pids(7))) == count
    assert (pids(1) == [os.getpid()]) == (count == 1)


def test_a_single_report_is_made_here_unless_a_process_has_the_imports(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(report_processes, "cpu_count", lambda: 2)
    assert pids(1) != [os.getpid()]
    monkeypatch.setattr(report_processes, "_is_fork_server_ready", lambda: False)
    assert pids(1) == [os.getpid()]


def test_a_run_in_a_daemonic_process_makes_its_reports_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report_processes, "cpu_count", lambda: 4)
    process: Any = multiprocessing.current_process()
    monkeypatch.setitem(process._config, "daemon", value=True)  # as those of Celery are
    assert pids(3) == [os.getpid()] * 3


def test_runs_at_the_same_time_share_the_processes_of_the_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report_processes, "_SLOTS", tmp_path / "slots")
    monkeypatch.setattr(report_processes, "cpu_count", lambda: 2)
    first = report_processes.call_in_processes(process_id, range(3))
    assert next(first)[1].result() != os.getpid()
    assert set(pids(3)) == {os.getpid()}, "none is free"
    assert len({future.result() for _, future in first}) <= 2
    assert os.getpid() not in pids(3)


def test_what_runs_when_a_run_is_canceled_is_not_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report_processes, "_SLOTS", tmp_path / "slots")
    monkeypatch.setattr(report_processes, "cpu_count", lambda: 2)
    done = []
    with pytest.raises(KeyboardInterrupt):
        for number, future in report_processes.call_in_processes(interrupt_parent, range(6)):
            done.append((number, future.result()))
    assert done == [(0, 0), (1, 1)]


def test_what_is_done_while_a_result_is_stored_is_not_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report_processes, "_SLOTS", tmp_path / "slots")
    monkeypatch.setattr(report_processes, "cpu_count", lambda: 2)
    stored: list[int] = []

    def store(made: tuple[int, Any]) -> None:
        if not stored:
            stored.append(-1)
            raise KeyboardInterrupt
        stored.append(made[1].result())

    with pytest.raises(KeyboardInterrupt):
        call_with_each(report_processes.call_in_processes(wait_long, range(9)), store)
    assert stored[0] == -1
    assert sorted(stored[1:]) == [0, 1]


def test_processes_end_with_a_run_that_is_killed(tmp_path: Path) -> None:
    code = f"""
import os, signal
from pathlib import Path
from orchestration import report_processes
from tests.orchestration.test_report_processes import process_id
report_processes._SLOTS, report_processes.cpu_count = Path({str(tmp_path)!r}), lambda: 2
for _, future in report_processes.call_in_processes(process_id, range(9)):
    print(future.result(), flush=True)
    signal.pause()
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        child = int(process.stdout.readline())
        process.kill()
    until = time.monotonic() + 10
    while is_running(child):
        assert time.monotonic() < until, "an orphan"
        time.sleep(0.02)


def process_id(_: Any) -> int:
    time.sleep(0.1)
    return os.getpid()


def wait_long(number: int) -> int:
    time.sleep(0.2 * (number + 1))
    return number


def pids(count: int) -> list[int]:
    return [future.result() for _, future in report_processes.call_in_processes(process_id, range(count))]


def interrupt_parent(number: int) -> int:
    """Interrupt the run while two reports are made; the second interrupts, so that both have begun."""
    time.sleep(0.3)
    if number == 1:
        parent = multiprocessing.parent_process()
        assert parent
        assert parent.pid
        os.kill(parent.pid, signal.SIGINT)
    time.sleep(0.3 * (number + 1))
    return number


def is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True

"""Commands run in turn in processes of their own: how long they take, and how much memory at the most."""

import json
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

long_seconds = 20.0
"""What a command takes that is run only once."""
_PAUSE_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Measured:
    """The median seconds of some runs, and the largest peak of memory in MB."""

    seconds: float
    megabytes: float
    runs: int


def in_turn(commands: Mapping[str, Sequence[str]], runs: int = 3) -> dict[str, Measured]:
    """Run *commands* in turn, *runs* times; those that take long, once.

    A command that prints JSON with `seconds` says itself what its work took; else its whole process counts.
    Raises RuntimeError for one that fails, with what it said.
    """
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
    for number in range(runs):
        for name, command in commands.items():
            if number == 0 or found[name][0][0] < long_seconds:
                found[name].append(_run(command))
    return {
        name: Measured(
            statistics.median(seconds for seconds, _ in each), max(peak for _, peak in each), len(each)
        )
        for name, each in found.items()
    }


def _run(command: Sequence[str]) -> tuple[float, float]:
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
        began = time.perf_counter()
        process = subprocess.Popen(command, stdout=out, stderr=errors)
        with ThreadPoolExecutor(1) as watcher:
            peak = watcher.submit(_peak, process.pid)
            process.wait()
            seconds = time.perf_counter() - began
        out.seek(0), errors.seek(0)
        if process.returncode:
            raise RuntimeError(f"{' '.join(command)}: {errors.read().decode()[-2000:]}")
        said = out.read().decode(errors="replace").strip().splitlines()
    told = _json(said[-1]) if said else {}
    return told.get("seconds", seconds), peak.result()


def _peak(pid: int) -> float:
    """Return the most memory that a process and those it starts hold at one time, in MB, until it ends."""
    peak = 0.0
    while held := _held(pid):
        peak = max(peak, held)
        time.sleep(_PAUSE_SECONDS)
    return peak


def _held(pid: int) -> float:
    """Return what they hold now; of a page that several share, each has its part."""
    try:
        told = Path(f"/proc/{pid}/smaps_rollup").read_text()
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:  # it has just ended
        return 0
    share = re.search(r"^Pss:\s+(\d+)", told, re.MULTILINE)
    return (int(share[1]) / 1024 if share else 0) + sum(_held(int(child)) for child in children)


def _json(line: str) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def python(module: str, *arguments: object) -> list[str]:
    """Return the command that runs *module* of the benchmarks."""
    return [sys.executable, "-m", f"benchmarks.{module}", *map(str, arguments)]

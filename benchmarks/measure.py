"""Commands run in turn in processes of their own: how long they take, and how much memory at the most."""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_LONG_SECONDS = 20


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
            if number == 0 or found[name][0][0] < _LONG_SECONDS:
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
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0), errors.seek(0)
        if process.returncode:
            raise RuntimeError(f"{' '.join(command)}: {errors.read().decode()[-2000:]}")
        said = out.read().decode(errors="replace").strip().splitlines()
    told = _json(said[-1]) if said else {}
    return told.get("seconds", seconds), used.ru_maxrss / 1024


def _json(line: str) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def python(module: str, *arguments: object) -> list[str]:
    """Return the command that runs *module* of the benchmarks."""
    return [sys.executable, "-m", f"benchmarks.{module}", *map(str, arguments)]

"""A small inbox with hostile names, its configuration, and its command line."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import date
from io import StringIO
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from assets.periods import Preset
from assets.sources.synthetic import write_events
from assets.warehouse.parquet_lake import Lake
from assets.warehouse.schema import DAILY_SOURCE_AGGREGATES, arrow_schema
from orchestration.cli.app import main

PROGRAM = Path(sys.executable).with_name("assignment-reports")
LAST_DAY = date(2026, 11, 3)  # two days after New York's 25-hour day
RUN = ("run", "--json", "--report-date", str(LAST_DAY))
DEMO_PRESETS = (Preset.TODAY, Preset.LAST_30_DAYS, Preset.LAST_MONTH)

CONFIG = """
lake: ./lake
archive: ./out
workspaces:
  - slug: acme
    name: Acme Support
    timezone: America/New_York
    first_day: 2026-09-10
    pdf_log_rows: 40
    source: {type: files, path: "events/*.csv"}
"""

DATA_ONLY = """    formats: [csv]
    components: [metric, log]
"""


@dataclass(frozen=True)
class Finished:
    """What a command left: its exit code and what it printed."""

    returncode: int
    stdout: str
    stderr: str


@dataclass(frozen=True)
class CommandLine:
    """A folder with a configuration, and the command line used in it."""

    folder: Path

    def call(self, *arguments: str) -> Finished:
        """Run a command in this process, where reports are made one after the other."""
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(self.folder)
            patch.setenv("COLUMNS", "200")
            patch.setattr("sys.argv", [PROGRAM.name, *arguments])
            patch.setattr("orchestration.report_processes.cpu_count", lambda: 1)
            with redirect_stdout(StringIO()) as stdout, redirect_stderr(StringIO()) as stderr:
                try:
                    main()
                    code: Any = 0
                except SystemExit as ended:
                    code = ended.code or 0
        return Finished(code, stdout.getvalue(), stderr.getvalue())

    def call_process(self, *arguments: str, **environment: str) -> Finished:
        """Run a command as a process of its own, as people do."""
        done = subprocess.run(
            [str(PROGRAM), *arguments],
            cwd=self.folder,
            env={"PATH": "/usr/bin:/bin", "HOME": str(self.folder), "COLUMNS": "200"} | environment,
            capture_output=True,
            text=True,
            check=False,
        )
        return Finished(done.returncode, done.stdout, done.stderr)

    def run(self, *arguments: str) -> list[dict[str, Any]]:
        """Make reports in this process; return what the command says of them."""
        return said_of_reports(self.call(*RUN, *arguments))

    def run_process(self, *arguments: str, **environment: str) -> list[dict[str, Any]]:
        """Make reports in processes of their own; return what the command says of them."""
        return said_of_reports(self.call_process(*RUN, *arguments, **environment))

    def files(self) -> dict[str, bytes]:
        return {
            f"{root}/{path.relative_to(self.folder / root)}": path.read_bytes()
            for root in ("lake", "out")
            for path in (self.folder / root).rglob("*")
            if path.is_file() and not path.name.startswith(".")  # locks
        }


def make_demo(folder: Path, *presets: Preset, seed: int = 1) -> CommandLine:
    """Make the reports of *presets*, or all, in a process whose hashes, zone and build date follow from *seed*."""
    command_line = make_command_line(folder)
    chosen = [f"--preset={preset}" for preset in presets]
    command_line.run_process(
        *chosen, PYTHONHASHSEED=str(seed), TZ=f"Etc/GMT+{seed}", SOURCE_DATE_EPOCH=str(seed)
    )
    return command_line


def said_of_reports(done: Finished) -> list[dict[str, Any]]:
    assert done.returncode == 0, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def lose_a_count(command_line: CommandLine, day: date) -> None:
    """Damage the lake as a lost file would: *day* has its log, and no counts by source."""
    schema = pa.schema([pa.field("local_day", pa.date32()), *arrow_schema(DAILY_SOURCE_AGGREGATES)])
    Lake(command_line.folder / "lake", "acme").replace_days(
        DAILY_SOURCE_AGGREGATES, [day], schema.empty_table().to_reader()
    )


def make_command_line(folder: Path, events: int = 3_000, config: str = CONFIG) -> CommandLine:
    path = folder / "events" / "events.csv"
    write_events(path, last_day=LAST_DAY, days=55, events=events, seed=3, hostile=True)
    (folder / "reports.yaml").write_text(config)
    return CommandLine(folder)


def commands(group: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield each command with its name as it is typed."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, f"{name} ")
        else:
            yield prefix + name, command

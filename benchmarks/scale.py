"""What grows with the days of a workspace, its archived versions and the workspaces. `python -m benchmarks.scale`.

For days: loading all, a nightly flow, the reports, a look of the catch-up sensor. For versions: the search for
outdated ones, and the index pages. For workspaces: loading the code location, a look of the sensor, and two pages
of Dagster's UI as its webserver answers them.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import dagster as dg
from pydantic import SecretStr
from rich.console import Console
from rich.table import Table
from sqlalchemy import insert

from assets.archive.catalog import Catalog
from assets.archive.index_pages import write_index
from assets.config.loader import load_config
from assets.config.workspace import ReportSpec
from assets.periods import Preset
from assets.sources.synthetic import write_events
from assets.state.database import open_state
from assets.state.tables import REPORT_VERSIONS
from orchestration import pipeline
from orchestration.definitions import build_definitions
from tests.servers.postgres import free_port
from tests.system.dagster_services import ask, start, stop
from tests.waiting import until

FIGURES = Path("docs/scale.json")
LAST_DAY = date(2025, 12, 30)
NOW = datetime(2025, 12, 31, 15, tzinfo=UTC)
PER_DAY = 100
SLUG = "bench"
GRAPH = "{assetNodes {id groupName opNames assetKey {path} dependencyKeys {path} partitionDefinition {name}}}"
PAGE = """query ($key: AssetKeyInput!) {assetNodeOrError(assetKey: $key) {... on AssetNode {
  id description metadataEntries {label} assetPartitionStatuses {__typename} assetMaterializations(limit: 1) {runId}}}}"""

SIZES = {"days": (60, 365, 3_650), "versions": (480, 4_800, 25_000), "workspaces": (1, 50, 500)}

Figures = dict[str, float]


def history(days: int, folder: Path) -> Figures:
    """Return the seconds of each step for one workspace with *days*, 100 events and a file for each."""
    first_day, config_file = LAST_DAY - timedelta(days - 1), folder / "reports.yaml"
    _write_daily_files(folder, days)
    _configure(config_file, [{"slug": SLUG, "first_day": str(first_day)}], path="daily/*.csv")
    config = load_config(config_file)
    workspace, catalog = config.workspaces[0], Catalog(config.state)
    whole = workspace.completed(ReportSpec(name="whole", first_day=first_day, last_day=LAST_DAY))

    def run(*specs: ReportSpec, reload: bool = False) -> Callable[[], object]:
        request = pipeline.PipelineRequest(config, workspace, specs, LAST_DAY + timedelta(1), NOW, reload)
        return lambda: pipeline.run_pipeline(request, catalog, lambda _update: None)

    yesterday = next(spec for spec in workspace.all_reports if spec.name == "yesterday")
    figures = {"load and build all days, and a report of them": _seconds(run(whole))}
    figures["nightly flow and one report"] = _median(run(yesterday, reload=True))
    figures["the seven reports, nothing to load"] = _median(run(*workspace.all_reports))
    figures["a look of the sensor"] = _median(_look(config_file))
    figures["peak MB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return figures


def shelf(versions: int, folder: Path) -> Figures:
    """Return the seconds of each step for a catalog with *versions*, of eight reports of each day."""
    url = SecretStr(f"sqlite:///{folder}/state.sqlite")
    names = [preset.value for preset in Preset][:8]
    days = [LAST_DAY - timedelta(number) for number in range(versions // len(names))]
    plain = {
        "workspace": SLUG, "workspace_name": "Bench", "version": 1, "as_of": NOW, "made_at": NOW, "total": PER_DAY,
        "provisional": False, "reasons": [], "has_no_data": False, "language": "en", "change_pct": 1.0,
        "compare_with": "previous_period", "goals_met": 0, "goals_missed": 0, "changes": None, "causes": None,
        "files": ["report.html", "report.pdf", "report.json"], "data_version": "x", "is_examined": True,
    }  # fmt: skip
    rows = [
        plain | {"report": name, "title": name, "report_date": day, "first_day": day, "last_day": day}
        for day in days
        for name in names
    ]
    with open_state(url.get_secret_value()).begin() as connection:
        connection.execute(insert(REPORT_VERSIONS), rows)
    catalog = Catalog(url)
    return {
        "index pages, the first time": _seconds(lambda: write_index(catalog, folder, [SLUG])),
        "index pages": _median(lambda: write_index(catalog, folder, [SLUG])),
        "outdated reports, candidates": _median(lambda: catalog.to_examine(SLUG, LAST_DAY)),
    }


def breadth(workspaces: int, folder: Path) -> Figures:
    """Return the seconds of each step for a code location with a number of *workspaces*, a month of days each."""
    config_file, first_day = folder / "reports.yaml", str(LAST_DAY - timedelta(29))
    write_events(folder / "events.csv", last_day=LAST_DAY, days=30, events=30 * PER_DAY)
    slugs = [f"w{number:03}" for number in range(workspaces)]
    _configure(config_file, [{"slug": slug, "first_day": first_day} for slug in slugs])
    environment = {**os.environ, "ASSIGNMENT_REPORTS_CONFIG": str(config_file), "DAGSTER_HOME": str(folder)}
    code = "import resource, orchestration.definitions; print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    kilobytes: list[int] = []

    def load() -> None:
        done = subprocess.run([sys.executable, "-c", code], env=environment, check=True, capture_output=True)
        kilobytes.append(int(done.stdout))

    figures = {"code location": _median(load), "a look of the sensor": _median(_look(config_file))}
    figures["MB of the code location"] = max(kilobytes) / 1024
    port = free_port()
    (folder / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    command = ["dagster-webserver", "-h", "127.0.0.1", "-p", str(port), "-m", "orchestration.definitions"]
    with (folder / "log").open("w") as log:
        service = start(command, environment, log)
        try:
            until(lambda: _answers(port), "the webserver", seconds=120)
            figures["UI: graph"] = _median(lambda: ask(port, GRAPH))
            key = {"path": [slugs[-1], "report", "yesterday"]}
            figures["UI: page of an asset"] = _median(lambda: ask(port, PAGE, key=key))
        finally:
            stop([service])
    return figures


def _write_daily_files(folder: Path, days: int) -> None:
    """Write the events of *days* days as a file for each UTC day."""
    write_events(folder / "events.csv", last_day=LAST_DAY, days=days, events=PER_DAY * days)
    header, *lines = (folder / "events.csv").read_text(encoding="utf-8").splitlines()
    by_day: dict[str, list[str]] = {}
    for line in lines:
        by_day.setdefault(line.split(",")[1][:10], []).append(line)
    (folder / "daily").mkdir()
    for day, rows in by_day.items():
        (folder / "daily" / f"{day}.csv").write_text("\n".join([header, *rows, ""]), encoding="utf-8")


def _configure(file: Path, workspaces: list[dict[str, str]], path: str = "events.csv") -> None:
    plain = {
        "name": "Bench",
        "timezone": "America/New_York",
        "formats": ["html"],
        "components": ["metric", "trend", "log"],
        "source": {"type": "files", "path": path},
    }
    whole = {"lake": "lake", "archive": "out", "workspaces": [plain | each for each in workspaces]}
    file.write_text(json.dumps(whole))


def _look(config_file: Path) -> Callable[[], object]:
    """Return a look of the catch-up sensor; each continues where the one before ended."""
    definitions = build_definitions(load_config(config_file), clock=lambda: datetime.now(UTC))
    repository = definitions.get_repository_def()
    instance, cursors = dg.DagsterInstance.ephemeral(), list[str | None]([None])

    def look() -> None:
        context = dg.build_sensor_context(instance, cursor=cursors[-1], repository_def=repository)
        cursors.append(repository.get_sensor_def("catch_up").evaluate_tick(context).cursor)

    return look


def _answers(port: int) -> bool:
    try:
        return bool(ask(port, "{assetNodes {id}}")["assetNodes"])
    except OSError:
        return False


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _median(work: Callable[[], object]) -> float:
    return statistics.median(_seconds(work) for _ in range(3))


def main() -> None:
    """Measure each size in a process of its own, print the tables, and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--one", nargs=2, metavar=("WHAT", "SIZE"), help="measure one size only, as JSON")
    chosen = parser.parse_args().one
    measures = {"days": history, "versions": shelf, "workspaces": breadth}
    if chosen:
        with tempfile.TemporaryDirectory(prefix="scale-") as folder:
            print(json.dumps(measures[chosen[0]](int(chosen[1]), Path(folder))))
        return
    found: dict[str, dict[str, Figures]] = {}
    for what, sizes in SIZES.items():
        for size in sizes:
            command = [sys.executable, "-m", "benchmarks.scale", "--one", what, str(size)]
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
            found.setdefault(what, {})[str(size)] = json.loads(done.stdout.splitlines()[-1])
        table = Table(what, *found[what])
        for name in found[what][str(sizes[0])]:
            table.add_row(name, *(f"{figures[name]:,.2f}" for figures in found[what].values()))
        Console().print(table)
    FIGURES.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()

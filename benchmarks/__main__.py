"""`make bench`: each stage at several sizes, against the script a user would write and the limit it has.

Prints one table, and writes it as JSON and as a plot. `--only STAGE` measures some and leaves the other figures,
`--scale 0.1` measures fewer events. `--quick` measures what most changes touch with a tenth of the events, in some
minutes, and writes nothing.
"""

import argparse
import json
import math
import os
import sqlite3
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq
from adbc_driver_postgresql import dbapi
from rich.console import Console
from rich.table import Table

from assets.report.log_table import printed_log
from benchmarks import measure
from benchmarks.databases import fill_chatwoot, fill_mariadb
from benchmarks.events import DAYS, LAST_DAY, event_batches
from benchmarks.measure import Measured, in_turn, python
from tests.servers.mariadb import server as mariadb_server
from tests.servers.postgres import Postgres, cluster

PLOT, FIGURES = Path("docs/benchmarks.svg"), Path("docs/benchmarks.json")
_YEAR = 365
_MANY_DAYS = 1_000
_NIGHTLY_EVENTS = 5_000
OURS, YARDSTICK, CHUNKED, ONE_CORE = "ours", "yardstick", "chunked pandas", "one core"
CONFIG = """
lake: {folder}/lake
archive: {folder}/archive
state: sqlite:///{folder}/state.sqlite
workspaces:
  - slug: bench
    name: Bench
    timezone: America/New_York
    first_day: 2024-12-31
    pdf_log_rows: {rows}
    interactive: false
    formats: [html, pdf]
    components: [metric, bar_chart, pie_chart, trend, log]
    explorer: false
    source: {{type: sql, url: "{url}", table: {table}}}
"""


@dataclass(frozen=True, slots=True)
class Line:
    """One stage at one size: what each way took."""

    stage: str
    events: int
    ways: dict[str, Measured]
    target: str

    def ratio(self, way: str) -> float:
        """Return how many times as long as ours *way* took."""
        return self.ways[way].seconds / self.ways[OURS].seconds


class Bench:
    """The inputs of the stages, each made once, in a folder and a PostgreSQL of their own."""

    def __init__(self, folder: Path, server: Postgres, scale: float) -> None:
        self.folder = folder
        self.server = server
        self.scale = scale
        self._made: set[Path] = set()

    @property
    def url(self) -> str:
        """The PostgreSQL's address."""
        return self.server.url("postgres")

    def events(self, count: int) -> int:
        """Return *count*, scaled."""
        return max(100, round(count * self.scale))

    def table(self, count: int, days: int = DAYS) -> str:
        """Return a table of the database with *count* events of *days* days."""
        name = f"events_{count}_{days}"
        if self._is_new(Path(name)):
            with dbapi.connect(self.url.replace("+psycopg", "")) as connection, connection.cursor() as cursor:
                for batch in event_batches(count, days):
                    rows = pa.Table.from_batches([batch]).to_reader(100_000)
                    cursor.adbc_ingest(name, rows, mode="create_append")
                connection.commit()
            self.server.run(f"CREATE INDEX ON {name} (occurred_at); ANALYZE {name}; CHECKPOINT")
        return name

    def file(self, count: int, kind: str, days: int = DAYS) -> Path:
        """Return a file of *kind* with *count* events of *days* days."""
        path = self.folder / f"{count}_{days}.{kind}"
        if self._is_new(path):
            rows = pa.Table.from_batches(event_batches(count, days))
            texts = rows.set_column(1, "occurred_at", rows["occurred_at"].cast(pa.string()))
            match kind:
                case "parquet":
                    pq.write_table(rows, path)
                case "csv":
                    pyarrow.csv.write_csv(texts, path)
                case "ndjson":
                    texts.to_pandas().to_json(path, orient="records", lines=True)
                case "sqlite":
                    with sqlite3.connect(path) as database:
                        names = ", ".join(texts.column_names)
                        database.execute(f"CREATE TABLE events ({names})")
                        marks = ", ".join("?" * texts.num_columns)
                        columns = (column.to_pylist() for column in texts.columns)
                        database.executemany(
                            f"INSERT INTO events VALUES ({marks})", zip(*columns, strict=True)
                        )
        return path

    def large_files(self, count: int, number: int) -> Path:
        """Return a folder with a *number* of CSV files, each with *count* events of all days."""
        folder = self.folder / f"large_{count}"
        if self._is_new(folder):
            folder.mkdir()
            rows = pa.Table.from_batches(event_batches(count))
            times = rows["occurred_at"].cast(pa.string())
            for each in range(number):
                ids = pc.binary_join_element_wise(rows["event_id"], str(each), "-")
                texts = rows.set_column(0, "event_id", ids).set_column(1, "occurred_at", times)
                pyarrow.csv.write_csv(texts, folder / f"{each}.csv")
        return folder

    def daily_files(self, count: int, days: int) -> Path:
        """Return a folder with a CSV file for each of *days* UTC days, of *count* events in all."""
        folder = self.folder / f"daily_{count}_{days}"
        if self._is_new(folder):
            header, *lines = self.file(count, "csv", days).read_text(encoding="utf-8").splitlines()
            by_day: dict[str, list[str]] = defaultdict(list)
            for line in lines:
                by_day[line.split(",")[1][1:11]].append(line)
            folder.mkdir()
            for day, rows in by_day.items():
                (folder / f"{day}.csv").write_text("\n".join([header, *rows, ""]), encoding="utf-8")
        return folder

    def lake(self, count: int) -> Path:
        """Return a lake with the log of *count* events."""
        path = self.folder / f"lake_{count}"
        if self._is_new(path):
            source = {"type": "files", "path": str(self.file(count, "parquet"))}
            in_turn({OURS: _work("extract", lake=str(path), **source)}, runs=1)
            in_turn({OURS: _work("build", lake=str(path))}, runs=1)
        return path

    def printed(self, count: int) -> Path:
        """Return *count* rows of a printed log as a Parquet file."""
        path = self.folder / f"printed_{count}.parquet"
        if self._is_new(path):
            rows = pa.Table.from_batches(event_batches(count))
            given = {name: rows[name] for name in rows.column_names} | {"contact_id": rows["conversation_id"]}
            missing = ("previous_assignee_id", "assignee_id", "assigned_by_id")
            given |= {name: pa.nulls(rows.num_rows, pa.string()) for name in missing}
            pq.write_table(printed_log(pa.table(given), ZoneInfo("America/New_York")), path)
        return path

    def _is_new(self, path: Path) -> bool:
        is_new = path not in self._made
        self._made.add(path)
        return is_new


def _work(stage: str, **arguments: object) -> list[str]:
    return python("work", stage, json.dumps(arguments))


def extract(bench: Bench) -> Iterator[Line]:
    """PostgreSQL, SQLite and CSV into a lake."""
    for count in map(bench.events, (1_000_000, 5_000_000)):
        table, out = bench.table(count), bench.folder / "out"
        copy = f"COPY (SELECT * FROM {table}) TO STDOUT (FORMAT binary)"
        ways = {
            OURS: _work("extract", lake=str(out), type="sql", url=bench.url, table=table),
            YARDSTICK: python("yardstick", "extract", bench.url, table, out.with_suffix(".parquet")),
            "COPY": ["psql", "-q", "-d", bench.url.replace("+psycopg", ""), "-o", os.devnull, "-c", copy],
        }
        yield Line("extract PostgreSQL", count, in_turn(ways), "8x; 0.6 of COPY; 500 MB")
    count = bench.events(1_000_000)
    file = bench.file(count, "sqlite")
    ways = {
        OURS: _work("extract", lake=str(out), type="sql", url=f"sqlite:///{file}", table="events"),
        YARDSTICK: python("yardstick", "extract", f"sqlite:///{file}", "events", out.with_suffix(".parquet")),
    }
    yield Line("extract SQLite", count, in_turn(ways), "4x")
    for name, kind in (("CSV", "csv"), ("NDJSON", "ndjson"), ("Parquet", "parquet")):
        file = bench.file(count, kind)
        ways = {
            OURS: _work("extract", lake=str(out), type="files", path=str(file)),
            YARDSTICK: python("yardstick", "extract_file", file, out.with_suffix(".parquet")),
        }
        yield Line(f"extract {name}", count, in_turn(ways), "1x")
    folder = bench.large_files(count, 3)
    ways = {
        OURS: _work("extract", lake=str(out), type="files", path=f"{folder}/*.csv"),
        YARDSTICK: python("yardstick", "extract_csv_files", folder, out.with_suffix(".parquet")),
    }
    yield Line("extract 3 CSV files", 3 * count, in_turn(ways), "1x")
    days = bench.events(10 * _YEAR)
    folder = bench.daily_files(300 * days, days)
    ways = {
        OURS: _work("read_files", path=f"{folder}/*.csv", days=days),
        YARDSTICK: python("yardstick", "extract_csv_files", folder, out.with_suffix(".parquet")),
    }
    yield Line(f"read {days:,} daily CSV files", 300 * days, in_turn(ways), "10 s")


def databases(bench: Bench) -> Iterator[Line]:
    """Chatwoot's messages and MariaDB's rows into a lake."""
    out, parquet = bench.folder / "out", bench.folder / "chunked.parquet"
    count = bench.events(1_000_000)
    url = fill_chatwoot(bench.server, "chatwoot", count)
    ways = {
        OURS: _work("extract", lake=str(out), type="chatwoot", url=url, account_id=1),
        CHUNKED: python("databases", "chatwoot", url, parquet),
    }
    yield Line("Chatwoot's messages", count, in_turn(ways), "1x; 500 MB")
    count = bench.events(5_000_000)
    with mariadb_server() as server:
        url = fill_mariadb(server, count)
        ways = {
            OURS: _work("extract", lake=str(out), type="sql", url=url, table="events", timezone="UTC"),
            CHUNKED: python("databases", "rows", url, parquet),
        }
        yield Line("extract MariaDB", count, in_turn(ways), "1x; 500 MB")


def nightly(bench: Bench) -> Iterator[Line]:
    """Three days of a thousand loaded and built again, in PostgreSQL and in the lake."""
    count = bench.events(5_000_000)
    file, lake = bench.file(count, "parquet", _MANY_DAYS), bench.folder / "nightly"
    ways = {
        name: _work("nightly", file=str(file), days=_MANY_DAYS, warehouse=str(place))
        for name, place in ((OURS, bench.url), ("lake", lake))
    }
    yield Line("nightly days in PostgreSQL", count, in_turn(ways), "5x the lake")


def aggregate(bench: Bench) -> Iterator[Line]:
    """The log and its counts."""
    for count in map(bench.events, (1_000_000, 5_000_000, 10_000_000)):
        ways = {
            OURS: _work("build", lake=str(bench.lake(count))),
            YARDSTICK: python("yardstick", "build", bench.file(count, "parquet"), bench.folder / "built"),
        }
        yield Line("log + aggregates", count, in_turn(ways), "10x; linear; 1.5 GB")


def intervals(bench: Bench) -> Iterator[Line]:
    """Ownership intervals of the whole log, against the log itself; and a nightly load by years of history."""
    count = bench.events(10_000_000)
    lake = str(bench.lake(count))
    ways = {OURS: _work("intervals", lake=lake), "log + aggregates": _work("build", lake=lake)}
    yield Line("ownership intervals", count, in_turn(ways), "the log's rate")
    for years in (0, 1, 3):
        days = max(3, 365 * years)
        ways = {}
        for name, length in ((OURS, days), ("without history", 3)):
            file = bench.file(bench.events(_NIGHTLY_EVENTS * length), "parquet", length)
            ways[name] = _work(
                "nightly", file=str(file), days=length, warehouse=str(bench.folder / f"history_{length}")
            )
        yield Line(f"nightly days, {years} years", _NIGHTLY_EVENTS * days, in_turn(ways), "1 s more")


def whole(bench: Bench) -> Iterator[Line]:
    """PostgreSQL to seven presets as HTML and PDF, from a cold process."""
    yield _whole(bench, 1_000_000, 1_000, "8x")
    yield _whole(bench, 5_000_000, 100, "10x")
    yield _whole(bench, 10_000_000, 1_000, "800 MB")


def largest(bench: Bench) -> Iterator[Line]:
    """The same of fifty million events."""
    yield _whole(bench, 50_000_000, 1_000, "1.5 GB")


def _whole(bench: Bench, events: int, rows: int, target: str) -> Line:
    count, folder = bench.events(events), bench.folder / f"whole_{events}"
    folder.mkdir(exist_ok=True)
    config, table = folder / "reports.yaml", bench.table(count)
    config.write_text(CONFIG.format(folder=folder, rows=rows, url=bench.url, table=table))
    program = str(Path(sys.executable).with_name("assignment-reports"))
    clean = f"rm -rf {folder}/lake {folder}/archive {folder}/state.sqlite*"
    run = f"{program} run --config {config} --report-date {LAST_DAY}"
    ways = {OURS: ["sh", "-c", f"{clean} && {run} >/dev/null 2>&1"]}
    if events < 10_000_000:
        ways[YARDSTICK] = python("yardstick", "report", bench.url, table, rows, folder / "yardstick")
    return Line(f"whole way, {rows} rows printed", count, in_turn(ways, runs=1), target)


def small(bench: Bench) -> Iterator[Line]:
    """One day of a thousand events, from the start of the process."""
    folder, count = bench.folder / "small", 60_000
    folder.mkdir(exist_ok=True)
    table = bench.table(count)
    (config := folder / "reports.yaml").write_text(
        CONFIG.format(folder=folder, rows=1_000, url=bench.url, table=table)
    )
    program = str(Path(sys.executable).with_name("assignment-reports"))
    run = f"rm -rf {folder}/lake {folder}/archive && {program} run --config {config} --report-date {LAST_DAY} --preset yesterday"
    one = f"(SELECT * FROM {table} WHERE occurred_at >= '2025-12-29 05:00Z' AND occurred_at < '2025-12-30 05:00Z') day"
    ways = {
        OURS: ["sh", "-c", f"{run} >/dev/null 2>&1"],
        YARDSTICK: python("yardstick", "report", bench.url, one, 1_000, folder / "yardstick", "yesterday"),
    }
    yield Line("small day", 1_000, in_turn(ways), "2.5 s")
    again = f"{program} run --config {config} --report-date {LAST_DAY}"
    in_turn({OURS: ["sh", "-c", f"{again} >/dev/null 2>&1"]}, runs=1)
    for name, more in (("one report", " --preset yesterday"), ("seven reports", "")):
        ways = {OURS: ["sh", "-c", f"{again}{more} >/dev/null 2>&1"]}
        yield Line(f"{name}, nothing to do", count, in_turn(ways), "2 s")


def report(bench: Bench) -> Iterator[Line]:
    """What a report takes in a process that has made one: draft and files, of a day."""
    lake = str(bench.lake(bench.events(60_000)))
    ways = {name: _work("report", lake=lake, components=these) for name, these in _COMPONENTS.items()}
    yield Line("a report of a day", 1_000, in_turn(ways), "0.7 s")


def backfill(bench: Bench) -> Iterator[Line]:
    """A year of the flow as one run of Dagster."""
    folder, count = bench.folder / "backfill", bench.events(1_000_000)
    folder.mkdir(exist_ok=True)
    table, config = bench.table(count, _YEAR), folder / "reports.yaml"
    config.write_text(CONFIG.format(folder=folder, rows=0, url=bench.url, table=table))
    ways = {OURS: python("backfill", config, LAST_DAY - timedelta(_YEAR - 1), LAST_DAY)}
    yield Line("backfill of 365 days", count, in_turn(ways, runs=1), "60 s")


def report_backfill(bench: Bench) -> Iterator[Line]:
    """The reports of thirty days as one run of Dagster, on all cores and on one; a hundred events a day."""
    folder, days = bench.folder / "report_backfill", 65
    folder.mkdir(exist_ok=True)
    table, config = bench.table(100 * days, days), folder / "reports.yaml"
    config.write_text(CONFIG.format(folder=folder, rows=100, url=bench.url, table=table))
    dates = (LAST_DAY - timedelta(days - 1), LAST_DAY, LAST_DAY - timedelta(29))
    command = ["sh", "-c", f'rm -rf {folder}/lake {folder}/archive {folder}/state.sqlite; exec "$@"', "sh"]
    made = python("backfill", config, *dates)
    ways = {OURS: [*command, *made], ONE_CORE: [*command, "taskset", "--cpu-list", "0", *made]}
    yield Line("backfill of 30 dates of reports", 100 * days, in_turn(ways, runs=1), "1.7x on two cores")


def pdf(bench: Bench) -> Iterator[Line]:
    """The whole log, printed."""
    others = {1_000: ("weasyprint", "chromium"), 5_000: ("weasyprint", "chromium")}
    for events in (1_000, 5_000, 20_000, 100_000, 1_000_000):
        count, out = bench.events(events), bench.folder / "out.pdf"
        file = bench.printed(count)
        ways = {OURS: _work("printed", log=str(file), kind="pdf")}
        rivals = ("plutoprint", "reportlab", "typst") if events < 1_000_000 else ()
        ways |= {way: python("printers", way, file, out) for way in (*others.get(events, ()), *rivals)}
        yield Line("print the log", count, in_turn(ways), "50x WeasyPrint; the fastest; 500 MB")


def tables(bench: Bench) -> Iterator[Line]:
    """The log as CSV and as a workbook."""
    for kind, target in (("csv", "5x"), ("xlsx", "4x; 500 MB")):
        for count in map(bench.events, (100_000, 1_000_000)):
            file = bench.printed(count)
            ways = {
                OURS: _work("printed", log=str(file), kind=kind),
                YARDSTICK: python("yardstick", kind, file, bench.folder / f"out.{kind}"),
            }
            yield Line(f"{kind.upper()} of the log", count, in_turn(ways), target)


def starting(_bench: Bench) -> Iterator[Line]:
    """What is paid before any work."""
    program = str(Path(sys.executable).with_name("assignment-reports"))
    yield Line("--help", 0, in_turn({OURS: [program, "--help"]}, runs=5), "0.3 s")
    imported = [sys.executable, "-c", "import orchestration.definitions"]
    ways = {OURS: imported, "import dagster": [sys.executable, "-c", "import dagster"]}
    yield Line("code location", 0, in_turn(ways, runs=5), "2 s")


_COMPONENTS = {OURS: ["metric", "bar_chart", "pie_chart", "trend", "log"], "all components": None}
_QUICK = ("extract", "aggregate", "small", "report", "starting")
STAGES: dict[str, Callable[[Bench], Iterator[Line]]] = {
    "extract": extract,
    "intervals": intervals,
    "databases": databases,
    "nightly": nightly,
    "aggregate": aggregate,
    "whole": whole,
    "largest": largest,
    "small": small,
    "report": report,
    "backfill": backfill,
    "report_backfill": report_backfill,
    "pdf": pdf,
    "tables": tables,
    "starting": starting,
}


def growth(lines: Sequence[Line]) -> dict[str, float]:
    """Return for each stage the exponent with which time grows, from its smallest to its largest size."""
    sizes: dict[str, list[Line]] = defaultdict(list)
    for line in lines:
        sizes[line.stage.split(",")[0] if line.stage.startswith("whole") else line.stage].append(line)
    return {
        stage: math.log(each[-1].ways[OURS].seconds / each[0].ways[OURS].seconds)
        / math.log(each[-1].events / each[0].events)
        for stage, each in sizes.items()
        if each[0].events < each[-1].events
    }


def shown(lines: Sequence[Line]) -> Table:
    """Return the table."""
    table = Table(
        "stage", "events", "seconds", "per second", "peak MB", "others: seconds, times ours", "target",
        title=f"{os.cpu_count()} cores, {os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') / 2**30:.0f} GiB",
    )  # fmt: skip
    for line in lines:
        ours = line.ways[OURS]
        others = (
            f"{way} {each.seconds:.2f} = {line.ratio(way):.1f}x, {each.megabytes:.0f} MB"
            for way, each in line.ways.items()
            if way != OURS
        )
        table.add_row(
            line.stage, f"{line.events:,}", f"{ours.seconds:.2f}", f"{line.events / ours.seconds:,.0f}",
            f"{ours.megabytes:.0f}", "\n".join(others), line.target,
        )  # fmt: skip
    for stage, exponent in growth(lines).items():
        table.add_row(f"growth of {stage}", "", f"n^{exponent:.2f}", "", "", "", "")
    return table


def plot(lines: Sequence[Line], path: Path) -> None:
    """Draw seconds against events, ours and the others', a panel for each stage that has several sizes."""
    import matplotlib as mpl  # noqa: PLC0415 - for the plot only
    from matplotlib.figure import Figure  # noqa: PLC0415
    from matplotlib.ticker import EngFormatter, LogLocator, NullFormatter, StrMethodFormatter  # noqa: PLC0415

    stages: dict[str, list[Line]] = defaultdict(list)
    for line in lines:
        stages[line.stage.split(",")[0]].append(line)
    drawn = {stage: each for stage, each in stages.items() if len(each) > 1}
    rows = -(-len(drawn) // 3)
    figure = Figure(figsize=(12.6, 3.2 * rows), layout="constrained")
    for at, (stage, each) in enumerate(drawn.items(), start=1):
        axes = figure.add_subplot(rows, 3, at, title=stage, xscale="log", yscale="log")
        for way in dict.fromkeys(way for line in each for way in line.ways):
            points = [(line.events, line.ways[way].seconds) for line in each if way in line.ways]
            axes.plot(*zip(*points, strict=True), marker="o", label=way, linewidth=2 if way == OURS else 1)
        axes.xaxis.set(major_formatter=EngFormatter(sep=""), minor_formatter=NullFormatter())
        axes.yaxis.set(
            major_locator=LogLocator(subs=(1, 2, 5)),
            major_formatter=StrMethodFormatter("{x:g}"),
            minor_formatter=NullFormatter(),
        )
        axes.set(xlabel="events", ylabel="seconds")
        axes.legend(frameon=False, fontsize="small", ncols=1 + (len(axes.lines) > 3))
    with mpl.rc_context({"svg.hashsalt": "benchmarks"}):
        figure.savefig(path, metadata={"Date": None})


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", action="append", choices=STAGES, help="measure only this stage")
    parser.add_argument("--scale", type=float, default=1, help="share of the events")
    parser.add_argument("--out", type=Path, help="folder for the figures and the plot, instead of docs")
    parser.add_argument(
        "--quick", action="store_true", help=f"{', '.join(_QUICK)}, a tenth of the events, most once"
    )
    options = parser.parse_args()
    if options.quick:
        options.only, options.scale, measure.long_seconds = _QUICK, 0.1, 1
    lines: list[Line] = []
    console = Console(width=160)
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, cluster() as server:
        bench = Bench(Path(folder), server, options.scale)
        for stage in options.only or STAGES:
            for line in STAGES[stage](bench):
                console.print(f"{line.stage}, {line.events:,}: {line.ways[OURS].seconds:.2f} s")
                lines.append(line)
    console.print(shown(lines))
    if options.quick:
        return
    plotted, figures = PLOT, FIGURES
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        plotted, figures = options.out / PLOT.name, options.out / FIGURES.name
    if options.only and figures.exists():
        lines = _replaced(_read_lines(figures), lines)
    figures.write_text(json.dumps([asdict(line) for line in lines], indent=1))
    plot(lines, plotted)


def _read_lines(figures: Path) -> list[Line]:
    return [
        Line(**each | {"ways": {name: Measured(**way) for name, way in each["ways"].items()}})
        for each in json.loads(figures.read_text())
    ]


def _replaced(before: Sequence[Line], lines: Sequence[Line]) -> list[Line]:
    """Return the lines *before* with those that were measured again in their place, and new ones last."""
    found = {(line.stage, line.events): line for line in (*before, *lines)}
    return list(found.values())


if __name__ == "__main__":
    main()

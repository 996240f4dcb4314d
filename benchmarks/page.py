"""The page that carries its log: size, time to make, time to open, time of a filter, in Chromium.

Run by `make bench`. The targets: at most 12 bytes an event, a filter in 30 ms at 100,000 events and in
100 ms at 1,000,000.
"""

import random
import shutil
import statistics
import tempfile
import time
from datetime import UTC, date, datetime
from pathlib import Path
from urllib.parse import urlencode

import pyarrow as pa
from playwright.sync_api import Page, sync_playwright
from rich.console import Console
from rich.table import Table

from assets.aggregates.build import build_days
from assets.config.workspace import ReportSpec, Workspace
from assets.extract.load import load_days
from assets.periods import Period
from assets.render.html.log_codec import encode_log_payload
from assets.render.html.page import render_page
from assets.report.build import Built, build_report
from assets.report.log_table import printed_log
from assets.sources.files.imports import DaySources
from assets.sources.registry import open_source
from assets.sources.synthetic import write_events
from assets.warehouse.parquet_lake import Lake

SIZES = (1_000, 10_000, 100_000, 1_000_000)
FIRST, LAST = date(2026, 9, 19), date(2026, 11, 17)
NOW = datetime(2026, 11, 20, tzinfo=UTC)
SPEC = ReportSpec(name="all", first_day=FIRST, last_day=LAST)
FILTERS = 40
OFFLINE = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
HEADER = (
    "events",
    "report s",
    "page s",
    "page MB",
    "bytes/event",
    "opened s",
    "filter median ms",
    "worst ms",
    "redrawn median ms",
)


def main() -> None:
    """Measure each size and print one line for it."""
    table = Table(*HEADER, title="The page")
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=OFFLINE)
        for size in SIZES:
            folder = Path(name) / str(size)
            table.add_row(*measured(folder, size, chromium.new_page()))
        chromium.close()
    Console(width=140).print(table)


def measured(folder: Path, size: int, page: Page) -> list[str]:
    """Return the cells of one line."""
    workspace, lake = filled_lake(folder, size)
    began = time.perf_counter()
    built = build_report(lake, workspace, SPEC, date(2026, 11, 18), NOW)
    counted = time.perf_counter()
    html = render_page(built.report, printed_log(built.rows, workspace.zone).slice(0, 1_000), 1, built.coded)
    rendered = time.perf_counter()
    (path := folder / "report.html").write_text(html, encoding="utf-8")
    opening = time.perf_counter()
    page.goto(path.as_uri())
    page.wait_for_selector("html[data-ready]", timeout=120_000)
    opened = time.perf_counter()
    answers, redraws = filter_times(page, built)
    events = built.report.total
    return [
        f"{events:,}",
        f"{counted - began:.2f}",
        f"{rendered - counted:.2f}",
        f"{len(html.encode()) / 1e6:.2f}",
        f"{len(encode_log_payload(built.coded)[1]) / events:.1f}",
        f"{opened - opening:.2f}",
        f"{statistics.median(answers):.1f}",
        f"{max(answers):.1f}",
        f"{statistics.median(redraws):.0f}",
    ]


def filled_lake(folder: Path, size: int) -> tuple[Workspace, Lake]:
    """Return a workspace whose lake has *size* synthetic events of 60 days."""
    write_events(folder / "events.csv", last_day=LAST, days=60, events=size)
    workspace = Workspace.model_validate(
        {
            "slug": "bench",
            "name": "Bench",
            "timezone": "America/New_York",
            "first_day": FIRST,
            "source": {"type": "files", "path": str(folder / "events.csv")},
        }
    )
    lake, period = Lake(folder / "lake", "bench"), Period(FIRST, LAST, workspace.zone)
    load_days(workspace, DaySources(open_source(workspace), []), lake, period.days, NOW)
    build_days(lake, period)
    return workspace, lake


def filter_times(page: Page, built: Built) -> tuple[list[float], list[float]]:
    """Return the milliseconds that random filters take: to be answered, and until all is redrawn."""
    rng = random.Random(1)  # noqa: S311 - the same filters each time
    answers, redraws = [], []
    for number in range(FILTERS):
        fragment = urlencode(random_filter(rng, built.rows) | {"number": number}, doseq=True)  # no two equal
        times: dict[str, float] = page.evaluate(
            """fragment => new Promise(done => {
                performance.clearMeasures();
                addEventListener('hashchange', () => {
                    const end = performance.now();
                    const [answered] = performance.getEntriesByName('answered');
                    done({ answer: answered.duration, redraw: end - answered.startTime });
                }, { once: true });
                location.hash = fragment;
            })""",
            fragment,
        )
        answers.append(times["answer"])
        redraws.append(times["redraw"])
    return answers, redraws


def random_filter(rng: random.Random, rows: pa.Table) -> dict[str, list[str]]:
    """Return one to three filters with values that occur."""
    row = rows.slice(rng.randrange(rows.num_rows), 1).to_pylist()[0]
    values = {
        "source": [row["source"], "bot"],
        "assigned_to": [row["assignee_id"] or "Unassigned"],
        "assigned_by": ["u1", "u2"],
        "contact": [(row["contact_name"] or "a")[: rng.randint(1, 4)]],
        "conversation": [row["conversation_id"] or ""],
        "from": ["2026-10-03"],
    }
    return {key: values[key] for key in rng.sample(sorted(values), k=rng.randint(1, 3))}


if __name__ == "__main__":
    main()

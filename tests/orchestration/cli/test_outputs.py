"""Every output of a report says the same, and what others rely on is there."""

import csv
import hashlib
import json
import re
import subprocess

import pyarrow.parquet as pq
import pytest

from assets.render.xlsx import log_row_count
from assets.report.model import Report
from tests.orchestration.command_line import DEMO_PRESETS, LAST_DAY, CommandLine


@pytest.mark.parametrize("preset", DEMO_PRESETS)
def test_every_output_says_the_same_total(demo: CommandLine, preset: str) -> None:
    check_totals(demo, preset)


def check_totals(command_line: CommandLine, preset: str) -> None:
    """Fail where a file of the report of *preset* says another total than its `report.json`."""
    folder = command_line.folder / "out" / "acme" / preset / str(LAST_DAY) / "v1"
    report = json.loads((folder / "report.json").read_text())
    total = report["total"]
    assert total > 0
    log = (folder / "log.csv").read_bytes()
    with (folder / "log.csv").open(newline="", encoding="utf-8-sig") as file:
        assert len(list(csv.reader(file))) == total + 1
    assert pq.read_table(folder / "log.parquet").num_rows == total
    assert log_row_count((folder / "log.xlsx").read_bytes()) == total
    assert sum(each["count"] for each in report["by_source"]) == total
    assert sum(each["count"] for each in report["by_day"]) == total
    assert sum(round(each["share_pct"] * 10) for each in report["by_source"]) == 1000
    assert report["log"] == {
        "rows_total": total,
        "rows_shown": min(40, total),
        "files": ["log.csv", "log.xlsx", "log.parquet"],
        "sha256": hashlib.sha256(log).hexdigest(),
    }
    text = subprocess.run(
        ["pdftotext", "-layout", str(folder / "report.pdf"), "-"], capture_output=True, check=True, text=True
    ).stdout
    assert re.search(rf"^\s*{total:,}\b", text, re.MULTILINE)
    assert re.search(rf"Total\s+{total:,}\s+100.0%", text)
    for each in report["by_source"]:
        assert re.search(rf"{re.escape(each['label'])}\s+{each['count']:,}\s+{each['share_pct']:.1f}%", text)
    assert f"<strong>{total:,}</strong>" in (folder / "report.html").read_text()
    assert "$defs" not in report
    Report.model_validate(report)


def test_the_report_has_the_fields_that_others_rely_on(demo: CommandLine) -> None:
    report = json.loads((demo.folder / f"out/acme/last_30_days/{LAST_DAY}/v1/report.json").read_text())
    assert {
        "workspace", "preset", "report_date", "as_of", "period", "total", "by_source", "by_day", "log",
        "quality", "provisional", "missing_days", "filters",
    } <= report.keys()  # fmt: skip
    assert report["period"] == {
        "first_day": "2026-10-04",
        "last_day": "2026-11-02",
        "start": "2026-10-04T04:00:00Z",
        "end": "2026-11-03T05:00:00Z",
        "timezone": "America/New_York",
    }
    assert {"rejected", "duplicates", "no_change"} <= report["quality"].keys()
    assert not report["provisional"]

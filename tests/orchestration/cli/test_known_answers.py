"""Real logs whose answers are known, where they stand beside the project."""

import json
import os
from pathlib import Path

import pytest

from tests.orchestration.command_line import (
    CommandLine,
)

ROOT = Path(__file__).parents[3]


KNOWN_ANSWERS = sorted(ROOT.parent.glob("*/data/*.truth.json"))
WINDOWS = ("last_30_days", "previous_30_days", "last_7_days", "busiest_month")
ZONES = ("UTC", "Asia/Kuala_Lumpur", "America/New_York", "Europe/Stockholm")


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("answers", KNOWN_ANSWERS, ids=lambda path: path.name.split(".")[0])
def test_real_logs_with_known_answers_give_them(tmp_path: Path, answers: Path, zone: str) -> None:
    truth = json.loads(answers.read_text())["zones"][zone]
    windows = {f"asked_{name}": truth[name] for name in WINDOWS}
    reports = [
        {"name": name, "preset": "custom", "first_day": asked["first_day"], "last_day": asked["last_day"]}
        for name, asked in windows.items()
    ]
    workspace = {
        "slug": "real",
        "name": "Real",
        "timezone": zone,
        "first_day": min(truth["by_day"]),
        "source": {"type": "files", "path": os.fspath(answers).replace(".truth.json", ".csv")},
        "reports": reports,
        "formats": ["html", "pdf"] if zone == "UTC" else ["csv"],
        "pdf_log_rows": 0,
    }
    configuration = {"lake": "./lake", "archive": "./out", "workspaces": [workspace]}
    (tmp_path / "reports.yaml").write_text(json.dumps(configuration))
    made = CommandLine(tmp_path).run(*(word for name in windows for word in ("--preset", name)))
    assert [each["report"] for each in made] == list(windows)
    for each in made:
        asked = windows[each["report"]]
        report = json.loads((Path(each["path"]) / "report.json").read_text())
        assert report["total"] == asked["total"]
        assert {each["source"]: each["count"] for each in report["by_source"]} == asked["by_source"]
        assert {each["day"]: each["count"] for each in report["by_day"] if each["count"]} == {
            day: count for day, count in asked["by_day"].items() if count
        }
        assert (report["period"]["start"], report["period"]["end"]) == (
            asked["start_utc"],
            asked["end_utc_exclusive"],
        )

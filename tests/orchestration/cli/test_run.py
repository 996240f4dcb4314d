"""Whole runs by the command line, as people start them."""

import csv
import hashlib
import json
import os
import re
import signal
import subprocess
from contextlib import suppress
from datetime import date
from itertools import count
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from assets.config.deployment import Config
from assets.periods import PRESETS
from assets.render.xlsx import log_row_count
from assets.report.model import Report
from assets.warehouse.parquet_lake import Lake
from tests.orchestration.command_line import (
    CONFIG,
    DATA_ONLY,
    LAST_DAY,
    RUN,
    CommandLine,
    lose_a_count,
    make_command_line,
)

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("preset", PRESETS)
def test_every_output_says_the_same_total(demo: CommandLine, preset: str) -> None:
    folder = demo.folder / "out" / "acme" / preset / str(LAST_DAY) / "v1"
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


def test_a_second_run_renders_nothing_and_changes_nothing(demo: CommandLine) -> None:
    before = demo.files()
    assert [each["is_new"] for each in demo.run()] == [False] * 7
    assert demo.files() == before


def test_two_processes_with_different_hash_seeds_write_the_same_bytes(
    demo: CommandLine, tmp_path: Path
) -> None:
    second = make_command_line(tmp_path)
    second.run_process(PYTHONHASHSEED="2", TZ="Etc/GMT+2", SOURCE_DATE_EPOCH="2")
    one, other = demo.files(), second.files()
    assert one.keys() == other.keys()
    assert [name for name in one if one[name] != other[name]] == []
    assert sum(name.endswith(".pdf") for name in one) == 7


def test_one_preset_one_workspace_or_any_days_can_be_asked_for(command_line_all_formats: CommandLine) -> None:
    (one,) = command_line_all_formats.run("--preset", "yesterday", "--workspace", "acme")
    assert (one["report"], one["version"]) == ("yesterday", 1)
    (any_days,) = command_line_all_formats.run("--from", "2026-10-31", "--to", "2026-11-01")
    report = json.loads((Path(any_days["path"]) / "report.json").read_text())
    assert report["preset"] == "custom"
    assert (report["period"]["start"], report["period"]["end"]) == (
        "2026-10-31T04:00:00Z",
        "2026-11-02T05:00:00Z",
    )


YESTERDAY = ("run", "--report-date", str(LAST_DAY), "--preset", "yesterday")


def test_days_are_loaded_once_and_again_on_request(command_line: CommandLine) -> None:
    assert "loading 2026-11-02 to 2026-11-02" in command_line.call(*YESTERDAY).stderr
    assert "loading" not in command_line.call(*YESTERDAY).stderr
    assert "loading 2026-11-02 to 2026-11-02" in command_line.call(*YESTERDAY, "--reload").stderr


def test_a_file_that_changed_is_read_again_without_being_asked(command_line: CommandLine) -> None:
    assert command_line.run("--preset", "yesterday")[0]["total"] > 1
    (command_line.folder / "events" / "events.csv").write_text(
        "event_id,occurred_at,contact_id,assignee\n1,2026-11-02T15:00:00Z,k,Bob\n"
    )
    done = command_line.call(*YESTERDAY, "--json")
    assert "reading again: files were added, changed or removed: events.csv" in done.stderr
    (changed,) = json.loads(done.stdout)
    assert (changed["total"], changed["version"]) == (1, 2)


def test_history_is_loaded_where_the_source_does_not_tell_the_previous_assignee(
    command_line: CommandLine,
) -> None:
    (command_line.folder / "events" / "events.csv").write_text(
        "event_id,occurred_at,contact_id,assignee\n1,2026-09-12T15:00:00Z,k,Bob\n2,2026-11-02T15:00:00Z,k,Eve\n"
    )
    (one,) = command_line.run("--preset", "yesterday")
    with (Path(one["path"]) / "log.csv").open(newline="", encoding="utf-8-sig") as file:
        assert [row["Previous Assignee"] for row in csv.DictReader(file)] == ["Bob"]


def killed_while_loading(command_line: CommandLine, files: int) -> None:
    """Begin to load in another process, which kills itself when it has stored so many files of days."""
    if process := os.fork():
        assert os.WTERMSIG(os.waitpid(process, 0)[1]) == signal.SIGKILL
        return
    stored, write = count(1), Lake._write

    def deadly(*arguments: Any) -> None:
        write(*arguments)
        if next(stored) == files:
            os.kill(os.getpid(), signal.SIGKILL)

    with pytest.MonkeyPatch.context() as patch, suppress(BaseException):
        patch.setattr(Lake, "_write", deadly)
        command_line.call(*RUN, "--preset", "last_7_days")
    os._exit(0)


def test_a_load_that_was_killed_is_taken_up_by_the_next_run(
    command_line: CommandLine, tmp_path_factory: pytest.TempPathFactory
) -> None:
    for files in (5, 20):
        killed_while_loading(command_line, files)
    command_line.run("--preset", "last_7_days")
    undisturbed = make_command_line(tmp_path_factory.mktemp("undisturbed"), 300, CONFIG + DATA_ONLY)
    undisturbed.run("--preset", "last_7_days")
    ours, theirs = command_line.files(), undisturbed.files()
    assert ours.keys() == theirs.keys()
    assert [name for name in ours if ours[name] != theirs[name]] == []


def test_totals_that_differ_archive_nothing_and_reloading_mends_them(command_line: CommandLine) -> None:
    command_line.run("--from", "2026-11-02", "--to", "2026-11-02")
    lose_a_count(command_line, date(2026, 11, 2))
    done = command_line.call("run", "--report-date", str(LAST_DAY), "--preset", "yesterday")
    assert done.returncode == 4
    assert "Daily source aggregates 0" in done.stderr
    assert not (command_line.folder / "out/acme/yesterday").exists()
    assert command_line.run("--preset", "yesterday", "--reload")[0]["is_new"]


def test_one_broken_workspace_does_not_stop_the_others(command_line: CommandLine) -> None:
    config = (command_line.folder / "reports.yaml").read_text()
    broken = (
        config.split("workspaces:\n")[1].replace("acme", "broken").replace("events/*.csv", "nothing/*.csv")
    )
    (command_line.folder / "reports.yaml").write_text(
        config.replace("workspaces:\n", f"workspaces:\n{broken}")
    )
    done = command_line.call_process(*RUN, "--preset", "yesterday")
    assert done.returncode == 3
    assert "error: broken: no file matches" in done.stderr
    assert [each["workspace"] for each in json.loads(done.stdout)] == ["acme"]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["run", "--config", "nope.yaml"], 2, "error: nope.yaml: no such file"),
        (["run", "--preset", "nope"], 2, "error: acme has no report 'nope'; there are today, yesterday"),
        (["run", "--workspace", "nope"], 2, "error: no workspace 'nope'; there are acme"),
        (["run", "--from", "2026-10-01"], 2, "error: give both --from and --to"),
        (
            ["run", "--from", "2026-10-02", "--to", "2026-10-01"],
            2,
            "--to 2026-10-01 is before --from 2026-10-02",
        ),
        (
            ["run", "--report-date", "2999-01-01"],
            2,
            "report date 2999-01-01 has not begun in America/New_York",
        ),
        (["run", "--report-date", "1 May"], 2, "Invalid value for '--report-date'"),
        (["sql", "DROP TABLE assignment_log"], 2, "error: give one SELECT"),
        (["check-config", "nope.yaml"], 2, "nope.yaml: no such file"),
    ],
)
def test_a_wrong_call_says_what_to_do(
    command_line: CommandLine, arguments: list[str], code: int, message: str
) -> None:
    done = command_line.call(*arguments)
    assert (done.returncode, "Traceback" in done.stderr) == (code, False), done.stderr
    assert message in done.stderr


def test_the_warehouse_answers_questions(demo: CommandLine) -> None:
    done = demo.call(
        "sql",
        "--csv",
        "SELECT source, sum(assignment_count) AS n FROM daily_source_aggregates GROUP BY 1 ORDER BY 2 DESC, 1",
    )
    assert done.returncode == 0, done.stderr
    rows = list(csv.DictReader(done.stdout.splitlines()))
    assert rows[0]["source"] == "user"
    assert (
        "assignment_count"
        in demo.call("sql", "SELECT assignment_count FROM daily_source_aggregates LIMIT 1").stdout
    )


def test_doctor_finds_this_machine_fit(command_line: CommandLine) -> None:
    done = command_line.call("doctor")
    assert done.returncode == 0, done.stdout
    assert "FAIL" not in done.stdout
    (command_line.folder / "reports.yaml").write_text("lake: [")
    sick = command_line.call("doctor")
    assert sick.returncode == 1
    assert "mend it: correct reports.yaml" in sick.stdout


def test_the_schema_describes_every_key(command_line: CommandLine) -> None:
    schema = json.loads(command_line.call("schema").stdout)
    assert schema["properties"].keys() == Config.model_fields.keys()
    assert "Workspace" in schema["$defs"]


def test_check_config_counts_what_is_right(command_line: CommandLine) -> None:
    assert (
        command_line.call("check-config", "reports.yaml").stdout
        == "reports.yaml is valid: 1 workspace, 7 reports\n"
    )


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


def test_an_opening_does_not_depend_on_which_reports_were_made_before(tmp_path: Path) -> None:
    """A fresh run of one report loads every day since the first, also those that neither it nor its comparison covers."""
    config = CONFIG + DATA_ONLY.replace("log]", "assignees]")
    found = []
    for name, presets in (("alone", ["this_month"]), ("late", ["last_7_days", "this_month"])):
        (folder := tmp_path / name).mkdir()
        command_line = make_command_line(folder, 300, config)
        for preset in presets:
            (made,) = command_line.run("--preset", preset)
        found.append(json.loads((folder / made["path"] / "report.json").read_text()))
    assert found[0]["assignees"] == found[1]["assignees"]
    assert sum(each["opening"] for each in found[0]["assignees"]) > 0
    assert [each["known_since"] for each in found] == ["2026-09-10"] * 2
    assert not found[0]["provisional"]


def test_a_period_in_the_future_is_no_report(command_line: CommandLine) -> None:
    done = command_line.call(
        "run", "--report-date", str(LAST_DAY), "--from", "2026-11-10", "--to", "2026-11-12"
    )
    assert done.returncode == 2
    assert "2026-11-10 to 2026-11-12 has not begun on 2026-11-03" in done.stderr
    assert not list((command_line.folder / "out").glob("acme/*/2026-11-03/v*"))

"""`run`: which days are loaded, which reports are made, and what stops neither."""

import csv
import json
import os
import signal
from contextlib import suppress
from datetime import date
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from assets.warehouse.parquet_lake import Lake
from tests.orchestration.command_line import (
    CONFIG,
    DATA_ONLY,
    DEMO_PRESETS,
    LAST_DAY,
    RUN,
    CommandLine,
    lose_a_count,
    make_command_line,
)

YESTERDAY = ("run", "--report-date", str(LAST_DAY), "--preset", "yesterday")


def test_a_second_run_renders_nothing_and_changes_nothing(demo: CommandLine) -> None:
    before = demo.files()
    presets = [f"--preset={preset}" for preset in DEMO_PRESETS]
    assert [each["is_new"] for each in demo.run(*presets)] == [False] * 3
    assert demo.files() == before


def test_one_preset_one_workspace_or_any_days_can_be_asked_for(command_line: CommandLine) -> None:
    (one,) = command_line.run("--preset", "yesterday", "--workspace", "acme")
    assert (one["report"], one["version"]) == ("yesterday", 1)
    (any_days,) = command_line.run("--from", "2026-10-31", "--to", "2026-11-01")
    report = json.loads((Path(any_days["path"]) / "report.json").read_text())
    assert report["preset"] == "custom"
    assert (report["period"]["start"], report["period"]["end"]) == (
        "2026-10-31T04:00:00Z",
        "2026-11-02T05:00:00Z",
    )


def test_days_are_loaded_once_and_again_on_request(command_line: CommandLine) -> None:
    assert "acme: loading 2026-11-02\n" in command_line.call(*YESTERDAY).stderr
    assert "loading" not in command_line.call(*YESTERDAY).stderr
    assert "acme: loading 2026-11-02\n" in command_line.call(*YESTERDAY, "--reload").stderr


def test_a_file_that_changed_is_read_again_without_being_asked(command_line: CommandLine) -> None:
    assert command_line.run("--preset", "yesterday")[0]["total"] > 1
    (command_line.folder / "events" / "events.csv").write_text(
        "event_id,occurred_at,contact_id,assignee\n1,2026-11-02T15:00:00Z,k,Bob\n"
    )
    done = command_line.call(*YESTERDAY, "--json")
    assert "reloading: files were added, changed or removed: events.csv" in done.stderr
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
    stored, write = count(1), Lake._write_day

    def deadly(*arguments: Any) -> None:
        write(*arguments)
        if next(stored) == files:
            os.kill(os.getpid(), signal.SIGKILL)

    with pytest.MonkeyPatch.context() as patch, suppress(BaseException):
        patch.setattr(Lake, "_write_day", deadly)
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
    assert "ERROR broken: no file matches" in done.stderr
    assert [each["workspace"] for each in json.loads(done.stdout)] == ["acme"]


def test_an_opening_does_not_depend_on_which_reports_were_made_before(tmp_path: Path) -> None:
    """A fresh run of one report loads every day since the first, also those that neither it nor its comparison covers."""
    config = (CONFIG + DATA_ONLY.replace("log]", "assignees]")).replace("2026-09-10", "2026-10-20")
    found = []
    for name, presets in (("alone", ["this_month"]), ("late", ["last_7_days", "this_month"])):
        (folder := tmp_path / name).mkdir()
        command_line = make_command_line(folder, 300, config)
        for preset in presets:
            (made,) = command_line.run("--preset", preset)
        found.append(json.loads((folder / made["path"] / "report.json").read_text()))
    assert found[0]["assignees"] == found[1]["assignees"]
    assert sum(each["opening"] for each in found[0]["assignees"]) > 0
    assert [each["known_since"] for each in found] == ["2026-10-20"] * 2
    assert not found[0]["provisional"]


def test_a_period_in_the_future_is_no_report(command_line: CommandLine) -> None:
    done = command_line.call(
        "run", "--report-date", str(LAST_DAY), "--from", "2026-11-10", "--to", "2026-11-12"
    )
    assert done.returncode == 2
    assert "2026-11-10 to 2026-11-12 has not begun on 2026-11-03" in done.stderr
    assert not list((command_line.folder / "out").glob("acme/*/2026-11-03/v*"))

"""The first hour of a new user: the quick start, the README's commands, the natural mistakes, their remedies."""

import json
from pathlib import Path

import pytest

from tests.orchestration.command_line import DATA_ONLY, CommandLine
from tests.orchestration.readme_stories import (
    BRIEF_STORIES,
    FIRST_DAY,
    YESTERDAY,
    check_what_is_said,
    commands,
    eight_columns,
    folder_with,
    readme_commands,
)

PLAIN = ("--preset", "last_7_days", "--json")


def total(command_line: CommandLine) -> int | None:
    found: int | None = json.loads(command_line.call("run", *PLAIN).stdout)[0]["total"]
    return found


@pytest.mark.parametrize("story", range(3))
def test_the_quick_starts_configurations_and_commands_work(tmp_path: Path, story: int) -> None:
    command_line = folder_with(tmp_path, story, BRIEF_STORIES[story])
    for words in commands():
        done = command_line.call(*words)
        assert done.returncode == 0, done.stderr + done.stdout
    check_what_is_said(done.stdout)


def test_the_readmes_commands_work(tmp_path: Path) -> None:
    eight_columns(tmp_path)
    command_line = CommandLine(tmp_path)
    for words in readme_commands(tmp_path):
        done = command_line.call(*words)
        assert done.returncode == 0, done.stderr + done.stdout
    (report,) = tmp_path.glob("reports_out/*/last_7_days/*/v1/report.json")
    assert json.loads(report.read_text())["total"] == 6


# On the first twelve days of a month both readings are dates, and nobody can tell: then the year is wrong.
EXCHANGED = "%m.%d.%Y" if YESTERDAY.day > 12 else "%d.%m.%y"
MISTAKES = {
    "wrong path": (
        0,
        ('"events/*.csv"', '"event/*.csv"'),
        "no file matches",
    ),
    "zone left out": (
        1,
        ("      timezone: Europe/Berlin\n      time", "      time"),
        "set `timezone` of the source",
    ),
    "wrong zone": (0, ("America/New_York", "America/NewYork"), "did you mean 'America/New_York'?"),
    "wrong column": (1, ("assignee: Bearbeiter", "assignee: Bearbeitr"), "did you mean 'Bearbeiter'?"),
    "month and day exchanged": (1, ("%d.%m.%Y", EXCHANGED), "rejected"),
    "format without directives": (1, ("%d.%m.%Y %H:%M", "DD.MM.YYYY hh:mm"), "has no directive"),
    "first day in the future": (
        0,
        (str(FIRST_DAY), "2099-01-01"),
        "is in the future; nothing would be loaded",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_natural_mistake_is_told_in_one_line_and_mended_by_its_remedy(tmp_path: Path, mistake: str) -> None:
    story, (right, wrong), said = MISTAKES[mistake]
    command_line = folder_with(tmp_path, story, BRIEF_STORIES[story])
    assert right in BRIEF_STORIES[story]
    (tmp_path / "reports.yaml").write_text(BRIEF_STORIES[story].replace(right, wrong))
    checked = command_line.call("check-config")
    assert checked.returncode != 0
    assert len([line for line in checked.stderr.splitlines() if said in line]) == 1, checked.stderr
    done = command_line.call("run", *PLAIN)
    assert done.returncode in {2, 3} or "future" in mistake
    assert not done.stdout.strip() or all(
        each["total"] is None and each["provisional"] for each in json.loads(done.stdout)
    )
    (tmp_path / "reports.yaml").write_text(BRIEF_STORIES[story])
    assert total(command_line) == 6


def test_a_file_in_another_encoding_is_read_when_it_says_so(tmp_path: Path) -> None:
    command_line = folder_with(tmp_path, 1, BRIEF_STORIES[1])
    path = tmp_path / "events" / "export.csv"
    path.write_bytes(path.read_text(encoding="utf-8").encode("cp1252"))
    assert (
        "it looks like cp1252: set `encoding: cp1252` of the source"
        in command_line.call("check-config").stderr
    )
    done = command_line.call("run", *PLAIN)
    assert done.returncode == 3
    assert json.loads(done.stdout)[0]["reasons"] == ["input_unreadable"]
    remedy = BRIEF_STORIES[1].replace("      time_format", "      encoding: cp1252\n      time_format")
    (tmp_path / "reports.yaml").write_text(remedy)
    assert total(command_line) == 6


@pytest.mark.parametrize("story", range(3))
def test_init_writes_a_configuration_that_works(tmp_path: Path, story: int) -> None:
    command_line = folder_with(tmp_path, story, BRIEF_STORIES[story])
    (tmp_path / "reports.yaml").unlink()
    named = (
        ("sqlite:///inbox.db",)
        if story == 2
        else (str(next((tmp_path / "events").glob("*")).relative_to(tmp_path)),)
    )
    done = command_line.call("init", *named, "--timezone", "America/New_York")
    assert done.returncode == 0, done.stderr
    assert "first_day: the earliest day" in done.stdout
    tried = command_line.call("sources", "test")
    assert tried.returncode == 0, tried.stderr + tried.stdout
    written = (tmp_path / "reports.yaml").read_text()
    (tmp_path / "reports.yaml").write_text(written.replace("    first_day:", f"{DATA_ONLY}    first_day:"))
    assert total(command_line) == 6
    again = command_line.call("init", *named)
    assert (again.returncode, "already exists" in again.stderr) == (2, True)


def test_times_of_twelve_hours_are_told_and_then_read(tmp_path: Path) -> None:
    eight_columns(tmp_path, form="%m/%d/%Y %I:%M %p")
    (tmp_path / "reports.yaml").write_text(BRIEF_STORIES[0])
    command_line = CommandLine(tmp_path)
    done = command_line.call("sources", "test")
    assert done.returncode == 3
    assert "is not a valid time; set `time_format` of the source" in done.stdout
    remedy = BRIEF_STORIES[0].replace('"events/*.csv"}', '"events/*.csv", time_format: "%m/%d/%Y %I:%M %p"}')
    (tmp_path / "reports.yaml").write_text(remedy)
    tried = command_line.call("sources", "test").stdout
    assert f"{YESTERDAY:%m/%d/%Y} 09:00 AM │ {YESTERDAY} 09:00:00-0" in tried
    assert total(command_line) == 6


def test_a_filter_that_no_source_knows_is_told(tmp_path: Path) -> None:
    command_line = folder_with(tmp_path, 2, BRIEF_STORIES[2])
    path = tmp_path / "reports.yaml"
    path.write_text(BRIEF_STORIES[2].replace("source: [user]", "source: [usr]"))
    done = command_line.call("check-config")
    assert done.returncode == 2
    assert "unknown source 'usr'; did you mean 'user'?" in done.stderr
    path.write_text(
        BRIEF_STORIES[2].replace("source: [user]", "source: [Growth Widget], assigned_to: [nobody at all]")
    )
    done = command_line.call("check-config")
    assert done.returncode == 0
    assert (
        "warning: reports.yaml: workspaces.acme.reports.handed_over_by_people.filters.source: " in done.stderr
    )
    assert "unknown person 'nobody at all': no event names them so far" in done.stderr

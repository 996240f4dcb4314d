"""The quick start's three configurations, an inbox of six events for each, and the README's commands."""

import re
import sqlite3
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from tests.orchestration.command_line import CommandLine

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
QUICK_START = (ROOT / "docs" / "quick-start.md").read_text()
STORIES = re.findall(r"```yaml\n(.*?)```", QUICK_START, re.DOTALL)
YESTERDAY = datetime.now(UTC).date() - timedelta(2)  # over in every zone
FIRST_DAY = YESTERDAY - timedelta(9)
# The same with fewer days, and with data files only, which are made fast.
BRIEF_STORIES = [
    text.replace(
        "first_day: 2026-01-01\n",
        f"first_day: {FIRST_DAY}\n    formats: [csv]\n    components: [metric, log]\n",
    )
    for text in STORIES
]
LOG = "Timestamp,Conversation ID,Contact ID,Contact Name,Previous Assignee,Assigned To,Source,Assigned By"


def eight_columns(folder: Path, day: date = YESTERDAY, form: str = "%Y-%m-%d %H:%M:%S") -> None:
    rows = [
        f"{datetime(day.year, day.month, day.day, hour):{form}},77,{hour},Zoë Müller,-,Bob,Workflow,-"  # noqa: DTZ001
        for hour in range(9, 15)
    ]
    (folder / "events").mkdir(exist_ok=True)
    (folder / "events" / "log.csv").write_text("\n".join([LOG, *rows, ""]))


def german(folder: Path) -> None:
    rows = [f"{YESTERDAY:%d.%m.%Y} {hour:02}:15;T{hour};K{hour};Jörg;Workflow" for hour in range(9, 15)]
    (folder / "events").mkdir(exist_ok=True)
    content = "\r\n".join(["Zeitpunkt;Ticket;Kunde;Bearbeiter;Kanal", *rows, ""])
    (folder / "events" / "export.csv").write_text(content, encoding="utf-8")


def table(folder: Path) -> None:
    with sqlite3.connect(folder / "inbox.db") as database:
        database.execute(
            "CREATE TABLE assignments (id INTEGER, created_at TEXT, contact_id TEXT, agent TEXT, source TEXT)"
        )
        rows = [(n, f"{YESTERDAY}T{n + 13}:00:00Z", f"k{n}", "Bob", "user") for n in range(6)]
        database.executemany("INSERT INTO assignments VALUES (?, ?, ?, ?, ?)", rows)


def folder_with(tmp_path: Path, story: int, configuration: str) -> CommandLine:
    (eight_columns, german, table)[story](tmp_path)
    (tmp_path / "reports.yaml").write_text(configuration)
    return CommandLine(tmp_path)


def commands() -> list[list[str]]:
    """Return the commands of the quick start that follow `init`, without the program."""
    found = [
        line.removeprefix("assignment-reports ").split()
        for line in re.findall(r"^assignment-reports .*$", QUICK_START, re.MULTILINE)
    ]
    assert [words[0] for words in found] == ["init", "check-config", "sources", "run"]
    return [one_report(words) for words in found[1:]]


def readme_commands(folder: Path) -> list[list[str]]:
    """Return the commands of the README, without the program, with the files that they name in *folder*."""
    found = [
        line.removeprefix("assignment-reports ").split()
        for line in re.findall(r"^assignment-reports .*$", README, re.MULTILINE)
    ]
    assert [words[0] for words in found] == ["init", "check-config", "run"]
    files = [str(path.relative_to(folder)) for path in folder.glob(found[0].pop())]
    return [one_report(words + files * (words[0] == "init")) for words in found]


def one_report(words: list[str]) -> list[str]:
    """Return a command; `run` makes one report."""
    return words + ["--preset", "last_7_days"] * (words[0] == "run")


def check_what_is_said(last: str) -> None:
    """Check what the last of the commands prints."""
    assert ": 6 rows read, 6 accepted, 0 rejected; " in last
    assert re.search(r"Last 7 Days .* 6  ", last)
    assert "provisional" not in last

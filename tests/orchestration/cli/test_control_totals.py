"""respond.io's conversations export beside the log: the same totals, and where they differ."""

import csv
import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select

from assets.warehouse.parquet_lake import Lake
from assets.warehouse.schema import ASSIGNMENT_LOG, REJECTED_EVENTS
from tests.orchestration.command_line import CONFIG, LAST_DAY, CommandLine

ZONE = ZoneInfo("America/New_York")
HEADER = [
    "Conversation ID",
    "Contact ID",
    "Number of Assignments",
    "First Assignment Timestamp",
    "Last Assignment Timestamp",
]


def conversations(command_line: CommandLine) -> Iterator[tuple[str, int, datetime, datetime]]:
    log = ASSIGNMENT_LOG.c
    rows = Lake(command_line.folder / "lake", "acme").query(
        select(log.conversation_id, func.count(), func.min(log.occurred_at), func.max(log.occurred_at))
        .group_by(log.conversation_id)
        .order_by(log.conversation_id)
    )
    yield from zip(*(column.to_pylist() for column in rows.columns), strict=True)


def write_export(command_line: CommandLine, *, wrong: int, form: str = "%Y-%m-%d %H:%M:%S") -> None:
    (command_line.folder / "exports").mkdir(exist_ok=True)
    with (command_line.folder / "exports" / "conversations.csv").open(
        "w", newline="", encoding="utf-8-sig"
    ) as file:
        writer = csv.writer(file)
        writer.writerow(HEADER)
        writer.writerow(["never-assigned", "1", "0", "", ""])
        for at, (conversation, count, first, last) in enumerate(conversations(command_line)):
            times = (moment.astimezone(ZONE).strftime(form) for moment in (first, last))
            writer.writerow([conversation, "1", count + (at < wrong), *times])


def control(made: list[dict[str, Any]]) -> tuple[dict[str, Any], str]:
    (each,) = made
    report = json.loads((Path(each["path"]) / "report.json").read_text())
    return report["control"], (Path(each["path"]) / "report.html").read_text()


SMALL = f"{CONFIG}    formats: [html]\n    components: [metric, proof]\n"


@pytest.fixture
def loaded(command_line: CommandLine) -> CommandLine:
    (command_line.folder / "reports.yaml").write_text(SMALL)
    command_line.run("--preset", "last_7_days")
    return command_line


@pytest.mark.parametrize("form", ["%Y-%m-%d %H:%M:%S.%f", "%d/%m/%Y %H:%M:%S.%f"], ids=["ISO", "day first"])
def test_both_counts_stand_side_by_side(loaded: CommandLine, form: str) -> None:
    write_export(loaded, wrong=1, form=form)
    option = f"conversations_export: {{path: 'exports/*.csv', time_format: '{form}'}}"
    (loaded.folder / "reports.yaml").write_text(f"{SMALL}    {option}\n")
    found, page = control(loaded.run("--preset", "last_7_days", "--reload"))
    assert found["differing"] <= 1
    assert found["exported"] == found["logged"] + found["differing"]
    assert 0 < found["conversations"] <= sum(1 for _ in conversations(loaded))
    assert "The conversations export has" in page
    write_export(loaded, wrong=0, form=form)
    found, page = control(loaded.run("--preset", "last_7_days", "--reload"))
    assert (found["differing"], found["exported"]) == (0, found["logged"])
    assert "Conversations with different counts: 0." in page


def test_an_export_that_cannot_be_read_is_told_and_stops_nothing(loaded: CommandLine) -> None:
    (loaded.folder / "exports").mkdir()
    (loaded.folder / "exports" / "conversations.csv").write_text("Conversation ID,Contact ID\n1,2\n")
    (loaded.folder / "reports.yaml").write_text(
        f"{SMALL}    conversations_export: {{path: 'exports/*.csv'}}\n"
    )
    done = loaded.call("run", "--json", "--report-date", str(LAST_DAY), "--preset", "yesterday", "--reload")
    assert done.returncode == 3
    (each,) = json.loads(done.stdout)
    assert each["reasons"] == ["input_unreadable"]
    reasons = Lake(loaded.folder / "lake", "acme").query(select(REJECTED_EVENTS.c.reason).distinct())
    assert reasons.column(0).to_pylist() == [
        "conversations.csv: column 'Number of Assignments' is missing: is it a conversations export?"
    ]

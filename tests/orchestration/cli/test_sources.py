"""`sources test`, `import` and its dry run, as people call them."""

import sqlite3
from datetime import date

from sqlalchemy import func, select

from assets.warehouse.parquet_lake import Lake
from assets.warehouse.schema import ASSIGNMENT_LOG, LOAD_COUNTS
from tests.conftest import HEADER, line
from tests.orchestration.command_line import CommandLine

LOG = """Timestamp,Conversation ID,Contact ID,Contact Name,Previous Assignee,Assigned To,Source,Assigned By
2026-09-20 10:00:00,77,1,Ann,-,Bob,Workflow,-
2026-09-20 11:00:00,77,1,Ann,Bob,Unassigned,User,Eve
2026-09-21 10:00:00,78,2,Zoë,-,Eve,User,Bob
not a time,78,2,Zoë,Eve,Bob,User,Bob
"""


def logged(command_line: CommandLine) -> dict[date, int]:
    log = ASSIGNMENT_LOG.c
    rows = Lake(command_line.folder / "lake", "acme").query(
        select(log.local_day, func.count()).group_by(log.local_day)
    )
    return dict(zip(*(column.to_pylist() for column in rows.columns), strict=True))


def test_a_source_is_tried_and_what_is_missing_is_said(command_line: CommandLine) -> None:
    done = command_line.call("sources", "test")
    assert done.returncode == 0, done.stderr
    assert "contact_name" in done.stdout
    assert "missing" not in done.stdout
    with sqlite3.connect(command_line.folder / "events.db") as database:
        database.execute("CREATE TABLE t (happened, who, contact_id)")
        database.execute("INSERT INTO t VALUES ('2026-09-20T10:00:00Z', 'Bob', 7)")
    configuration = (command_line.folder / "reports.yaml").read_text()
    source = (
        "{type: sql, url: 'sqlite:///events.db', table: t, columns: {occurred_at: happened, assignee: who}}"
    )
    (command_line.folder / "reports.yaml").write_text(
        configuration.replace('{type: files, path: "events/*.csv"}', source)
    )
    done = command_line.call("sources", "test")
    assert done.returncode == 0, done.stderr
    assert "missing: the source of every event is Unknown" in done.stdout
    assert "happened" in done.stdout
    (command_line.folder / "reports.yaml").write_text(configuration.replace("events/*.csv", "nothing/*.csv"))
    done = command_line.call("sources", "test")
    assert (done.returncode, "no file matches" in done.stderr) == (3, True)


def test_an_import_is_tried_then_taken_over_and_stays(command_line: CommandLine) -> None:
    command_line.run("--preset", "last_7_days")
    before = logged(command_line)
    (command_line.folder / "log.csv").write_text(LOG)
    arguments = ("import", "log.csv", "--workspace", "acme", "--timezone", "America/New_York")
    tried = command_line.call(*arguments, "--dry-run")
    assert tried.returncode == 0, tried.stderr
    assert "Dry run: 2026-09-20 to 2026-09-21 would be imported" in tried.stdout
    assert "is not a valid time" in tried.stdout
    assert logged(command_line) == before
    done = command_line.call(*arguments)
    assert done.returncode == 0, done.stderr
    assert "4 read = 3 accepted + 1 rejected" in done.stdout
    after = logged(command_line)
    assert (after[date(2026, 9, 20)], after[date(2026, 9, 21)]) == (2, 1)
    assert {day: n for day, n in after.items() if day.day > 21 or day.month > 9} == {
        day: n for day, n in before.items() if day.day > 21 or day.month > 9
    }
    (command_line.folder / "log.csv").unlink()
    command_line.run("--preset", "last_7_days", "--reload", "--from", "2026-09-18", "--to", "2026-09-22")
    assert logged(command_line)[date(2026, 9, 20)] == 2  # read from what was kept, not from the source


def test_only_the_days_that_are_asked_for_are_taken_over(command_line: CommandLine) -> None:
    (command_line.folder / "log.csv").write_text(LOG)
    done = command_line.call(
        "import", "log.csv", "--workspace", "acme", "--timezone", "America/New_York", "--to", "2026-09-20"
    )
    assert done.returncode == 0, done.stderr
    loads = Lake(command_line.folder / "lake", "acme").query(select(LOAD_COUNTS.c.local_day))
    assert loads.column(0).to_pylist() == [date(2026, 9, 20)]


def test_a_file_without_a_day_is_refused(command_line: CommandLine) -> None:
    (command_line.folder / "log.csv").write_text(f"{HEADER}\n{line('e', 'never')}\n")
    done = command_line.call("import", "log.csv", "--workspace", "acme")
    assert done.returncode == 2
    assert "no rows since 2026-09-10" in done.stderr
    assert not (command_line.folder / "imports").exists()

"""PostgreSQL as the warehouse: what the lake stores and answers, stored and answered by a real server."""

import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pyarrow as pa
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, func, inspect, select, text
from sqlalchemy.pool import NullPool

from assets.aggregates.build import build_days
from assets.config.presentation import Filters
from assets.errors import ConfigError
from assets.extract.erasure import erase_contact
from assets.extract.load import load_days
from assets.report.filters import filter_conditions, look_up
from assets.sources.files.imports import DaySources
from assets.sources.registry import open_source
from assets.sources.synthetic import write_events
from assets.warehouse.base import Warehouse
from assets.warehouse.postgresql import SqlWarehouse
from assets.warehouse.schema import (
    ASSIGNMENT_EVENTS,
    ASSIGNMENT_LOG,
    CONTROL_TOTALS,
    LOAD_COUNTS,
    METADATA,
    arrow_schema,
)
from tests.aggregates.test_build import UNSTATED, random_events
from tests.conftest import LATER, Inbox
from tests.orchestration.command_line import CONFIG, LAST_DAY, CommandLine, make_command_line
from tests.servers.postgres import Postgres

DAYS = [date(2024, 2, 27) + timedelta(day) for day in range(7)]
SLUG = "acme"


def database(postgres: Postgres, name: str) -> str:
    return postgres.url("postgres").rpartition("/")[0] + f"/{name}"


@pytest.fixture
def warehouse(postgres: Postgres) -> Iterator[SqlWarehouse]:
    name = f"warehouse_{uuid4().hex[:8]}"
    postgres.run(f"CREATE DATABASE {name}")
    yield SqlWarehouse(database(postgres, name), SLUG)
    postgres.run(f"DROP DATABASE {name} WITH (FORCE)")


def filled(inbox: Inbox, warehouse: Warehouse) -> None:
    load_days(inbox.workspace, DaySources(open_source(inbox.workspace), []), warehouse, DAYS, LATER)
    built = build_days(warehouse, inbox.period(DAYS[0], DAYS[-1]))
    assert built.log_is_whole, built.log_text
    assert built.counts_are_whole, built.counts_text


@pytest.fixture
def busy(inbox: Inbox) -> Inbox:
    """An inbox whose source tells no previous assignee, with names of all kinds."""
    path = inbox.folder / "events" / "e.csv"
    write_events(path, last_day=DAYS[-1], days=7, events=900, seed=5, hostile=True)
    lines = path.read_text().splitlines()
    names = lines[0].split(",")
    hidden = [names.index(name) for name in ("previous_assignee_id", "previous_assignee_name")]
    import csv  # noqa: PLC0415

    rows = list(csv.reader(lines))
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(
            [[cell for at, cell in enumerate(row) if at not in hidden] for row in rows]
        )
        csv.writer(file).writerow(["no time"] + [""] * (len(names) - 3))
    return inbox


def test_both_hold_the_same_rows_in_the_same_order(busy: Inbox, warehouse: SqlWarehouse) -> None:
    busy.write(*random_events(5, 250), name="repeated.csv", header=UNSTATED)
    filled(busy, busy.lake)
    filled(busy, warehouse)
    for table in METADATA.sorted_tables:
        ordered = select(table).order_by(*table.primary_key)
        ours, theirs = warehouse.query(ordered), busy.lake.query(ordered)
        assert ours.schema.equals(theirs.schema), table.name
        assert ours.equals(theirs), table.name
        assert ours.num_rows or table is CONTROL_TOTALS, table.name


def test_a_name_is_found_in_any_case(busy: Inbox, warehouse: SqlWarehouse) -> None:
    filled(busy, busy.lake)
    filled(busy, warehouse)
    names = {
        name for name in busy.lake.query(select(ASSIGNMENT_LOG.c.contact_name)).column(0).to_pylist() if name
    }
    for name in {*sorted(names)[::9], "ØRSTED", "ß", "'; --", "%", "_", "\\"}:
        filters = Filters(contact=(name.upper(),))
        found = [
            place.query(
                select(func.count())
                .select_from(ASSIGNMENT_LOG)
                .where(*filter_conditions(filters, look_up(place, busy.workspace, filters)))
            )
            for place in (warehouse, busy.lake)
        ]
        assert found[0].equals(found[1]), name


def test_a_contact_is_forgotten(busy: Inbox, warehouse: SqlWarehouse) -> None:
    filled(busy, warehouse)
    contact = warehouse.query(select(ASSIGNMENT_LOG.c.contact_id).limit(1)).column(0)[0].as_py()
    assert erase_contact(warehouse, contact)
    filled(busy, warehouse)  # it does not come back with a load
    held = (
        select(func.count()).select_from(ASSIGNMENT_EVENTS).where(ASSIGNMENT_EVENTS.c.contact_id == contact)
    )
    assert warehouse.query(held).column(0).to_pylist() == [0]


def test_a_role_with_no_more_rights_than_documented_is_enough(
    busy: Inbox, postgres: Postgres, warehouse: SqlWarehouse
) -> None:
    name = warehouse.url.database
    roles = [f"{each}_{name}" for each in ("reports", "analysts")]
    postgres.run(
        f"CREATE ROLE {roles[0]} LOGIN PASSWORD 'right'; CREATE ROLE {roles[1]} LOGIN PASSWORD 'right';\n"
        f"\\c {name}\nCREATE SCHEMA {SLUG} AUTHORIZATION {roles[0]};"
    )
    own, asking = (
        SqlWarehouse(warehouse.url.set(username=role).render_as_string(hide_password=False), SLUG)
        for role in roles
    )
    filled(busy, own)
    postgres.run(
        f"\\c {name}\nGRANT USAGE ON SCHEMA {SLUG} TO {roles[1]}; GRANT SELECT ON ALL TABLES IN SCHEMA {SLUG} TO {roles[1]};"
    )
    assert asking.ask("SELECT count(*) FROM load_counts").column(0).to_pylist() == [7]
    postgres.run(f"\\c {name}\nDROP SCHEMA {SLUG} CASCADE; DROP ROLE {roles[0]}; DROP ROLE {roles[1]};")


def test_rows_of_another_day_are_refused_and_nothing_is_changed(busy: Inbox, warehouse: SqlWarehouse) -> None:
    filled(busy, warehouse)
    rows = select(ASSIGNMENT_EVENTS).order_by(*ASSIGNMENT_EVENTS.primary_key)
    before = warehouse.query(rows)
    with pytest.raises(ValueError, match="outside the days to replace"):
        warehouse.replace_days(ASSIGNMENT_EVENTS, DAYS[:2], before.to_reader())
    assert warehouse.query(rows).equals(before)


def test_one_select_and_nothing_else_is_answered(busy: Inbox, warehouse: SqlWarehouse) -> None:
    filled(busy, warehouse)
    assert warehouse.ask("SELECT count(*) FROM load_counts").column(0).to_pylist() == [7]
    for query, said in (
        ("DELETE FROM load_counts", "must be one SELECT"),
        ("WITH gone AS (DELETE FROM load_counts RETURNING *) SELECT * FROM gone", "read-only transaction"),
        ("SELECT 1; DELETE FROM load_counts", "cannot insert multiple commands"),
        ("SELECT nothing FROM load_counts", 'column "nothing" does not exist'),
    ):
        with pytest.raises(ConfigError, match=said):
            warehouse.ask(query)


def test_the_tables_are_those_of_the_description(warehouse: SqlWarehouse) -> None:
    warehouse.stored_text("x")
    with create_engine(warehouse.url, poolclass=NullPool).connect() as connection:
        connection.execute(text(f"SET search_path TO {SLUG}"))
        options = {"compare_type": False, "version_table": "assignment_reports_version"}
        found = compare_metadata(MigrationContext.configure(connection, opts=options), METADATA)
        assert [
            each
            for each in found
            if not isinstance(each, list) and each[0] not in {"remove_table", "add_table_comment"}
        ] == []
        changes = [change[:4] for each in found if isinstance(each, list) for change in each]
        keys = {(table.name, column.name) for table in METADATA.sorted_tables for column in table.primary_key}
        differing = [change for change in changes if change[0] != "modify_comment" and change[2:] not in keys]
        assert differing == []
        texts = [
            column["type"].collation  # type: ignore[attr-defined]
            for table in METADATA.sorted_tables
            for column in inspect(connection).get_columns(table.name)
            if str(column["type"]).startswith("TEXT")
        ]
        assert set(texts) == {"C"}


def test_a_newer_release_is_not_touched(warehouse: SqlWarehouse) -> None:
    warehouse.stored_text("x")
    with create_engine(warehouse.url, poolclass=NullPool).begin() as connection:
        connection.execute(text(f"UPDATE {SLUG}.assignment_reports_version SET version_num = '9999'"))
    with pytest.raises(ConfigError, match="release 9999, newer than this program's"):
        SqlWarehouse(
            str(warehouse.url.render_as_string(hide_password=False)) + "?application_name=x", SLUG
        ).stored_text("x")


def one_day(count: int) -> pa.RecordBatchReader:
    """Return rows of one day, and take some time over it."""
    schema = pa.schema([pa.field("local_day", pa.date32(), nullable=False), *arrow_schema(LOAD_COUNTS)])
    row = {
        "local_day": DAYS[0],
        **dict.fromkeys(("loaded_until", "day_start", "day_end"), datetime(2024, 3, 2, tzinfo=UTC)),
        "zone": "UTC",
        "source_version": "v",
        "events_sha256": str(count),
    }
    numbers = {name: count for name in schema.names if name.endswith("_count")}

    def slowly() -> Iterator[pa.RecordBatch]:
        time.sleep(0.05)
        yield pa.RecordBatch.from_pylist([row | numbers], schema)

    return pa.RecordBatchReader.from_batches(schema, slowly())


def test_concurrent_writers_leave_one_whole_day(warehouse: SqlWarehouse) -> None:
    plain = warehouse.url.render_as_string(hide_password=False)

    def write(count: int) -> None:
        SqlWarehouse(plain, SLUG).replace_days(LOAD_COUNTS, [DAYS[0]], one_day(count))

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(write, range(12)))
    assert warehouse.query(select(LOAD_COUNTS)).num_rows == 1


def test_a_writer_waits_for_readers_and_readers_for_nobody_but_writers(warehouse: SqlWarehouse) -> None:
    def held_by(other: SqlWarehouse, *, to_write: bool) -> None:
        with other.writing() if to_write else other.reading():
            pass

    with ThreadPoolExecutor(2) as pool:
        with warehouse.reading():
            reader = pool.submit(held_by, SqlWarehouse(plain_of(warehouse), SLUG), to_write=False)
            writer = pool.submit(held_by, SqlWarehouse(plain_of(warehouse), SLUG), to_write=True)
            reader.result(20)
            assert not writer.done()
        writer.result(20)


def plain_of(warehouse: SqlWarehouse) -> str:
    return warehouse.url.render_as_string(hide_password=False)


def test_a_process_that_is_killed_leaves_the_old_day_and_no_lock(warehouse: SqlWarehouse) -> None:
    warehouse.replace_days(LOAD_COUNTS, [DAYS[0]], one_day(1))
    code = f"""
import signal, pyarrow as pa
from tests.warehouse.test_postgresql import LOAD_COUNTS, DAYS, SLUG, SqlWarehouse, one_day
rows = one_day(2)
def stuck():
    yield from rows
    print("stuck", flush=True)
    signal.pause()
SqlWarehouse({plain_of(warehouse)!r}, SLUG).replace_days(
    LOAD_COUNTS, [DAYS[0]], pa.RecordBatchReader.from_batches(rows.schema, stuck()))
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"stuck\n"
        process.kill()
    began = time.monotonic()
    assert warehouse.query(select(LOAD_COUNTS.c.read_count)).column(0).to_pylist() == [1]
    warehouse.replace_days(LOAD_COUNTS, [DAYS[0]], one_day(3))
    assert time.monotonic() - began < 20


@pytest.fixture
def presets() -> tuple[str, ...]:
    """The reports to compare; `make test-system` compares more."""
    return ("last_7_days",)


def test_every_report_is_the_same_to_the_byte(
    tmp_path: Path, warehouse: SqlWarehouse, monkeypatch: pytest.MonkeyPatch, presets: tuple[str, ...]
) -> None:
    from_lake, from_sql = (make_command_line(tmp_path / name, events=800) for name in ("one", "other"))
    (from_sql.folder / "reports.yaml").write_text(CONFIG.replace("lake: ./lake", "warehouse: ${WAREHOUSE}"))
    chosen = [f"--preset={preset}" for preset in presets]
    from_lake.run(*chosen)
    monkeypatch.setenv("WAREHOUSE", plain_of(warehouse))
    from_sql.run(*chosen)

    def archived(command_line: CommandLine) -> dict[str, bytes]:
        return {name: data for name, data in command_line.files().items() if name.startswith("out/acme")}

    ours, theirs = archived(from_sql), archived(from_lake)
    assert ours.keys() == theirs.keys()
    assert [name for name in ours if ours[name] != theirs[name]] == []
    assert len(ours) == 7 * len(presets) + 8 + 1, (
        "seven files of each report, a link to each report, and the list"
    )
    assert LAST_DAY - timedelta(1) in warehouse.query(select(LOAD_COUNTS.c.local_day)).column(0).to_pylist()

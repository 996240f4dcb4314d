import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path
from threading import Event, Thread

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from assets.errors import ConfigError
from assets.warehouse.base import Warehouse
from assets.warehouse.parquet_lake import Lake
from assets.warehouse.schema import ASSIGNMENT_LOG, DAILY_SOURCE_AGGREGATES, METADATA, arrow_schema

SCHEMA = pa.schema([pa.field("local_day", pa.date32()), *arrow_schema(DAILY_SOURCE_AGGREGATES)])
DAYS = [date(2024, 3, day) for day in range(1, 6)]


def counts(*rows: tuple[date, str, int]) -> pa.Table:
    zeros = dict.fromkeys(SCHEMA.names[3:], 0)
    return pa.Table.from_pylist(
        [{"local_day": day, "source": source, "assignment_count": n} | zeros for day, source, n in rows],
        SCHEMA,
    )


def stored(lake: Warehouse) -> list[tuple[date, str, int]]:
    table = DAILY_SOURCE_AGGREGATES.c
    rows = lake.query(
        select(table.local_day, table.source, table.assignment_count).order_by(table.local_day, table.source)
    )
    return [tuple(row.values()) for row in rows.to_pylist()]


@settings(max_examples=30)
@given(
    rows=st.lists(
        st.tuples(st.sampled_from(DAYS), st.text("ab", max_size=2), st.integers(0, 9)),
        unique_by=lambda row: row[:2],
    ).map(sorted),
    cut=st.integers(1, 7),
)
def test_what_is_stored_is_what_was_given_however_it_was_cut(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[date, str, int]], cut: int
) -> None:
    whole, pieces = (Lake(tmp_path_factory.mktemp("lake"), "acme") for _ in range(2))
    table = counts(*rows)
    at_once = whole.replace_days(DAILY_SOURCE_AGGREGATES, DAYS, table.to_reader())
    in_pieces = pieces.replace_days(DAILY_SOURCE_AGGREGATES, DAYS, table.to_reader(max_chunksize=cut))
    assert stored(whole) == rows
    assert at_once == in_pieces
    assert (at_once.rows, sorted(at_once.sha256)) == (len(rows), DAYS)


def test_a_day_not_asked_for_is_refused(tmp_path: Path) -> None:
    lake = Lake(tmp_path, "acme")
    with pytest.raises(ValueError, match="rows of 2024-03-02 are outside the days to replace"):
        lake.replace_days(DAILY_SOURCE_AGGREGATES, DAYS[:1], counts((DAYS[1], "user", 1)).to_reader())


def test_replacing_one_day_leaves_the_others(tmp_path: Path) -> None:
    lake = Lake(tmp_path, "acme")
    lake.replace_days(DAILY_SOURCE_AGGREGATES, DAYS, counts(*((day, "user", 1) for day in DAYS)).to_reader())
    lake.replace_days(DAILY_SOURCE_AGGREGATES, DAYS[2:3], counts((DAYS[2], "bot", 7)).to_reader())
    assert stored(lake) == [(day, "user", 1) for day in DAYS[:2]] + [(DAYS[2], "bot", 7)] + [
        (day, "user", 1) for day in DAYS[3:]
    ]


def test_while_it_is_read_small_tables_are_asked_in_memory(tmp_path: Path) -> None:
    lake = Lake(tmp_path, "acme")
    rows = [(day, "user", 1) for day in DAYS]
    lake.replace_days(DAILY_SOURCE_AGGREGATES, DAYS, counts(*rows).to_reader())
    with lake.reading():
        assert stored(lake) == rows
        for file in tmp_path.rglob("*.parquet"):
            file.unlink()
        assert stored(lake) == rows
    assert stored(lake) == []


def test_what_was_held_for_one_reading_is_read_again_where_a_day_has_changed(tmp_path: Path) -> None:
    lake = Lake(tmp_path, "acme")
    for number in range(3):
        lake.replace_days(DAILY_SOURCE_AGGREGATES, DAYS[:1], counts((DAYS[0], "user", number)).to_reader())
        for _ in range(2):
            with lake.reading():
                assert stored(lake) == [(DAYS[0], "user", number)]


def test_a_copy_of_small_tables_counts_only_where_its_files_are_the_same(tmp_path: Path) -> None:
    days = [date(2024, 1, 1) + timedelta(n) for n in range(100)]
    lake = Lake(tmp_path, "acme")
    rows = {day: (day, "user", n) for n, day in enumerate(days)}
    with lake.writing():
        lake.replace_days(DAILY_SOURCE_AGGREGATES, days, counts(*rows.values()).to_reader())
    copy = tmp_path / "acme" / ".daily_source_aggregates.copy"
    assert pq.read_metadata(copy).num_rows == 100
    assert stored(Lake(tmp_path, "acme")) == [*rows.values()]

    rows[days[7]] = (days[7], "bot", 999)  # of the same size
    Lake(tmp_path, "acme").replace_days(DAILY_SOURCE_AGGREGATES, [days[7]], counts(rows[days[7]]).to_reader())
    Lake(tmp_path, "acme").forget(DAILY_SOURCE_AGGREGATES, [days[50]])
    del rows[days[50]]
    assert pq.read_metadata(copy).num_rows == 100
    for lake_of_process in (lake, Lake(tmp_path, "acme")):
        assert stored(lake_of_process) == [*rows.values()]
    for content in (b"", copy.read_bytes()[:-9], b"PAR1 and more PAR1"):
        copy.write_bytes(content)
        assert stored(Lake(tmp_path, "acme")) == [*rows.values()]


def test_a_killed_writer_leaves_the_old_day_or_the_new_one(tmp_path: Path) -> None:
    lake = Lake(tmp_path, "acme")
    lake.replace_days(DAILY_SOURCE_AGGREGATES, DAYS[:1], counts((DAYS[0], "user", 0)).to_reader())
    script = f"""
import sys
from itertools import count
sys.path.insert(0, {str(Path(__file__).parents[2])!r})
from tests.warehouse.test_parquet_lake import *
lake = Lake(Path({str(tmp_path)!r}), "acme")
for number in count(1):
    lake.replace_days(DAILY_SOURCE_AGGREGATES, DAYS[:1], counts((DAYS[0], "user", number)).to_reader())
    print(number, flush=True)
"""
    for _ in range(5):
        with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout
            written = [int(writer.stdout.readline()) for _ in range(10)][-1]
            writer.kill()
        ((_, _, found),) = stored(lake)
        assert found >= written


def test_every_table_can_be_asked_before_any_day_is_stored(tmp_path: Path) -> None:
    lake = Lake(tmp_path, "acme")
    for table in METADATA.sorted_tables:
        assert lake.query(select(func.count()).select_from(table)).column(0)[0].as_py() == 0


def test_a_person_may_ask_and_nothing_else(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake", "acme")
    lake.replace_days(DAILY_SOURCE_AGGREGATES, DAYS, counts((DAYS[0], "user", 3)).to_reader())
    assert lake.ask("SELECT sum(assignment_count) AS n FROM daily_source_aggregates")["n"][0].as_py() == 3
    (tmp_path / "secret.csv").write_text("a\n1\n")
    for query in (
        f"COPY (SELECT 1) TO '{tmp_path / 'x.csv'}'",
        "SELECT 1; SELECT 2",
        "DROP VIEW assignment_log",
        f"SELECT * FROM read_csv('{tmp_path / 'secret.csv'}')",
        f"SELECT * FROM '{tmp_path / 'secret.csv'}'",
        "INSTALL httpfs",
        "SELECT nonsense",
    ):
        with pytest.raises(ConfigError):
            lake.ask(query)
    assert not (tmp_path / "x.csv").exists()


def test_the_tables_read_in_any_order_of_loading(tmp_path: Path) -> None:
    lake = Lake(tmp_path, "acme")
    assert stored(lake) == []
    lake.replace_days(DAILY_SOURCE_AGGREGATES, DAYS[1:], counts((DAYS[1], "user", 1)).to_reader())
    assert stored(lake) == [(DAYS[1], "user", 1)]
    lake.replace_days(DAILY_SOURCE_AGGREGATES, DAYS[:1], counts((DAYS[0], "user", 2)).to_reader())
    assert stored(lake) == [(DAYS[0], "user", 2), (DAYS[1], "user", 1)]


def test_every_column_is_explained_or_named_by_the_definitions() -> None:
    assert all(table.comment for table in METADATA.sorted_tables)
    assert "occurred_at" in ASSIGNMENT_LOG.c


def test_a_reader_beside_a_writer_that_removes_days_reads_what_is_there(tmp_path: Path) -> None:
    days = [date(2024, 1, 1) + timedelta(count) for count in range(60)]
    rows = counts(*((day, "user", 1) for day in days))
    lake = Lake(tmp_path, "acme")
    lake.replace_days(DAILY_SOURCE_AGGREGATES, days, rows.to_reader())
    is_over = Event()

    def load_again() -> None:
        writer = Lake(tmp_path, "acme")
        while not is_over.is_set():
            writer.forget(DAILY_SOURCE_AGGREGATES, days[1:])
            writer.replace_days(DAILY_SOURCE_AGGREGATES, days, rows.to_reader())

    thread = Thread(target=load_again)
    thread.start()
    try:
        assert all(1 <= len(stored(lake)) <= len(days) for _ in range(100))
    finally:
        is_over.set()
        thread.join()

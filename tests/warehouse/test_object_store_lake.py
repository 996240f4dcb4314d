"""The lake in an S3-compatible store: what the lake in a folder stores and answers, committed as a whole."""

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pyarrow as pa
import pytest
from s3fs import S3FileSystem
from sqlalchemy import func, select

from assets.config.base import parse_location
from assets.errors import ConcurrentLoad, ConfigError
from assets.extract.erasure import erase_contact
from assets.runtime.atomic_files import write_exclusive
from assets.warehouse import commits
from assets.warehouse.object_store_lake import ObjectLake
from assets.warehouse.schema import (
    ASSIGNMENT_EVENTS,
    ASSIGNMENT_LOG,
    CONTROL_TOTALS,
    DAILY_SOURCE_AGGREGATES,
    LOAD_COUNTS,
    METADATA,
    stored_schema,
)
from tests.conftest import Inbox
from tests.warehouse.test_parquet_lake import counts, stored
from tests.warehouse.test_postgresql import busy, filled  # noqa: F401 - a fixture

DAYS = [date(2024, 3, day) for day in range(1, 6)]


@pytest.fixture
def root(object_store: str) -> Path:
    return parse_location(f"{object_store}/{uuid4().hex}")


def put(lake: ObjectLake, *days: date, count: int = 1) -> None:
    rows = counts(*((day, "user", count) for day in days))
    lake.replace_days(DAILY_SOURCE_AGGREGATES, days, rows.to_reader())


@contextmanager
def requests() -> Iterator[Counter[str]]:
    """Count what the store is asked."""
    seen: Counter[str] = Counter()
    call = S3FileSystem._call_s3

    async def counted(self: S3FileSystem, method: str, *arguments: object, **named: object) -> object:
        seen[method] += 1
        return await call(self, method, *arguments, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(S3FileSystem, "_call_s3", counted)
        yield seen


def test_both_lakes_hold_the_same_rows_in_the_same_order(busy: Inbox, root: Path) -> None:  # noqa: F811
    lake = ObjectLake(root, "acme")
    filled(busy, busy.lake)
    filled(busy, lake)
    for table in METADATA.sorted_tables:
        ordered = select(table).order_by(*table.primary_key)
        for seen in (lake, ObjectLake(root, "acme")):
            ours, theirs = seen.query(ordered), busy.lake.query(ordered)
            assert ours.schema.equals(theirs.schema), table.name
            assert ours.equals(theirs), table.name
        assert ours.num_rows or table is CONTROL_TOTALS, table.name


def test_a_contact_is_forgotten_and_its_files_go(busy: Inbox, root: Path) -> None:  # noqa: F811
    lake = ObjectLake(root, "acme")
    filled(busy, lake)
    contact = lake.query(select(ASSIGNMENT_LOG.c.contact_id).limit(1)).column(0)[0].as_py()
    assert erase_contact(lake, contact)
    filled(busy, lake)  # it does not come back with a load
    held = select(func.count()).where(ASSIGNMENT_EVENTS.c.contact_id == contact)
    assert lake.query(held).column(0).to_pylist() == [0]
    lake.tidy(datetime.now(UTC) + timedelta(seconds=1))
    files = [path for path in lake._files.store.find(lake._files.root) if path.endswith(".parquet")]
    names = {f"{lake._files.root}/{name}" for name in lake._commits.latest().files()}
    assert set(files) == names


def test_every_table_can_be_asked_before_any_day_is_stored(root: Path) -> None:
    lake = ObjectLake(root, "acme")
    for table in METADATA.sorted_tables:
        assert lake.query(select(func.count()).select_from(table)).column(0)[0].as_py() == 0
        assert lake.query(select(table)).schema.names == stored_schema(table).names
    put(lake, DAYS[0])
    assert stored(lake) == [(DAYS[0], "user", 1)]
    lake.forget(DAILY_SOURCE_AGGREGATES, DAYS)
    assert stored(lake) == []


def test_what_is_written_is_seen_by_others_when_all_of_it_is(root: Path) -> None:
    lake, other = ObjectLake(root, "acme"), ObjectLake(root, "acme")
    put(lake, *DAYS)
    with lake.writing():
        put(lake, DAYS[1], count=2)
        lake.forget(DAILY_SOURCE_AGGREGATES, DAYS[3:])
        assert stored(lake) == [(DAYS[0], "user", 1), (DAYS[1], "user", 2), (DAYS[2], "user", 1)]
        assert stored(other) == [(day, "user", 1) for day in DAYS]
    assert stored(other) == stored(lake) == [(DAYS[0], "user", 1), (DAYS[1], "user", 2), (DAYS[2], "user", 1)]


def test_what_fails_half_way_leaves_no_trace(root: Path) -> None:
    lake = ObjectLake(root, "acme")
    put(lake, *DAYS)
    with pytest.raises(ValueError, match="outside the days to replace"), lake.writing():
        put(lake, *DAYS, count=2)
        lake.replace_days(DAILY_SOURCE_AGGREGATES, DAYS[:1], counts((DAYS[1], "user", 3)).to_reader())
    assert stored(lake) == stored(ObjectLake(root, "acme")) == [(day, "user", 1) for day in DAYS]


def test_a_killed_writer_leaves_the_lake_as_it_was(root: Path) -> None:
    lake = ObjectLake(root, "acme")
    put(lake, *DAYS)
    script = f"""
import signal, sys
sys.path.insert(0, {str(Path(__file__).parents[2])!r})
from tests.warehouse.test_object_store_lake import *
lake = ObjectLake(parse_location({str(root)!r}), "acme")
with lake.writing():
    put(lake, *DAYS, count=2)
    print("written", flush=True)
    signal.pause()
"""
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout
        assert writer.stdout.readline() == "written\n"
        writer.kill()
    assert stored(lake) == [(day, "user", 1) for day in DAYS]
    later = datetime.now(UTC) + timedelta(seconds=1)
    assert lake.tidy(later) == len(DAYS)
    assert stored(ObjectLake(root, "acme")) == [(day, "user", 1) for day in DAYS]


def test_a_slower_writer_never_stores_older_rows_over_newer_ones(root: Path) -> None:
    slow, fast = ObjectLake(root, "acme"), ObjectLake(root, "acme")
    with pytest.raises(ConcurrentLoad, match="another process stored 2024-03-02"), slow.writing():
        put(slow, DAYS[0], DAYS[1])
        put(fast, DAYS[1], DAYS[2], count=2)
    assert stored(slow) == [(DAYS[1], "user", 2), (DAYS[2], "user", 2)]
    with slow.writing():
        put(slow, DAYS[0], count=3)
        put(fast, DAYS[3], count=4)  # other days: both are right
    assert stored(fast) == [(day, "user", count) for day, count in zip(DAYS, (3, 2, 2, 4), strict=False)]


def test_who_is_to_be_forgotten_is_not_overlooked_by_a_load_of_other_days(root: Path) -> None:
    load, erasure = ObjectLake(root, "acme"), ObjectLake(root, "acme")
    put(load, DAYS[0])
    with pytest.raises(ConcurrentLoad, match=r"erased\.json"), load.writing():
        put(load, DAYS[1])  # without knowing of the erasure
        erasure.store_text("erased.json", "{}")
    with pytest.raises(ConcurrentLoad, match=r"erased\.json"), erasure.writing():
        erasure.store_text("erased.json", "1")
        put(load, DAYS[1])  # days that the erasure has not seen
    assert erasure.stored_text("erased.json") == "{}"
    put(erasure, DAYS[2])
    assert [day for day, _, _ in stored(load)] == DAYS[:3]


def test_a_commit_whose_answer_is_lost_is_a_commit(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def lost(path: Path, data: bytes) -> None:
        write_exclusive(path, data)
        raise FileExistsError  # as a repeated request is told

    lake = ObjectLake(root, "acme")
    monkeypatch.setattr(commits, "write_exclusive", lost)
    put(lake, *DAYS)
    assert stored(ObjectLake(root, "acme")) == [(day, "user", 1) for day in DAYS]


def test_a_report_is_built_over_the_days_as_they_were_when_it_began(root: Path) -> None:
    lake, other = ObjectLake(root, "acme"), ObjectLake(root, "acme")
    put(lake, *DAYS)
    began = datetime.now(UTC)
    with lake.reading():
        assert stored(lake) == [(day, "user", 1) for day in DAYS]
        put(other, *DAYS, count=2)
        other.tidy(began)  # superseded after that
        assert stored(lake) == [(day, "user", 1) for day in DAYS]
    assert stored(lake) == [(day, "user", 2) for day in DAYS]


def test_what_is_stored_of_a_year_is_known_by_three_requests(root: Path) -> None:
    days = [date(2024, 1, 1) + timedelta(count) for count in range(366)]
    schema = stored_schema(LOAD_COUNTS)
    instants = dict.fromkeys(("loaded_until", "day_start", "day_end"), datetime(2025, 1, 1, 5, tzinfo=UTC))
    row = instants | {"zone": "UTC", "source_version": "v", "events_sha256": "0" * 64}
    zeros = dict.fromkeys(schema.names, 0)
    rows = pa.Table.from_pylist([zeros | row | {"local_day": day} for day in days], schema)
    ObjectLake(root, "acme").replace_days(LOAD_COUNTS, days, rows.to_reader())
    with requests() as asked:
        lake = ObjectLake(root, "acme")
        assert lake.query(select(LOAD_COUNTS)).to_pylist() == rows.to_pylist()
        assert asked == {"list_objects_v2": 1, "head_object": 1, "get_object": 1}


def test_a_day_is_fetched_once(root: Path) -> None:
    put(ObjectLake(root, "acme"), *DAYS)
    lake = ObjectLake(root, "acme")
    for day in DAYS:  # what the writer left on this machine
        lake._files.local(next(name for name in lake._commits.latest().files() if str(day) in name)).unlink()
    one = select(func.sum(DAILY_SOURCE_AGGREGATES.c.assignment_count)).where(
        DAILY_SOURCE_AGGREGATES.c.local_day == DAYS[2]
    )
    with requests() as asked:
        lake.query(one)
        fetched = asked["get_object"]
        lake.query(one)
        stored(ObjectLake(root, "acme"))
        stored(ObjectLake(root, "acme"))
    assert fetched <= 2  # the day, and one whose columns are looked at
    assert asked["get_object"] == len(DAYS) + 2  # and each new reader's commit


def test_a_person_may_ask_and_nothing_else(root: Path, tmp_path: Path) -> None:
    put(ObjectLake(root, "acme"), *DAYS)
    (tmp_path / "secret.csv").write_text("a\n1\n")
    lake = ObjectLake(root, "acme")
    assert lake.ask("SELECT sum(assignment_count) AS n FROM daily_source_aggregates")["n"][0].as_py() == 5
    for query in (
        f"SELECT * FROM '{tmp_path / 'secret.csv'}'",
        "SELECT 1; SELECT 2",
        "DROP TABLE load_counts",
    ):
        with pytest.raises(ConfigError):
            lake.ask(query)

"""The quick ways of the extract stage give what the thorough ones give."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assets.config.source import FilesSource
from assets.events import FIRST, LAST
from assets.extract import classification, day_buffers, staging, text_cleaning, times
from assets.extract.classification import DayCut
from assets.periods import offset_changes
from assets.sources.base import Batch
from assets.warehouse.parquet_lake import Lake
from assets.warehouse.schema import ASSIGNMENT_EVENTS
from tests.conftest import DAY, HEADER, Inbox, line

ISO = st.from_regex(
    r"20[0-9]{2}-[01][0-9]-[0-3][0-9][T ][0-2][0-9]:[0-6][0-9]:[0-6][0-9](\.[0-9]{1,7})?(Z|[+-][0-9]{2}:?[0-9]{2})?",
    fullmatch=True,
)


@given(texts=st.lists(ISO, min_size=1, max_size=5))
def test_iso_times_read_at_once_are_the_same_instants(texts: list[str]) -> None:
    cells = pa.array(texts, pa.string())
    quick = times.plain_instants(cells, None, None)
    if quick is None:
        return
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    connection.register("batch", pa.table({"occurred_at": cells}))
    query = f"SELECT zoned FROM (SELECT {times.instant_columns(cells.type, None)} FROM batch)"
    assert quick[0].to_pylist() == [row[0] for row in connection.sql(query).fetchall()]


@pytest.mark.parametrize(
    "text",
    ["2024-02-30T10:00:00Z", "2024-03-05T10:00:00", "2024-03-05", "1709650800", "2024/03/05 15:00:00Z"],
)
def test_other_times_are_read_with_care(text: str) -> None:
    assert times.plain_instants(pa.array([text]), None, None) is None


ZONES = ("America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "Pacific/Apia", "UTC")


@given(data=st.data(), zone=st.sampled_from(ZONES).map(ZoneInfo), is_text=st.booleans())
def test_times_without_zone_read_at_once_are_the_same_instants(
    data: st.DataObject, zone: ZoneInfo, *, is_text: bool
) -> None:
    """Most of them are near a change of the clocks."""
    changes = [at for at, _ in offset_changes(zone, FIRST, LAST)] + [datetime(2024, 7, 1, tzinfo=UTC)]
    near = st.tuples(st.sampled_from(changes), st.integers(-90, 90), st.integers(0, 59_999_999))
    walls = [
        (at.astimezone(zone).replace(tzinfo=None) + timedelta(minutes=minutes, microseconds=micros))
        for at, minutes, micros in data.draw(st.lists(near, min_size=1, max_size=6))
    ]
    cells = pa.array(map(str, walls)) if is_text else pa.array(walls, pa.timestamp("us"))
    count = len(walls)
    rows = {
        "occurred_at": cells,
        "row_number": pa.array(range(1, count + 1)),
        "assignee_name": ["Bob"] * count,
    }
    batch = Batch(pa.RecordBatch.from_pydict(rows | {"contact_id": ["k"] * count}), "events.csv")
    columns = ("occurred_at", "stands_at", "reason", "is_ambiguous", "lacks_zone", "row_number")
    placed = []
    for find in (times.plain_instants, lambda *_: None):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(times, "plain_instants", find)
            cut = DayCut(DAY, zone.key, FIRST, LAST, LAST, "")
            options = FilesSource(type="files", path="events.csv", timezone=zone.key)
            with staging.Staging([cut], options, LAST, is_windowed=False) as stage:
                placed.append(stage.placed(batch).select(columns).to_pylist())
    assert placed[0] == placed[1]


def test_rows_kept_in_files_and_judged_a_day_at_a_time_are_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = []
    for name in ("in memory", "in files"):
        inbox = Inbox(tmp_path / name)
        inbox.folder.mkdir()
        for part in range(3):
            rows = (
                line(
                    f"e{n}",
                    f"2024-03-{5 + n % 3:02d}T15:00:{n % 60:02d}Z",
                    contact_id=f"k{n}",
                    assignee="Bob" if n % 7 else "Ann",
                )
                for n in range(part * 10, part * 10 + 30)
            )
            inbox.write(*rows, f"bad{part},no time,,,,,,,", name=f"{part}.csv")
        inbox.load(DAY, DAY.replace(day=7))
        stored.append(inbox.files())
        monkeypatch.setattr(day_buffers, "_HELD_BYTES", 1)
        monkeypatch.setattr(staging, "_PIECE_ROWS", 1)
    assert stored[0] == stored[1]
    assert len(stored[0]) == 9


STRANGE = st.text(st.sampled_from("ab \t\n\x00\x85\xa0\u2028\u3000\ufffd\ufdd0é中م👍\U0001fffe"), max_size=4)


@given(texts=st.lists(st.none() | STRANGE, max_size=4), left_out=st.integers(0, 1))
def test_cells_that_are_not_looked_at_again_are_clean(texts: list[str | None], left_out: int) -> None:
    cells = pa.array(["begin", *texts, "end"], pa.string()).slice(left_out, len(texts))
    spaced = pc.replace_substring_regex(cells, text_cleaning._SPACES, " ")
    thorough = text_cleaning.null_if(
        pc.replace_substring_regex(spaced, text_cleaning._UNPRINTABLE, text_cleaning.REPLACEMENT), [""]
    )
    assert text_cleaning.clean_text(cells).to_pylist() == thorough.to_pylist()


@given(ids=st.lists(st.sampled_from(["9", "10", "11", "a", "b", "aa", ""]), max_size=5))
def test_ids_that_grow_are_distinct(ids: list[str]) -> None:
    quick = classification._ids_increase(pa.chunked_array([pa.array(ids, pa.string())]))
    assert quick == (sorted(set(ids), key=lambda each: (len(each), each)) == ids)


@given(rows=st.permutations(range(24)))
@settings(max_examples=12)
def test_the_order_in_which_rows_are_read_changes_no_byte(
    tmp_path_factory: pytest.TempPathFactory, rows: list[int]
) -> None:
    stored = []
    for order in (range(24), rows):
        inbox = Inbox(tmp_path_factory.mktemp("inbox"))
        inbox.write(
            *(
                line(
                    f"e{n % 20}",
                    f"2024-03-{5 + n % 2:02d}T15:00:{n:02d}Z",
                    contact_id=f"k{n % 20}",
                    assignee="Ann" if n % 3 else "Bob",
                    previous_assignee="Ann" if n % 5 == 0 else "",
                    source="user" if n % 4 else "API",
                )
                for n in order
            )
        )
        inbox.load(DAY, DAY.replace(day=6))
        stored.append(inbox.files())
    assert stored[0] == stored[1]


def test_a_given_format_of_times_holds_for_those_that_look_like_iso_too(inbox: Inbox) -> None:
    inbox.source = {"time_format": "%Y-%d-%m %H:%M:%S%z"}
    inbox.write(line("e0", "2024-03-04 10:00:00+00:00"), line("e1", "2024-05-03 11:00:00+00:00"))
    inbox.load()
    assert [row["event_id"] for row in inbox.rows(ASSIGNMENT_EVENTS)] == ["e1"]


@pytest.mark.parametrize(
    "text", ["9999-12-31T23:59:59-05:00", "0001-01-01T00:00:00+05:00", "0000-01-01T00:00:00Z"]
)
def test_a_time_at_the_end_of_time_stops_nothing(inbox: Inbox, text: str) -> None:
    inbox.write(line("e1", "2024-03-05T15:00:00Z"), line("e2", text))
    assert inbox.load().stored_events == 1


_ODD_CELLS: tuple[dict[str, str], ...] = (
    {"contact_id": "21.0"},
    {"contact_id": "NaN"},
    {"contact_id": "1.7E+15"},
    {"contact_name": "A\u0301nn\x00"},
    {"assignee": "-"},
    {"event_id": ""},
    {"occurred_at": "no time"},
    {"occurred_at": "2024-03-05T10:00:00"},
    {"contact_id": "", "conversation_id": ""},
)


@pytest.mark.parametrize("seed", range(6))
def test_small_files_are_staged_together_as_they_are_one_by_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    chosen, inbox = Random(seed), Inbox(tmp_path)
    odd_cells = _ODD_CELLS[:6] if seed % 2 else _ODD_CELLS
    for file in range(12):
        rows = []
        for n in range(chosen.randrange(1, 12)):
            cells = {"occurred_at": f"2024-03-{chosen.randrange(4, 7):02}T15:{n:02}:00Z"}
            cells |= {"event_id": f"{file}-{n}", "contact_id": f"{'k' * (file % 2)}{n}"}
            rows.append(line(**cells | (chosen.choice(odd_cells) if chosen.random() < seed / 50 else {})))
        header = HEADER if file < 8 else HEADER.replace("contact_name", "contact name")
        inbox.write(*rows, name=f"{file:02}.csv", header=header)
    stored = []
    for rows_together in (1, 20_000):
        monkeypatch.setattr(staging, "_TOGETHER_ROWS", rows_together)
        inbox.lake = Lake(tmp_path / f"{rows_together}", "acme")
        loaded = inbox.load(DAY - timedelta(2), DAY + timedelta(2))
        files = sorted(inbox.lake.folder.rglob("*.parquet"))
        stored.append(([(path.parent.name, path.read_bytes()) for path in files], loaded.inputs))
    assert stored[0] == stored[1]

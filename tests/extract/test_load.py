from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any

import pyarrow as pa
import pytest

from assets.errors import SourceError, SourceUnavailable
from assets.extract.load import load_days
from assets.periods import first_instant
from assets.sources.base import Batch, Unlisted
from assets.sources.files.imports import DaySources
from assets.warehouse.parquet_lake import Lake
from assets.warehouse.schema import ASSIGNMENT_EVENTS, LOAD_COUNTS
from tests.conftest import DAY, LATER, Inbox, line
from tests.test_periods import CLOCK_CHANGES

YEAR = [DAY + timedelta(n) for n in range(365)]


@dataclass
class Windows(Unlisted):
    """A source that has an event at the start of each window, and then what *after* it."""

    options: Any
    after: Any
    is_windowed: bool = True

    def read(self, start: datetime, _end: datetime) -> Iterator[Batch]:
        cells = {"event_id": f"{start}", "occurred_at": start, "conversation_id": "c", "assignee_name": "Bob"}
        rows = pa.RecordBatch.from_pylist([cells | {"source": "user", "row_number": None}])
        row_number = rows.schema.get_field_index("row_number")
        event = Batch(rows.set_column(row_number, "row_number", pa.nulls(1, pa.int64())), "windows")
        yield event
        yield from self.after(start, event)


def test_every_row_read_is_explained(inbox: Inbox) -> None:
    inbox.write(
        line("e1", "2024-03-05T15:00:00Z"),
        line("e1", "2024-03-05T15:00:00Z"),
        line("e2", "2024-03-05T16:00:00Z", previous_assignee="Bob"),
        line("e3", "2024-03-05T17:00:00Z", previous_assignee="Bob", assignee=""),
        line("e4", "2024-03-05T18:00:00Z", assignee=""),
        line("e5", "never"),
        line("e6", "2024-03-06T15:00:00Z"),
    )
    loaded = inbox.load()
    assert loaded.is_reconciled
    assert str(loaded) == (
        "6 read = 2 accepted + 1 rejected + 1 duplicates + 2 without change; 2 and 1 stored"
    )


def test_an_assignee_is_the_same_by_id_where_both_have_one(inbox: Inbox) -> None:
    header = "event_id,occurred_at,contact_id,previous_assignee_id,previous_assignee_name,assignee_id,assignee_name"
    inbox.write(
        "e1,2024-03-05T15:00:00Z,k,u1,Bob,u1,Robert",
        "e2,2024-03-05T15:00:00Z,k,u1,Bob,u2,Bob",
        "e3,2024-03-05T15:00:00Z,k,,Bob,u2,Bob",
        header=header,
    )
    inbox.load()
    assert [row["event_id"] for row in inbox.rows(ASSIGNMENT_EVENTS)] == ["e2"]


@pytest.mark.parametrize(("zone", "day", "start", "hours"), [c for c in CLOCK_CHANGES if c[3]])
def test_events_fall_on_their_day_around_a_clock_change(
    inbox: Inbox, zone: str, day: str, start: str, hours: float
) -> None:
    del start, hours
    inbox.zone, inbox.first_day = zone, date(2009, 1, 1)
    first = date.fromisoformat(day)
    begin, end = inbox.period(first).bounds
    micros = [begin.timestamp() - 1e-6, begin.timestamp(), end.timestamp() - 1e-6, end.timestamp()]
    inbox.write(
        *(
            line(f"e{n}", datetime.fromtimestamp(at, UTC).isoformat(), contact_id=f"k{n}")
            for n, at in enumerate(micros)
        )
    )
    inbox.load(first)
    assert [row["event_id"] for row in inbox.rows(ASSIGNMENT_EVENTS)] == ["e1", "e2"]


def test_a_date_that_never_was_holds_nothing(inbox: Inbox) -> None:
    inbox.zone, inbox.first_day = "Pacific/Apia", date(2011, 12, 1)
    inbox.write(
        *(
            line(f"e{n}", f"2011-12-{29 + n // 2}T{9 + n % 2:02d}:30:00Z", contact_id=f"k{n}")
            for n in range(5)
        )
    )
    inbox.load(date(2011, 12, 28), date(2011, 12, 31))
    by_day = {str(row["local_day"]): row["accepted_count"] for row in inbox.rows(LOAD_COUNTS)}
    assert by_day == {"2011-12-28": 1, "2011-12-29": 2, "2011-12-31": 2}


def test_an_empty_day_is_a_loaded_empty_day(inbox: Inbox) -> None:
    inbox.write(line("e1", "2024-03-07T15:00:00Z"))
    inbox.load(date(2024, 3, 5), date(2024, 3, 7))
    assert [row["read_count"] for row in inbox.rows(LOAD_COUNTS)] == [0, 0, 1]


def test_a_running_day_is_loaded_up_to_now_and_later_days_not_at_all(inbox: Inbox) -> None:
    inbox.write(*(line(f"e{n}", f"2024-03-05T1{n}:00:00Z", contact_id=f"k{n}") for n in range(6)))
    noon = datetime(2024, 3, 5, 13, tzinfo=UTC)
    inbox.load(DAY, date(2024, 3, 8), now=noon)
    (day,) = inbox.rows(LOAD_COUNTS)
    assert (day["accepted_count"], day["loaded_until"]) == (3, noon)


def test_loading_again_changes_no_byte(inbox: Inbox) -> None:
    inbox.write(
        *(line(f"e{n % 7}", f"2024-03-0{5 + n % 3}T1{n % 10}:00:00Z", contact_id=f"k{n}") for n in range(40))
    )
    inbox.load(DAY, date(2024, 3, 7))
    before = inbox.files()
    inbox.load(DAY, date(2024, 3, 7))
    assert inbox.files() == before


def test_loading_again_replaces_the_whole_day(inbox: Inbox) -> None:
    inbox.write(line("e1", "2024-03-05T15:00:00Z"), line("e2", "2024-03-05T16:00:00Z"))
    inbox.load()
    inbox.write(line("e3", "2024-03-05T17:00:00Z"))
    inbox.load()
    assert [row["event_id"] for row in inbox.rows(ASSIGNMENT_EVENTS)] == ["e3"]


def test_an_unknown_source_is_kept(inbox: Inbox) -> None:
    inbox.write(
        line("e1", "2024-03-05T15:00:00Z", source="Growth Widget"),
        line("e2", "2024-03-05T15:00:00Z", source=""),
    )
    inbox.load()
    rows = inbox.rows(ASSIGNMENT_EVENTS)
    assert [(row["source"], row["source_quality"]) for row in rows] == [
        ("Growth Widget", "stated"),
        ("unknown", "unknown"),
    ]


@pytest.mark.parametrize("column", ["event_id", "contact_name", "assignee", "source"])
def test_a_replaced_character_is_noted_in_whatever_column(inbox: Inbox, column: str) -> None:
    cells = {"event_id": "e1", "occurred_at": "2024-03-05T15:00:00Z"} | {column: "a\x01b"}
    inbox.write(line(**cells), line("e2", "2024-03-05T16:00:00Z"))
    inbox.load()
    assert [row["text_cleaned"] for row in inbox.rows(ASSIGNMENT_EVENTS)] == [True, False]


def test_loaded_days_end_where_the_next_begins(inbox: Inbox) -> None:
    inbox.write(line("e1", "2024-03-05T15:00:00Z"))
    inbox.load(now=LATER)
    assert inbox.rows(LOAD_COUNTS)[0]["loaded_until"] == first_instant(date(2024, 3, 6), inbox.workspace.zone)


def test_an_outage_leaves_whole_months_behind(inbox: Inbox) -> None:
    def outage(start: datetime, _event: Batch) -> Iterator[Batch]:
        if start.date() > DAY + timedelta(40):
            raise SourceUnavailable("gone")
        return iter(())

    sources = DaySources(Windows(inbox.workspace.source, outage), [])
    with pytest.raises(SourceError, match="gone"):
        load_days(inbox.workspace, sources, inbox.lake, YEAR, LATER)
    loaded = inbox.rows(LOAD_COUNTS)
    assert [row["local_day"] for row in loaded] == YEAR[: 2 * 31]
    assert sum(row["accepted_count"] for row in loaded) == 2


def test_where_storing_fails_nothing_more_is_read(inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError("no space left")

    def endless(start: datetime, event: Batch) -> Iterator[Batch]:
        return (event for _ in count()) if start.date() > DAY else iter(())

    monkeypatch.setattr(Lake, "replace_days", fail)
    with pytest.raises(OSError, match="no space left"):
        load_days(
            inbox.workspace, DaySources(Windows(inbox.workspace.source, endless), []), inbox.lake, YEAR, LATER
        )

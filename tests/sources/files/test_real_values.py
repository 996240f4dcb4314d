"""Ids, names and times as files of people and programs have them: each is read rightly, or said not to be."""

from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assets.config.source import FilesSource
from assets.extract.text_cleaning import clean_text
from assets.render.data_files import csv_bytes
from assets.report.log_table import HEADER as HEADER_OF_LOG
from assets.sources.base import Batch
from assets.sources.files.source import Files
from assets.warehouse.schema import ASSIGNMENT_EVENTS, LOAD_COUNTS
from tests.conftest import Inbox, line
from tests.sources.files.test_real_files import LOG, THREE


def people(inbox: Inbox) -> list[tuple[str | None, str | None]]:
    rows = inbox.rows(ASSIGNMENT_EVENTS)
    return [
        (
            row["previous_assignee_id"] or row["previous_assignee_name"],
            row["assignee_id"] or row["assignee_name"],
        )
        for row in rows
    ]


def test_ids_of_numbers_with_gaps_are_the_numbers(inbox: Inbox) -> None:
    header = "event_id,occurred_at,contact_id,previous_assignee_id,assignee_id"
    inbox.write(
        "1,2024-03-05T10:00:00Z,7.0,,21.0",
        "2,2024-03-05T11:00:00Z,7.0,21.0,22.0",
        name="a.csv",
        header=header,
    )
    inbox.write(
        "3,2024-03-05T12:00:00Z,7,22,22.0", "4,2024-03-05T13:00:00Z,7,22,NaN", name="b.csv", header=header
    )
    loaded = inbox.load()
    assert people(inbox) == [(None, "21"), ("21", "22"), ("22", None)]
    assert loaded.total("no_change_count") == 1


def test_ids_that_are_no_numbers_keep_what_they_are(inbox: Inbox) -> None:
    inbox.write(
        "1,2024-03-05T10:00:00Z,1.0,A",
        "2,2024-03-05T11:00:00Z,1.5,A",
        header="event_id,occurred_at,contact_id,assignee",
    )
    inbox.load()
    assert [row["contact_id"] for row in inbox.rows(ASSIGNMENT_EVENTS)] == ["1.0", "1.5"]


def test_nan_in_parquet_is_nobody(inbox: Inbox) -> None:
    (inbox.folder / "events").mkdir()
    at = [datetime(2024, 3, 5, hour, tzinfo=UTC) for hour in (10, 11)]
    nan = float("nan")
    table = pa.table(
        {
            "occurred_at": at,
            "contact_id": ["k", "k"],
            "assignee_id": [21.0, nan],
            "previous_assignee_id": [nan, 21.0],
        }
    )
    pq.write_table(table, inbox.folder / "events" / "a.parquet")
    inbox.load()
    assert people(inbox) == [(None, "21"), ("21", None)]


def test_a_name_is_the_same_however_its_accents_are_composed(inbox: Inbox) -> None:
    composed, apart = "Zoë", "Zoe\u0308"
    inbox.write(
        line("e1", "2024-03-05T10:00:00Z", assignee=composed),
        line("e2", "2024-03-05T11:00:00Z", previous_assignee=composed, assignee=apart),
    )
    assert inbox.load().total("no_change_count") == 1


@pytest.mark.parametrize(("nobody", "is_nobody"), [("-", True), ("UNASSIGNED", True), ("None", False)])
def test_words_for_nobody_are_nobody_without_an_id(inbox: Inbox, nobody: str, *, is_nobody: bool) -> None:
    header = "event_id,occurred_at,contact_id,previous_assignee,assignee_id,assignee"
    inbox.write(
        f"e1,2024-03-05T10:00:00Z,k,Bob,,{nobody}", f"e2,2024-03-05T11:00:00Z,k,Bob,7,{nobody}", header=header
    )
    inbox.load()
    assert [row["assignee_name"] for row in inbox.rows(ASSIGNMENT_EVENTS)] == [
        None if is_nobody else nobody,
        nobody,
    ]
    inbox.source = {"unassigned_values": [nobody, "nobody"]}
    inbox.load()
    assert inbox.rows(ASSIGNMENT_EVENTS)[0]["assignee_name"] is None


TIMES = {
    "3/5/2024, 10:00:00\u202fAM": ("%m/%d/%Y, %I:%M:%S %p", 15),
    "05/03/2024\u00a010:00": ("%d/%m/%Y %H:%M", 15),
    "05/03/2024 10:00 UTC": ("%d/%m/%Y %H:%M UTC", 10),
    "05/03/2024 10:00Z": ("%d/%m/%Y %H:%MZ", 10),
    "05/03/2024 10:00 Z": ("%d/%m/%Y %H:%M %z", 10),
    "20240305T1000": (None, 15),
    "20240305T100000Z": (None, 10),
    "1709650800000000000": (None, 15),
}


@pytest.mark.parametrize("text", TIMES)
def test_a_time_is_read_as_it_is_written(inbox: Inbox, text: str) -> None:
    form, hour = TIMES[text]
    inbox.source = {"timezone": "America/New_York"} | ({"time_format": form} if form else {})
    inbox.write(line("e1", text))
    inbox.load()
    assert [row["occurred_at"] for row in inbox.rows(ASSIGNMENT_EVENTS)] == [
        datetime(2024, 3, 5, hour, tzinfo=UTC)
    ]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("2567-03-05 10:00:00Z", "is before 2000 or after 2099"),
        ("1402-12-15 10:00:00Z", "is before 2000 or after 2099"),
        ("1970-01-01T00:00:00Z", "is before 2000 or after 2099"),
        ("202403051000", 'has digits only; if it is a time, set `time_format: "%Y%m%d%H%M"` of the source'),
        ("2024-03-10 02:30:00", "does not exist: the clocks were put forward over it"),
        ("2024-03-05T15:00:00+25:00", "is not a valid time; set `time_format` of the source"),
        ("2024-03-05T15:00:00-14:01", "is not a valid time; set `time_format` of the source"),
    ],
)
def test_a_time_that_cannot_be_is_rejected(inbox: Inbox, text: str, reason: str) -> None:
    inbox.source = {"timezone": "America/New_York"}
    inbox.write(THREE[0], line("x", text))
    inbox.load()
    assert inbox.reasons() == [f"occurred_at '{text}' {reason}"]


@pytest.mark.parametrize(("offset", "is_read"), [("+14:00", True), ("+14:01", False), ("-2500", False)])
def test_an_offset_in_a_format_is_one_that_there_is(inbox: Inbox, offset: str, *, is_read: bool) -> None:
    inbox.source = {"time_format": "%d.%m.%Y %H:%M %z"}
    inbox.write(line("e1", "06.03.2024 05:00 +14:00"), line("e2", f"06.03.2024 05:00 {offset}"))
    assert inbox.load().stored_events == 1 + is_read


def test_a_time_that_comes_twice_is_the_earlier_and_counted(inbox: Inbox) -> None:
    inbox.source = {"timezone": "America/New_York"}
    inbox.write(line("e1", "2024-11-03 01:30:00"), line("e2", "2024-11-03 02:30:00", contact_id="k2"))
    inbox.load(date(2024, 11, 3))
    assert inbox.rows(ASSIGNMENT_EVENTS)[0]["occurred_at"] == datetime(2024, 11, 3, 5, 30, tzinfo=UTC)
    assert [row["ambiguous_count"] for row in inbox.rows(LOAD_COUNTS)] == [1]


def test_equal_rows_of_one_file_are_events_and_those_of_two_exports_are_not(inbox: Inbox) -> None:
    there, back = "2024-03-05 10:00,77,12,Ann,Bob,Eve,User,Bob", "2024-03-05 10:00,77,12,Ann,Eve,Bob,User,Eve"
    inbox.write(there, back, there, header=LOG, name="a.csv")
    assert inbox.load().stored_events == 3
    assert people(inbox) == [("Bob", "Eve"), ("Eve", "Bob"), ("Bob", "Eve")]
    inbox.write(there, back, there, header=LOG, name="b.csv")
    loaded = inbox.load()
    assert (loaded.stored_events, loaded.total("duplicate_count")) == (3, 3)


def test_ids_that_are_numbers_order_events_as_numbers(inbox: Inbox, tmp_path: Path) -> None:
    import sqlite3  # noqa: PLC0415

    with sqlite3.connect(tmp_path / "e.db") as database:
        database.execute(
            "CREATE TABLE t (event_id INTEGER, occurred_at TEXT, contact_id TEXT, assignee TEXT)"
        )
        rows = [(n, "2024-03-05T15:00:00Z", "k", f"A{n}") for n in (10, 9, 11)]
        database.executemany("INSERT INTO t VALUES (?, ?, ?, ?)", rows)
    inbox.source = {"type": "sql", "url": f"sqlite:///{tmp_path}/e.db", "table": "t"}
    inbox.load()
    inbox.build()
    assert [(row["event_id"], row["previous_assignee_name"]) for row in inbox.log()] == [
        ("9", None),
        ("10", "A9"),
        ("11", "A10"),
    ]


@pytest.mark.parametrize(("subject", "count"), [("contact", 1), ("conversation", 2)])
def test_two_conversations_of_one_contact_are_two_subjects_where_the_source_says_so(
    inbox: Inbox, subject: str, count: int
) -> None:
    inbox.source = {"assignee_of": subject}
    inbox.write(
        "e1,2024-03-05T10:00:00Z,c1,k,Bob",
        "e2,2024-03-05T11:00:00Z,c2,k,Bob",
        header="event_id,occurred_at,conversation_id,contact_id,assignee",
    )
    inbox.load()
    inbox.build()
    assert len(inbox.log()) == count


def test_ids_that_a_spreadsheet_has_rounded_are_no_ids(inbox: Inbox) -> None:
    hours = range(10, 20)
    inbox.write(*(line(f"e{n}", f"2024-03-05T{n}:00:00Z", conversation_id="1.7E+15") for n in hours[:1]))
    inbox.write(
        *(line(f"f{n}", f"2024-03-05T{n}:00:00Z", conversation_id=f"1705400000000{n}0") for n in hours),
        name="long.csv",
    )
    inbox.write(
        *(line(f"g{n}", f"2024-03-05T{n}:00:00Z", conversation_id=f"17054{n}000000000") for n in hours),
        name="whole seconds.csv",
    )
    remedy = "was rounded by a spreadsheet; export the file again, and do not save it there"
    assert inbox.load().stored_events == len(hours)
    reasons = [each for each in inbox.reasons() if each.startswith("conversation_id")]
    ids = ["1.7E+15", *(f"1705400000000{n}0" for n in hours)]
    assert reasons == [f"conversation_id '{each}' {remedy}" for each in ids]


def test_the_printed_log_is_read_again_with_the_names_that_it_was_made_of(inbox: Inbox) -> None:
    names = ["=1+1", "-Bob-", "+Eve", "Zo\u200bë", "00123", "1234567890123456789", "\u200bAnn", "\u200b=1"]
    printed = pa.table(
        {
            "Timestamp": [f"2024-03-05 1{n}:00:00" for n in range(len(names))],
            "Conversation ID": ["7"] * len(names),
            "Contact ID": ["k"] * len(names),
            "Contact Name": names,
            "Previous Assignee": ["-", *names[:-1]],
            "Assigned To": names,
            "Source": ["User"] * len(names),
            "Assigned By": names,
        }
    )
    inbox.write_bytes(csv_bytes(printed), "log.csv")
    assert inbox.load().stored_events == len(names)
    log = inbox.rows(ASSIGNMENT_EVENTS)
    assert [row["contact_name"] for row in log] == names
    assert people(inbox) == [*zip([None, *names[:-1]], names, strict=True)]


NAMES = st.one_of(
    st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), max_size=40),
    st.text(st.sampled_from('\u200b\ufeff\u00a0 =+-@|%0123456789.eE/:,;\ta"'), max_size=20),
)


@given(texts=st.lists(NAMES, min_size=1, max_size=20), has_bom=st.booleans())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_names_of_any_text_are_the_same_after_log_csv_is_read(
    tmp_path: Path, texts: list[str], *, has_bom: bool
) -> None:
    names = clean_text(pa.array(texts, pa.string())).fill_null("").to_pylist()
    times = ["2024-03-05 10:00:00-05:00"] * len(names)
    printed = pa.table([times, *([names] * (len(HEADER_OF_LOG) - 1))], names=list(HEADER_OF_LOG))
    path = tmp_path / "log.csv"
    path.write_bytes(csv_bytes(printed, has_bom=has_bom))
    options = FilesSource(type="files", path=str(path))
    read = [*Files(options).read(datetime.min, datetime.max)]  # noqa: DTZ901 - files have no window
    batches = [batch for batch in read if isinstance(batch, Batch)]
    assert len(batches) == len(read)
    for column in ("conversation_id", "contact_id", "contact_name", "assignee_name"):
        cells = [cell for batch in batches for cell in batch.rows.column(column).to_pylist()]
        assert cells == names, column

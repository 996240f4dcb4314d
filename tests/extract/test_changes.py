"""Loaded means loaded for this zone, this configuration and these files; whatever changed is read again."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from random import Random

import pytest

from assets.extract.load import load_days
from assets.extract.load_plan import changes_since_load
from assets.sources.files.imports import DaySources
from assets.sources.registry import open_source
from assets.warehouse.loaded_days import loaded_days
from assets.warehouse.parquet_lake import Lake
from assets.warehouse.schema import ASSIGNMENT_EVENTS, LOAD_COUNTS, REJECTED_EVENTS
from tests.conftest import DAY, HEADER, LATER, Inbox, line

DAYS = (date(2024, 3, 4), date(2024, 3, 8))


def hours(inbox: Inbox, count: int = 96) -> None:
    """Write an event for each hour of four days."""
    start = datetime(2024, 3, 4, 12)  # noqa: DTZ001 - written with its zone
    inbox.write(
        *(
            line(f"e{n}", f"{(start + timedelta(hours=n)).isoformat()}Z", contact_id=f"k{n}")
            for n in range(count)
        )
    )


def by_day(inbox: Inbox) -> dict[date, int]:
    return {row["local_day"]: row["accepted_count"] for row in inbox.rows(LOAD_COUNTS)}


def changes(inbox: Inbox) -> list[str]:
    return changes_since_load(inbox.workspace, DaySources(open_source(inbox.workspace), []), inbox.lake)


def test_days_of_two_zones_never_stand_beside_each_other(inbox: Inbox) -> None:
    hours(inbox)
    inbox.load(*DAYS)
    inbox.build(*DAYS)
    inbox.zone = "Asia/Tokyo"
    assert changes(inbox) == ["the time zone was America/New_York"]
    assert not loaded_days(inbox.lake, inbox.workspace).until
    loaded = inbox.load(DAY)
    assert set(loaded.causes.values()) == {"the time zone was America/New_York"}
    inbox.build(*DAYS)
    fresh = Inbox(inbox.folder / "fresh", zone="Asia/Tokyo")
    (inbox.folder / "fresh").mkdir()
    hours(fresh)
    fresh.load(*DAYS)
    fresh.build(*DAYS)
    assert inbox.files() == fresh.files()
    assert changes(inbox) == []


@pytest.mark.parametrize(
    "change",
    [
        {"timezone": "Asia/Tokyo"},
        {"columns": {"assignee": "previous_assignee"}},
        {"assignee_of": "conversation"},
    ],
)
def test_another_configuration_of_the_source_reads_its_days_again(
    inbox: Inbox, change: dict[str, object]
) -> None:
    hours(inbox)
    inbox.load(*DAYS)
    inbox.source = change
    assert changes(inbox) == ["the configuration of the source has changed"]
    inbox.load(DAY)
    assert not loaded_days(inbox.lake, inbox.workspace).outdated
    assert sum(by_day(inbox).values()) == 96


def test_what_only_tells_how_to_reach_a_source_changes_nothing(inbox: Inbox) -> None:
    inbox.source = {"type": "sql", "url": "postgresql://a:b@host/db", "table": "t"}
    one = inbox.workspace.source
    inbox.source |= {"url": "postgresql://c:${PASSWORD}@host/db?sslmode=require", "statement_timeout": 5}
    from assets.config.source import reading_version  # noqa: PLC0415

    assert reading_version(one) == reading_version(inbox.workspace.source)
    inbox.source |= {"table": "u"}
    assert reading_version(one) != reading_version(inbox.workspace.source)


def added(inbox: Inbox) -> None:
    inbox.write(line("x", "2024-03-06T15:00:00Z"), name="more.csv")


def changed(inbox: Inbox) -> None:
    hours(inbox, 60)


def removed(inbox: Inbox) -> None:
    inbox.write(line("x", "2024-03-06T15:00:00Z"), name="more.csv")
    inbox.load(*DAYS)
    (inbox.folder / "events" / "more.csv").unlink()


@pytest.mark.parametrize(("change", "days"), [(added, 1), (changed, 5), (removed, 1)])
def test_a_file_that_is_new_changed_or_gone_reads_its_days_again(
    inbox: Inbox, change: Callable[[Inbox], None], days: int
) -> None:
    hours(inbox)
    inbox.load(*DAYS)
    change(inbox)
    assert changes(inbox)[0].startswith("files were added, changed or removed: ")
    loaded = inbox.load(date(2024, 3, 8), date(2024, 3, 8))
    assert len(loaded.causes) + (date(2024, 3, 8) not in loaded.causes) == days + (change is not changed)
    fresh = Inbox(inbox.folder)
    assert changes(fresh) == []
    expected = by_day(inbox)
    inbox.load(*DAYS)
    assert by_day(inbox) == expected


def test_a_file_that_was_mended_clears_every_day_that_it_was_noted_on(inbox: Inbox) -> None:
    hours(inbox)
    inbox.write_bytes(b"nothing,known\n1,2\n", "broken.csv")
    inbox.load(*DAYS)
    assert {row["unreadable_count"] for row in inbox.rows(LOAD_COUNTS)} == {1}
    (inbox.folder / "events" / "broken.csv").unlink()
    inbox.load(DAY)
    assert {row["unreadable_count"] for row in inbox.rows(LOAD_COUNTS)} == {0}


def test_a_day_is_never_replaced_by_a_load_up_to_an_earlier_instant(inbox: Inbox) -> None:
    hours(inbox)
    inbox.load(*DAYS)
    before = inbox.files()
    earlier = datetime.fromisoformat("2024-03-05T17:00:00Z")
    assert inbox.load(*DAYS, now=earlier).counts.num_rows == 1  # the day that was over then
    assert inbox.files() == before


def test_an_unchanged_file_is_no_reason_to_read_again(inbox: Inbox) -> None:
    hours(inbox)
    inbox.load(*DAYS)
    assert changes(inbox) == []
    loaded = inbox.load(DAY)
    assert (loaded.counts.num_rows, loaded.causes) == (1, {})


def test_an_event_of_the_future_is_accepted_when_its_day_is_there(inbox: Inbox) -> None:
    inbox.write(line("e1", "2024-03-05T15:00:00Z"), line("e2", "2024-03-09T15:00:00Z"))
    now = datetime.fromisoformat("2024-03-06T12:00:00Z")
    loaded = inbox.load(DAY, now=now)
    assert loaded.inputs["events.csv"].future_count == 1
    inbox.load(date(2024, 3, 9), now=LATER)
    assert len(inbox.rows(ASSIGNMENT_EVENTS)) == 2


def test_imported_days_are_left_to_their_file(inbox: Inbox) -> None:
    from assets.config.source import FilesSource  # noqa: PLC0415
    from assets.sources.files.imports import About, imports_of, keep_import  # noqa: PLC0415

    hours(inbox)
    inbox.load(*DAYS)
    file = inbox.folder / "log.csv"
    file.write_bytes((inbox.folder / "events" / "events.csv").read_bytes())
    about = About(first_day=DAY, last_day=DAY, options=FilesSource(type="files", path=str(file)))
    keep_import(inbox.folder / "imports", file, about)
    sources = DaySources(open_source(inbox.workspace), imports_of(inbox.folder / "imports"))
    assert changes_since_load(inbox.workspace, sources, inbox.lake) == ["an imported file has these days"]
    loaded = load_days(inbox.workspace, sources, inbox.lake, [], LATER)
    assert loaded.causes == {DAY: "an imported file has these days"}
    assert changes_since_load(inbox.workspace, sources, inbox.lake) == []


def read_files(inbox: Inbox, day: date) -> set[str]:
    """Load *day*; return the files that were read for it."""
    return set(inbox.load(day, day).inputs)


def test_an_unchanged_file_without_rows_of_the_asked_days_is_not_read(inbox: Inbox) -> None:
    days = {f"{day}.csv": f"2024-03-0{day}T12:00:00Z" for day in (4, 5, 6)}
    for name, at in days.items():
        inbox.write(line(name, at), name=name)
    inbox.write(line("a", "2024-03-04T13:00:00Z"), line("b", "2024-03-06T13:00:00Z"), name="long.csv")
    inbox.write(line("c", "2024-03-04T13:00:00Z"), line("d", "no time"), name="odd.csv")
    inbox.write_bytes(b"nothing,known\n1,2\n", "broken.csv")
    assert read_files(inbox, DAYS[0]) == {*days, "long.csv", "odd.csv", "broken.csv"}
    assert read_files(inbox, date(2024, 3, 5)) == {"5.csv", "long.csv", "broken.csv"}
    inbox.write(line("6.csv", "2024-03-06T12:00:00Z"), line("new", "2024-03-04T12:00:00Z"), name="6.csv")
    assert read_files(inbox, date(2024, 3, 5)) == {*days, "long.csv", "odd.csv", "broken.csv"}
    assert read_files(inbox, date(2024, 3, 8)) == {"broken.csv"}
    inbox.source = {"timezone": "Asia/Tokyo"}
    assert read_files(inbox, date(2024, 3, 8)) == {*days, "long.csv", "odd.csv", "broken.csv"}
    assert read_files(inbox, date(2024, 3, 8)) == {"broken.csv"}


@pytest.mark.parametrize("seed", range(4))
def test_reading_only_the_files_that_matter_stores_what_reading_all_does(tmp_path: Path, seed: int) -> None:
    chosen, inbox = Random(seed), Inbox(tmp_path)
    days = [DAYS[0] + number * timedelta(days=1) for number in range(5)]
    inbox.write(line("first", f"{DAYS[0]}T12:00:00Z"))
    inbox.load(*DAYS)
    for step in range(6):
        name = f"{chosen.randrange(4)}.csv"
        if chosen.random() < 0.2:
            (inbox.folder / "events" / name).unlink(missing_ok=True)
        else:
            rows = [(chosen.choice(days), chosen.randrange(24)) for _ in range(chosen.randrange(4))]
            times = [f"{day}T{hour:02}:00:00Z" if chosen.random() < 0.9 else "?" for day, hour in rows]
            inbox.write(*(line(f"{step}-{at}", text) for at, text in enumerate(times)), name=name)
        first, last = sorted(chosen.sample(days, 2))
        inbox.load(first, last)
    inbox.load(*DAYS)
    fresh = Inbox(tmp_path)
    fresh.lake = Lake(tmp_path / "fresh", "acme")
    fresh.load(*DAYS)
    for table in (ASSIGNMENT_EVENTS, REJECTED_EVENTS, LOAD_COUNTS):
        assert inbox.rows(table) == fresh.rows(table)


def test_a_file_with_a_read_error_is_read_again_and_a_damaged_one_only_once_it_changes(inbox: Inbox) -> None:
    hours(inbox)
    (other := inbox.folder / "other").symlink_to("/proc/self/mem")  # at whose start nothing can be read
    (inbox.folder / "events" / "other.csv").symlink_to(other)
    (inbox.folder / "events" / "damaged.csv").write_text("no column of ours\n")
    loaded = inbox.load(*DAYS)
    assert {name for name, each in loaded.inputs.items() if each.problems} == {"other.csv", "damaged.csv"}
    assert "Input/output error" in loaded.inputs["other.csv"].problems[0].reason
    assert changes(inbox) == ["files were added, changed or removed: other.csv"]
    other.unlink()
    other.write_text("\n".join((HEADER, line("late", "2024-03-05T15:00:00Z", contact_id="late"), "")))
    inbox.load(DAY)
    assert sum(by_day(inbox).values()) == 97
    assert changes(inbox) == []

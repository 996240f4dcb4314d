"""Each log row tells since when the previous owner had held the subject, however the days were built."""

import random
import shutil
from datetime import date

import pytest

from assets.aggregates import interval_starts
from assets.aggregates.lineage import data_versions
from tests.aggregates.test_build import MARCH, UNSTATED, random_events
from tests.conftest import Inbox, line


def starts(inbox: Inbox) -> list[tuple[object, ...]]:
    names = ("held_since", "held_since_day", "held_since_position")
    return [tuple(row[name] for name in names) for row in inbox.log()]


def replayed(inbox: Inbox) -> list[tuple[object, ...]]:
    last: dict[str, tuple[object, ...]] = {}
    found = []
    for row in inbox.log():
        subject = row["contact_id"] or f"conversation {row['conversation_id']}"
        found.append(last.get(subject, (None, None, None)))
        last[subject] = (row["occurred_at"], row["local_day"], row["position"])
    return found


def test_each_row_names_the_row_with_which_its_interval_began(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(interval_starts, "_BATCH_ROWS", 60)  # a batch of a day and more
    inbox.write(*random_events(3, ids=300), header=UNSTATED)
    inbox.load(*MARCH)
    inbox.build(*MARCH)
    assert starts(inbox) == replayed(inbox)
    assert sum(start[0] is not None for start in starts(inbox)) > 100


def test_any_order_of_loading_stores_the_same_bytes(inbox: Inbox) -> None:
    inbox.write(*random_events(5, ids=300), header=UNSTATED)
    inbox.load(*MARCH)
    inbox.build(*MARCH)
    files = inbox.files()
    days = inbox.period(*MARCH).days
    random.Random(1).shuffle(days)
    shutil.rmtree(inbox.lake.folder)
    for day in days:  # a day between others outdates the later ones, some of which follow a gap
        inbox.load(day)
        inbox.build(day)
    assert inbox.files() == files


def test_a_late_event_changes_the_interval_of_its_subject_alone(inbox: Inbox) -> None:
    rows = [
        line("e1", "2024-03-05T15:00:00Z", contact_id="k1"),
        line("e3", "2024-03-08T15:00:00Z", contact_id="k1", previous_assignee="Bob", assignee="Eve"),
        line("e4", "2024-03-08T16:00:00Z", contact_id="k2"),
    ]
    inbox.write(*rows)
    inbox.load(*MARCH)
    inbox.build(*MARCH)
    assert starts(inbox)[1][1:] == (date(2024, 3, 5), 1)
    version = data_versions(inbox.lake).of([date(2024, 3, 8)])
    inbox.write(
        *rows, line("e2", "2024-03-06T15:00:00Z", contact_id="k1", previous_assignee="Bob", assignee="")
    )
    inbox.load(date(2024, 3, 6))
    inbox.build(date(2024, 3, 6))
    assert starts(inbox) == replayed(inbox)
    assert starts(inbox)[2][1:] == (date(2024, 3, 6), 1)
    assert data_versions(inbox.lake).of([date(2024, 3, 8)]) == version, "no count of the later day changed"

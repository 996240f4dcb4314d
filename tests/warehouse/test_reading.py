"""What is read in a block of reading is remembered until it ends, and no longer."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date

from assets.warehouse.base import Warehouse
from assets.warehouse.loaded_days import loaded_days
from assets.warehouse.reading import reading, remembered
from tests.conftest import DAY, Inbox, line

asked: list[object] = []


@remembered
def ask(_: Warehouse, *arguments: object) -> int:
    asked.append(arguments)
    return len(asked)


def test_a_block_remembers_what_was_asked_for_equal_days_or_the_same_object(inbox: Inbox) -> None:
    asked.clear()
    lake, one, other = inbox.lake, [1], [1]
    with reading(lake):
        assert [ask(lake, date(2024, 3, 5)), ask(lake, date(2024, 3, 5)), ask(lake, date(2024, 3, 6))] == [
            1,
            1,
            2,
        ]
        assert [ask(lake, one), ask(lake, one), ask(lake, other)] == [3, 3, 4]
        with reading(lake):
            assert ask(lake, one) == 3
        assert ask(lake, one) == 3, "the inner block ended nothing"
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(ask, lake, one).result() == 5
    assert [ask(lake, one), ask(lake, one)] == [6, 7]


def test_days_that_are_loaded_after_a_block_are_seen(inbox: Inbox) -> None:
    inbox.write(line("e1", "2024-03-05T15:00:00Z"))
    lake = inbox.lake
    with ThreadPoolExecutor(1) as pool:
        with reading(lake):
            assert not loaded_days(lake, inbox.workspace).until
            loading = pool.submit(inbox.load)
            assert not loaded_days(lake, inbox.workspace).until
            assert not loading.done(), "a load waits for the block"
        assert loading.result().stored_events == 1
    with reading(lake):
        assert loaded_days(lake, inbox.workspace).until.keys() == {DAY}

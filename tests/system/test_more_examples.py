"""More examples of what `make test` tries with few."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assets.config.presentation import Component
from tests.aggregates.test_build import check_range
from tests.conftest import Inbox
from tests.render.html.test_explorer import (
    explorer,
    opened_explorer,
    test_random_choices_give_what_the_reports_say,
)
from tests.render.pdf.test_whole_reports import test_every_printed_row_is_there_in_every_language
from tests.sources.files.test_delimited import (
    DAMAGES,
    DIALECTS,
    ENCODINGS,
    NAMED,
    ROWS,
    Damage,
    check_damaged_file,
    check_whole_file,
)

__all__ = [
    "explorer",
    "opened_explorer",
    "test_every_printed_row_is_there_in_every_language",
    "test_random_choices_give_what_the_reports_say",
]


@pytest.fixture
def choices() -> int:
    """The number of random choices in the explorer's page."""
    return 50


@pytest.fixture
def components() -> list[Component]:
    """What is printed in every language: all."""
    return list(Component)


@given(rows=ROWS, dialect=DIALECTS, encoding=ENCODINGS)
@settings(max_examples=40)
def test_every_row_of_a_whole_file_is_counted(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[tuple[str, str, str]],
    dialect: dict[str, object],
    encoding: str,
) -> None:
    check_whole_file(Inbox(tmp_path_factory.mktemp("inbox")), rows, dialect, encoding)


@given(rows=NAMED, damage=st.sampled_from(DAMAGES), at=st.integers(0, 1000))
@settings(max_examples=60)
def test_what_a_damage_costs_is_told(
    tmp_path_factory: pytest.TempPathFactory, rows: list[str], damage: Damage, at: int
) -> None:
    check_damaged_file(Inbox(tmp_path_factory.mktemp("inbox")), rows, damage, at)


@pytest.mark.parametrize("seed", range(1, 5))
def test_a_run_over_a_range_stores_what_its_days_run_singly_store(inbox: Inbox, seed: int) -> None:
    check_range(inbox, seed)

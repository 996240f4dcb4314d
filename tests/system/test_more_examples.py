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
from tests.render.html.test_filters import test_random_filters_give_what_the_server_counts
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
from tests.sources.respond_io.simulated_truth import Step, simulate
from tests.sources.test_contract import name, system, test_the_log_is_the_truth_in_every_column
from tests.warehouse.test_postgresql import test_every_report_is_the_same_to_the_byte, warehouse

__all__ = [
    "explorer",
    "name",
    "opened_explorer",
    "system",
    "test_every_printed_row_is_there_in_every_language",
    "test_every_report_is_the_same_to_the_byte",
    "test_random_choices_give_what_the_reports_say",
    "test_random_filters_give_what_the_server_counts",
    "test_the_log_is_the_truth_in_every_column",
    "warehouse",
]


@pytest.fixture
def steps() -> list[Step]:
    """The simulated assignments that each source is filled with."""
    return simulate(10_000)


@pytest.fixture
def filter_count() -> int:
    """The number of random filters in a report's page."""
    return 15


@pytest.fixture
def presets() -> tuple[str, ...]:
    """The reports that are made from the lake and from PostgreSQL."""
    return ("yesterday", "last_month")


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

"""The same data and configuration give the same bytes and totals in every preset, whoever makes the reports."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from assets.periods import PRESETS, Preset
from tests.orchestration.cli.test_outputs import check_totals
from tests.orchestration.command_line import CommandLine, make_demo
from tests.orchestration.test_definitions import DAILY, check_same_bytes

pytestmark = pytest.mark.xdist_group("one demo")


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> CommandLine:
    """A folder in which every preset was run once."""
    return make_demo(tmp_path_factory.mktemp("demo"))


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


def test_two_processes_with_different_hash_seeds_write_the_same_bytes(
    demo: CommandLine, tmp_path: Path
) -> None:
    one, other = demo.files(), make_demo(tmp_path, seed=2).files()
    assert one.keys() == other.keys()
    assert [name for name in one if one[name] != other[name]] == []
    assert sum(name.endswith(".pdf") for name in one) == 7


def test_dagster_and_the_command_line_write_the_same_bytes(
    demo: CommandLine, tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    check_same_bytes(demo, tmp_path, instance, DAILY)


@pytest.mark.parametrize("preset", PRESETS)
def test_every_output_says_the_same_total(demo: CommandLine, preset: Preset) -> None:
    check_totals(demo, preset)

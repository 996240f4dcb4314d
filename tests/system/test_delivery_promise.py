"""The promise of delivery under every fault of the server, with no crash, one SIGKILL at each point, and two."""

import random
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest

from tests.deliver.delivery_faults import FAULTS, POINTS, Point, broken_after, make_due_report


@pytest.fixture(scope="module")
def due(tmp_path_factory: pytest.TempPathFactory) -> Path:
    make_due_report(folder := tmp_path_factory.mktemp("due"))
    return folder


def scenarios() -> Iterator[tuple[Point, ...]]:
    """Yield no crash, one at each point, and some pairs."""
    yield ()
    yield from ((point,) for point in POINTS)
    yield from random.Random(5).sample([*product(POINTS, POINTS)], 3)


@pytest.mark.parametrize("fault", FAULTS)
def test_the_promise_is_kept(due: Path, tmp_path: Path, fault: str) -> None:
    for number, kills in enumerate(scenarios()):
        policy = ("wait", "resend")[(number + [*FAULTS].index(fault)) % 2]
        broken = broken_after(due, tmp_path / str(number), fault, kills, policy)
        assert broken == [], [f"{owner.__name__}.{name} {when}" for owner, name, when in kills]

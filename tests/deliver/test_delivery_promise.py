"""One accepted mail for each recipient, or a row that says why not: under each fault, after each kill.

Every fault together with every kill is in `tests/system`.
"""

from pathlib import Path

import pytest

from tests.deliver.delivery_faults import FAULTS, POINTS, Point, broken_after, make_due_report


@pytest.fixture(scope="module")
def due(tmp_path_factory: pytest.TempPathFactory) -> Path:
    make_due_report(folder := tmp_path_factory.mktemp("due"))
    return folder


@pytest.mark.parametrize("fault", FAULTS)
def test_the_promise_is_kept_under_each_fault_of_the_server(due: Path, tmp_path: Path, fault: str) -> None:
    policy = ("wait", "resend")[[*FAULTS].index(fault) % 2]
    assert broken_after(due, tmp_path / "one", fault, (), policy) == []


@pytest.mark.parametrize("point", POINTS, ids=lambda point: f"{point[0].__name__}.{point[1]} {point[2]}")
@pytest.mark.parametrize("policy", ["wait", "resend"])
def test_the_promise_is_kept_after_a_kill_at_each_point(
    due: Path, tmp_path: Path, point: Point, policy: str
) -> None:
    assert broken_after(due, tmp_path / "one", "none", (point,), policy) == []


def test_the_promise_is_kept_after_two_kills_and_a_cut_after_the_dot(due: Path, tmp_path: Path) -> None:
    mark_committed, settled = POINTS[7], POINTS[8]
    assert broken_after(due, tmp_path / "one", "reset after dot", (mark_committed, settled), "resend") == []

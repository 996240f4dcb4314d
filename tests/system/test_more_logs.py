"""More logs of nasty structure than `make test` recounts: every zone, two seeds, both report dates."""

from pathlib import Path

import pytest

from tests.recount.test_recount import ZONES, recount_nasty_log


@pytest.mark.parametrize("has_previous", [True, False], ids=["previous stated", "previous inferred"])
@pytest.mark.parametrize(("seed", "zone"), [*enumerate(ZONES), *enumerate(ZONES, start=10)])
def test_logs_of_nasty_structure(tmp_path: Path, seed: int, zone: str, *, has_previous: bool) -> None:
    recount_nasty_log(tmp_path, seed, zone, has_previous=has_previous)

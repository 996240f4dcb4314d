"""Nights of a machine whose clock is set back and forth."""

import json
from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import pytest

from tests.audit.conftest import Tally
from tests.audit.faulty_calls import call_apart
from tests.audit.faulty_runs import (
    Night,
    answered,
    called_alone,
    copied,
    harms_of_ending,
    in_parallel,
)
from tests.orchestration.cli.test_run_send import FIRST_NIGHT
from tests.orchestration.simulated_scheduler import write_events
from tests.servers.mail_server import mail_server

pytestmark = pytest.mark.slow
_DAY = timedelta(days=1)
_LEAPS = (-30 * _DAY, -_DAY, timedelta(hours=-3), timedelta(minutes=10), timedelta(hours=20), _DAY, 40 * _DAY)
_NIGHTS = 3


@dataclass(frozen=True)
class Leaping:
    """Nights in a copy of the folder *due*, before which the clock leaps; *totals* are those without."""

    due: Path
    totals: dict[str, int]

    def __call__(self, number: int) -> str:
        """Return what is wrong after the leaps that follow from *number*, or nothing."""
        random, instants = Random(number), [FIRST_NIGHT]
        for _ in range(random.randint(2, 5)):
            instants.append(instants[-1] + random.choice(_LEAPS))
        with TemporaryDirectory() as name, mail_server() as server:
            night = copied(self.due, Path(name) / "night", server)
            found = [harm for instant in instants for harm in harms_of_run(night, instant)]
            found += pass_nights(night)
            if (totals := newest_totals(night)) != self.totals:
                found.append(f"totals {totals}")
            sent = Counter((each.recipient, each.content) for each in server.received)
            found += [f"{recipient} was sent the same twice" for (recipient, _), n in sent.items() if n > 1]
        return "; ".join(found)


def harms_of_run(night: Night, instant: datetime) -> list[str]:
    """Do what is due at *instant*; return what is wrong then."""
    done = call_apart(partial(night.run, instant))
    return harms_of_ending(done, may_die=False) + answered(night.harms)


def pass_nights(night: Night) -> list[str]:
    """Let nights pass, each with the events of its day; return what goes wrong."""
    found = []
    for count in range(_NIGHTS):
        now = FIRST_NIGHT + count * _DAY
        write_events(night.folder, now.date(), 1, f"{count}.csv", per_day=7)
        found += harms_of_run(night, now)
    return found


def newest_totals(night: Night) -> dict[str, int]:
    """Return the total of the newest version of each report date that has come."""
    last = (FIRST_NIGHT + (_NIGHTS - 1) * _DAY).date()
    return {
        folder.name: json.loads((max(folder.glob("v*")) / "report.json").read_text())["total"]
        for folder in sorted((night.folder / "out" / "acme" / "yesterday").glob("2026-*"))
        if FIRST_NIGHT.date() <= date.fromisoformat(folder.name) <= last
    }


def undisturbed(due: Path) -> dict[str, int]:
    """Return the totals of nights in a copy of *due* whose clock goes on."""
    with TemporaryDirectory() as name, mail_server() as server:
        night = copied(due, Path(name) / "night", server)
        assert pass_nights(night) == []
        return newest_totals(night)


def test_nights_survive_a_clock_that_leaps(due: Path, tally: Tally) -> None:
    totals = called_alone(undisturbed, due)
    assert len(totals) == _NIGHTS
    tally("the clock of a machine is set back and forth", in_parallel(Leaping(due, totals), range(8)))

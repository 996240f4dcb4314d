"""Runs at once on one lake and one archive, with a backfill beside: each ends well, and the result is right."""

import json
import os
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from random import Random

import pytest

from tests.audit.conftest import Tally
from tests.audit.faulty_calls import call_apart
from tests.audit.faulty_runs import (
    Files,
    Night,
    answered,
    called_alone,
    differences,
    harms_of_ending,
    in_parallel,
    newest,
)
from tests.audit.faulty_servers import NO_SERVER_FAULT
from tests.audit.places import Place
from tests.orchestration.command_line import CommandLine, Finished
from tests.orchestration.simulated_scheduler import write_events

_RUN = ("run", "--report-date", "2026-06-15", "--preset", "yesterday", "--preset", "last_14_days")
_BACKFILL = ("run", "--report-date", "2026-06-14", "--preset", "yesterday", "--reload")
_AT_ONCE = (_RUN, _RUN, _BACKFILL)
_MAX_PAUSE = 0.4  # seconds
_MEETINGS = 6


@dataclass(frozen=True)
class Meeting:
    """Starts two runs and a backfill in a copy of the folder *due*; one after the other they leave *files*."""

    due: Path
    place: Place
    files: Files

    def __call__(self, number: int) -> str:
        """Return what goes wrong in meeting *number*, whose pauses no other has, or nothing."""
        random = Random(number)
        with (
            self.place.night(self.due, NO_SERVER_FAULT) as (behind_proxy, _),
            ThreadPoolExecutor(len(_AT_ONCE)) as pool,
        ):
            night = self.place.healed(behind_proxy)
            add_days(night)
            if number % 2:
                (night.folder / "state.sqlite").unlink(missing_ok=True)
            pauses = [random.uniform(0, _MAX_PAUSE) for _ in _AT_ONCE]
            ended = list(pool.map(partial(call, night), _AT_ONCE, pauses))
            found = [each for done in ended for each in harms_of_ending(done, may_die=False)]
            left = call_apart(partial(after, night))
            found += answered(night.harms)
            # A backfill that comes first knows fewer days of the new lake: its report has one version more.
            is_whole = isinstance(left, dict)
            found += differences(newest(left), newest(self.files)) if is_whole else [str(left)]
        return "; ".join(found)


def add_days(night: Night) -> None:
    """Let the inbox have three weeks, so that loads and builds take their time."""
    path, first = night.folder / "reports.yaml", date(2026, 5, 25)
    config = json.loads(path.read_text())
    config["workspaces"][0]["first_day"] = str(first)
    path.write_text(json.dumps(config))
    write_events(night.folder, first, 22)


def call(night: Night, command: tuple[str, ...], pause: float) -> Finished:
    time.sleep(pause)
    of_store = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
    return CommandLine(night.folder).call_process(*command, **of_store)


def after(night: Night) -> Files:
    """Run both again, one after the other, and return the files."""
    for command in (_RUN, _BACKFILL[:-1]):
        CommandLine(night.folder).call(*command)
    return night.files()


def one_after_the_other(due: Path, place: Place) -> Files:
    """Return the files of the runs in a copy of *due*, one after the other."""
    with place.night(due, NO_SERVER_FAULT) as (night, _):
        add_days(night)
        return after(night)


@pytest.mark.parametrize(
    ("drive", "place"),
    [
        ("two runs and a backfill at once on a new lake", "folder"),
        pytest.param("two runs and a backfill at once on PostgreSQL", "postgres", marks=pytest.mark.slow),
        pytest.param(
            "two runs and a backfill at once on an object store", "object_store", marks=pytest.mark.slow
        ),
    ],
    indirect=["place"],
)
def test_runs_at_once_make_what_they_make_one_after_the_other(
    drive: str, place: Place, due: Path, tally: Tally
) -> None:
    files = called_alone(one_after_the_other, due, place)
    tally(drive, in_parallel(Meeting(due, place, files), range(_MEETINGS)))

"""The n-th question of a night to PostgreSQL or to an object store is cut, refused or answered with an error."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.audit.conftest import Tally
from tests.audit.faulty_calls import NEVER, Fault, call_apart, call_with_fault, is_supported
from tests.audit.faulty_runs import Files, called_alone, in_parallel, newest, require_undisturbed
from tests.audit.faulty_servers import NO_SERVER_FAULT, Harm, ServerFault
from tests.audit.places import Place

pytestmark = pytest.mark.slow
_MAX_FAULTS = 25
_MAX_KILLS = 12


@dataclass(frozen=True)
class Survival:
    """Tries a fault in a copy of the folder *due*; *files* are those of a run without any."""

    due: Path
    place: Place
    files: Files

    def __call__(self, fault: ServerFault | Fault) -> str:
        """Return the harm that *fault*, of the server or of the process, does to a run, or nothing."""
        of_server, of_process = (fault, None) if isinstance(fault, ServerFault) else (NO_SERVER_FAULT, fault)
        with self.place.night(self.due, of_server) as (night, _):
            ended = call_with_fault(night.run, night.folder, of_process)
            healed = self.place.healed(night)
            found = healed.harms_after(ended.value, may_die=of_process is not None)
            found += healed.harms_of_next(self.files, newest if of_process else dict)
        return "; ".join(each for each in found if not each.endswith(self.place.left_by_killed))


@pytest.mark.parametrize(
    ("drive", "place", "harms"),
    [
        (
            "the n-th statement of a night to PostgreSQL fails",
            "postgres",
            (Harm.CUT_BEFORE, Harm.CUT_AFTER, Harm.ENDED, Harm.GONE),
        ),
        (
            "the n-th request of a night to an object store fails",
            "object_store",
            (Harm.CUT_AFTER, Harm.BROKEN, Harm.SLOW_DOWN),
        ),
    ],
    indirect=["place"],
)
def test_a_night_survives_faults_of_its_server(
    drive: str, place: Place, harms: tuple[Harm, ...], due: Path, tally: Tally
) -> None:
    count, files = called_alone(undisturbed, due, place, None)
    numbers = range(1, count + 1, count * len(harms) // _MAX_FAULTS)
    faults = [ServerFault(number + place, harm) for number in numbers for place, harm in enumerate(harms)]
    tally(drive, in_parallel(Survival(due, place, files), faults))


@pytest.mark.parametrize(
    ("drive", "place"),
    [
        ("a night on PostgreSQL is killed at its n-th message", "postgres"),
        ("a night on an object store is killed at its n-th message", "object_store"),
    ],
    indirect=["place"],
)
@pytest.mark.skipif(not is_supported(), reason="this kernel asks nobody about calls")
def test_a_night_survives_being_killed_while_it_asks(
    drive: str, place: Place, due: Path, tally: Tally
) -> None:
    count, files = called_alone(undisturbed, due, place, Fault(NEVER, kind="sends"))
    faults = [Fault(number, kind="sends") for number in range(1, count + 1, count // _MAX_KILLS)]
    tally(drive, in_parallel(Survival(due, place, files), faults))


def undisturbed(due: Path, place: Place, never: Fault | None) -> tuple[int, Files]:
    """Return how many messages of a run the server got, or *never* could have hit, and the files of the run."""
    with place.night(due, NO_SERVER_FAULT) as (night, between):
        ended = call_with_fault(night.run, night.folder, never)
        require_undisturbed(night, ended.value)
        return len(ended.calls) if never else between.count, call_apart(night.files)

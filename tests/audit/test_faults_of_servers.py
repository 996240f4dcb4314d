"""The n-th question of a night to PostgreSQL or to an object store is cut, refused or answered with an error."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.audit.conftest import Tally
from tests.audit.faulty_calls import call_apart
from tests.audit.faulty_runs import in_parallel, require_undisturbed
from tests.audit.faulty_servers import NO_SERVER_FAULT, Harm, ServerFault
from tests.audit.places import Place

pytestmark = pytest.mark.slow
_MAX_FAULTS = 32
_CUTS = (Harm.CUT_BEFORE, Harm.CUT_AFTER, Harm.GONE)


@dataclass(frozen=True)
class Survival:
    """Tries a fault in a copy of the folder *due*; *files* are those of a run without any."""

    due: Path
    place: Place
    files: dict[str, bytes]

    def __call__(self, fault: ServerFault) -> str:
        """Return the harm that *fault* does, or nothing."""
        with self.place.night(self.due, fault) as (night, _):
            done = call_apart(night.run)
            healed = self.place.healed(night)
            found = healed.harms_after(done, may_die=False) + healed.harms_of_next(self.files)
        return "; ".join(found)


@pytest.mark.parametrize(
    ("drive", "place", "harms"),
    [
        ("the n-th statement of a night to PostgreSQL fails", "postgres", (*_CUTS, Harm.ENDED)),
        (
            "the n-th request of a night to an object store fails",
            "object_store",
            (*_CUTS, Harm.BROKEN, Harm.SLOW_DOWN),
        ),
    ],
    indirect=["place"],
)
def test_a_night_survives_faults_of_its_server(
    drive: str, place: Place, harms: tuple[Harm, ...], due: Path, tally: Tally
) -> None:
    with place.night(due, NO_SERVER_FAULT) as (night, between):
        require_undisturbed(night, call_apart(night.run))
        count, files = between.count, call_apart(night.files)
    numbers = range(1, count + 1, count * len(harms) // _MAX_FAULTS)
    faults = [ServerFault(number + place, harm) for number in numbers for place, harm in enumerate(harms)]
    tally(drive, in_parallel(Survival(due, place, files), faults))

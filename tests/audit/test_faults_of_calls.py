"""The n-th write or read of a night fails, for every n, whether Python, DuckDB, Arrow or SQLite asks for it.

Of a run of writes to one file, the first and the last are tried. The drives that take longest try a part of them.
"""

import errno
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.audit.conftest import Tally
from tests.audit.faulty_calls import NEVER, Fault, call_apart, call_with_fault, is_supported
from tests.audit.faulty_runs import Files, called_alone, copied, in_parallel, newest, require_undisturbed
from tests.servers.mail_server import mail_server

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not is_supported(), reason="this kernel asks nobody about calls"),
]


@dataclass(frozen=True)
class Survival:
    """Tries a fault in a copy of the folder *due*; *files* are those of a run without any."""

    due: Path
    files: Files

    def __call__(self, fault: Fault) -> str:
        """Return the harm that *fault* does, or nothing.

        Where an event file could not be read, the report is provisional, and the next run makes a version.
        """
        with TemporaryDirectory() as name, mail_server() as server:
            night = copied(self.due, Path(name) / "night", server)
            ended = call_with_fault(night.run, night.folder, fault)
            hit = ended.calls[fault.number - 1 : fault.number]
            seen_as = newest if hit and "events/" in hit[0] and fault.kind == "reads" else dict
            found = night.harms_after(ended.value, may_die=not fault.error)
            found += night.harms_of_next(self.files, seen_as)
        return f"{hit}: {'; '.join(found)}" if found else ""


def chosen(calls: Sequence[str]) -> list[int]:
    """Return the number of each of *calls*, but of those between two others like it."""
    inner = {n for n in range(1, len(calls) - 1) if calls[n - 1] == calls[n] == calls[n + 1]}
    return [n + 1 for n in range(len(calls)) if n not in inner]


@pytest.mark.parametrize(
    ("drive", "fault", "every"),
    [
        ("the n-th write of a night fails", Fault(NEVER, errno.EIO), 1),
        ("a night is killed at its n-th write", Fault(NEVER), 3),
        ("the disk of a night is full from the n-th write on", Fault(NEVER, errno.ENOSPC, lasts=True), 5),
        ("the disk of a night is read-only from the n-th write on", Fault(NEVER, errno.EROFS, lasts=True), 5),
        ("the n-th read of a night fails", Fault(NEVER, errno.EIO, kind="reads"), 2),
    ],
)
def test_a_night_survives_a_fault_of_any_call(
    drive: str, fault: Fault, every: int, due: Path, tally: Tally
) -> None:
    calls, files = called_alone(undisturbed, due, fault)
    faults = [replace(fault, number=number) for number in chosen(calls)[::every]]
    tally(drive, in_parallel(Survival(due, files), faults))


def undisturbed(due: Path, never: Fault) -> tuple[list[str], Files]:
    """Return the calls and the files of a run in a copy of *due*, to which *never* happens."""
    with TemporaryDirectory() as name, mail_server() as server:
        night = copied(due, Path(name) / "night", server)
        ended = call_with_fault(night.run, night.folder, never)
        require_undisturbed(night, ended.value)
        return ended.calls, call_apart(night.files)

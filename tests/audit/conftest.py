"""The drives of `make audit`: each tries many attacks or faults of a kind, and tells how many did no harm.

A test that is marked `slow` is left to `make audit`; the others are in `make test-system` too. One that is marked
`alone` has limits of time, and runs without others beside it. With `--audit-figures FILE` the figures are added
to those in the file, from where docs/reliability.md quotes them.
"""

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.audit.faulty_runs import called_alone, make_due
from tests.audit.places import InObjectStore, Place, begin_in_postgres

Tally = Callable[[str, Mapping[str, str]], None]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--audit-figures", type=Path, help="write how many attacks of each drive did no harm")


@pytest.fixture(scope="session")
def due(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which a night is due, and nothing is loaded yet."""
    return called_alone(make_due, tmp_path_factory.mktemp("due") / "night")


@pytest.fixture(scope="session")
def place(due: Path, request: pytest.FixtureRequest) -> Place:
    """Where a night is stored: in a folder, in PostgreSQL, or in an object store."""
    if request.param == "postgres":
        return called_alone(begin_in_postgres, request.getfixturevalue("postgres").port, due)
    if request.param == "object_store":
        request.getfixturevalue("object_store")
        port = int(os.environ["AWS_ENDPOINT_URL"].rpartition(":")[2])
        environment = tuple(item for item in os.environ.items() if item[0].startswith("AWS_"))
        return InObjectStore(port, "", ": manifest.json is missing", environment)
    return Place()


@pytest.fixture
def tally(record_property: Callable[[str, object], None]) -> Tally:
    """Record a drive's outcomes, the harm of each attack or "" for none, and fail naming those that did harm."""

    def tally(drive: str, outcomes: Mapping[str, str]) -> None:
        harms = {attack: harm for attack, harm in outcomes.items() if harm}
        record_property(drive, {"harmless": len(outcomes) - len(harms), "attacks": len(outcomes)})
        assert outcomes, drive
        assert not harms, drive

    return tally


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the figures of all drives, in the order of their names."""
    reports = [each for kind in ("passed", "failed") for each in terminalreporter.getreports(kind)]
    figures = dict(sorted(pair for each in reports for pair in each.user_properties))
    for drive, each in figures.items():
        terminalreporter.write_line(f"{each['harmless']:>7,} of {each['attacks']:>6,}  {drive}")
    if file := config.getoption("audit_figures", None):
        before = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
        file.write_text(
            json.dumps(dict(sorted((before | figures).items())), indent=1) + "\n", encoding="utf-8"
        )

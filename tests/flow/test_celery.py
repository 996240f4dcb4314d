"""What fails on Celery workers, PostgreSQL and an object store changes no byte of any report."""

import signal
import subprocess
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import func, select

from assets.config_file import load_config
from assets.deliver.archive import MANIFEST
from assets.deliver.catalogue import Catalogue
from assets.warehouse.schema import ASSIGNMENT_LOG
from assets.warehouse.warehouse import open_warehouse
from orchestration.flow import Order, run
from tests.flow.farm import DATES, REPORTS, Farm, configuration, started
from tests.flow.services import BIN, kill, until

_FAULTS = 4
PLAIN = {"formats": ["csv"], "components": ["metric", "log"]}


@pytest.fixture(scope="module")
def farm(object_store: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Farm]:
    with started(tmp_path_factory.mktemp("farm"), object_store, **PLAIN) as found:
        yield found


def archived(root: Path) -> dict[str, dict[str, bytes]]:
    """Return the files of every version; one whose process was killed may have no manifest."""
    found: dict[str, dict[str, bytes]] = defaultdict(dict)
    for path in root.glob("*/*/*/v*/*"):
        if path.suffix and path.is_file():
            found[str(path.parent)[len(str(root)) + 1 :]][path.name] = path.read_bytes()
    return found


@pytest.mark.slow
@pytest.mark.deployment
def test_a_killed_worker_and_restarted_servers_change_no_byte(
    farm: Farm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = farm.environment["ASSIGNMENT_REPORTS_CONFIG"]
    said = subprocess.run(
        [str(BIN / "assignment-reports"), "doctor", "--config", config],
        env=farm.environment | {"COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert f"127.0.0.1:{farm.redis.port}/0 answers" in said
    first, second = farm.worker("first"), farm.worker("second")
    slugs = [each.slug for each in farm.config.workspaces]
    launched: set[str] = set()
    for slug in slugs:
        farm.launch(slug, "loads")
    until(lambda: len(farm.done("loads")) >= 3, 180, "the first loads")
    kill(first)
    farm.worker("third")
    until(lambda: farm.run_reports(2, launched), 180, "the first reports")
    farm.redis.stop()
    farm.redis.start()
    until(lambda: farm.run_reports(6, launched), 180, "reports by the broker that was started again")
    until(lambda: farm.run_reports(6, launched) and farm.states()["STARTED"] == 2, 180, "both to be busy")
    kill(second, signal.SIGSTOP)
    until(
        lambda: "no worker has it" in farm.failures(), 120, "the worker that does not answer to be given up"
    )
    kill(second, signal.SIGCONT)  # it goes on where it was
    until(lambda: farm.run_reports(12, launched), 180, "reports beside the one that came back")
    farm.postgres.restart()
    until(lambda: farm.run_reports(len(slugs), launched), 400, f"all workspaces: {farm.states()}")

    alone = load_config(
        configuration(
            tmp_path, farm.postgres, PLAIN, lake=str(tmp_path / "lake"), archive=str(tmp_path / "out")
        )
    )
    monkeypatch.setattr("orchestration.flow.cpu_count", lambda: 1)  # 60 times another process
    ours = archived(farm.config.archive)
    torn = [version for version, files in ours.items() if MANIFEST not in files]
    for version in torn:  # its number is taken
        del ours[version]
        (alone.archive / version).mkdir(parents=True)
    now = datetime.now(UTC)
    catalogue = Catalogue(alone.state)
    for workspace in alone.workspaces:
        specs = tuple(spec for spec in workspace.all_reports if spec.name in REPORTS)
        for day in DATES:
            run(Order(workspace, specs, day, now), alone, catalogue, lambda _: None)
    theirs = archived(alone.archive)
    assert sorted(version.rpartition("/")[0] for version in theirs) == sorted(
        f"{slug}/{report}/{day}" for slug in slugs for report in REPORTS for day in DATES
    )
    suffixes = {Path(name).suffix for files in theirs.values() for name in files}
    assert suffixes == {".csv", ".html", ".json", ".parquet", ".pdf", ".xlsx"}
    assert ours.keys() == theirs.keys()
    assert [version for version in theirs if ours[version] != theirs[version]] == []
    assert len(torn) <= _FAULTS
    for slug in slugs:
        counted = (
            select(func.count()).select_from(ASSIGNMENT_LOG).where(ASSIGNMENT_LOG.c.local_day.in_(DATES))
        )
        both = [open_warehouse(each, slug).query(counted) for each in (farm.config, alone)]
        assert both[0].equals(both[1])

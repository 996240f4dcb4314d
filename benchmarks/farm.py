"""What a run costs on Celery workers, and how much faster two of them are. `python -m benchmarks.farm`.

All servers run on this machine too: two workers on two cores share them with PostgreSQL, the object store,
webserver and daemon.
"""

import json
import statistics
import tempfile
import time
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import psycopg

from orchestration.automation.runs import QUEUE_TAG
from tests.conftest import stored_objects
from tests.system.celery_deployment import (
    DATES,
    FIRST_DAY,
    REPORTS,
    WORKSPACES,
    CeleryDeployment,
    celery_deployment,
)
from tests.waiting import until

FIGURES = Path("docs/farm.json")


def main() -> None:
    """Load all workspaces and make their reports of one date with one worker, then of another with two."""
    with (
        tempfile.TemporaryDirectory(prefix="farm-") as folder,
        stored_objects() as store,
        celery_deployment(Path(folder), store, limits={"runs": 4, "per_workspace": 1}) as farm,
    ):
        slugs = [each.slug for each in farm.config.workspaces]
        farm.worker("first")
        said: dict[str, Any] = {"loads, one worker": _wave(farm, slugs, "loads", FIRST_DAY, DATES[-1])}
        said["reports, one worker"] = _wave(farm, slugs, "reports", DATES[0], DATES[0])
        farm.worker("second")
        time.sleep(10)  # until it takes runs
        said["reports, two workers"] = _wave(farm, slugs, "reports", DATES[1], DATES[1])
        said["event log"] = _event_log(farm)
    one, two = said["reports, one worker"], said["reports, two workers"]
    said["two workers are faster by"] = round(one["seconds"] / two["seconds"], 2)
    said["start of a run"] = round(one["seconds"] / WORKSPACES - one["median seconds of a run"], 2)
    said["a small load"] = said["loads, one worker"]["median seconds of a run"]
    said["a report"] = round(one["median seconds of a run"] / len(REPORTS), 2)
    text = json.dumps(said, indent=1)
    FIGURES.write_text(text + "\n")
    print(text)


def _wave(farm: CeleryDeployment, slugs: list[str], queue: str, first: date, last: date) -> dict[str, float]:
    """Run each workspace once; say how long all took, a run waited to begin, and a run took."""
    before = {run.run_id for run in farm.instance.get_runs()}
    began = time.monotonic()
    for slug in slugs:
        farm.launch(slug, queue, first, last)

    def records() -> list[Any]:
        asked = dg.RunsFilter(tags={QUEUE_TAG: queue}, statuses=[dg.DagsterRunStatus.SUCCESS])
        found = farm.instance.get_run_records(asked)
        return [each for each in found if each.dagster_run.run_id not in before]

    until(lambda: len(records()) == WORKSPACES, f"{queue}: {farm.states()}", seconds=900)
    seconds = time.monotonic() - began
    took = [each.end_time - each.start_time for each in records() if each.end_time and each.start_time]
    return {"seconds": round(seconds, 1), "median seconds of a run": round(statistics.median(took), 2)}


def _event_log(farm: CeleryDeployment) -> dict[str, float]:
    """Return what a run leaves in Dagster's storage."""
    url = farm.environment["DAGSTER_POSTGRES_URL"].replace("+psycopg2", "")
    with psycopg.connect(url) as connection:
        (rows, octets), *_ = connection.execute(
            "SELECT count(*), pg_total_relation_size('event_logs') FROM event_logs"
        ).fetchall()
    runs = len(farm.instance.get_runs())
    return {"rows a run": round(rows / runs), "kilobytes a run": round(octets / runs / 1000)}


if __name__ == "__main__":
    main()

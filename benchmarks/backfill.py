"""Days as one Dagster run, on one machine's storage: `backfill.py CONFIG FIRST LAST [REPORTS_FROM]`.

With REPORTS_FROM, the days are loaded first, and the run that is measured makes all reports of each day from
there on.
"""

import json
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

import dagster as dg

from assets.config.loader import load_config
from orchestration.automation.runs import FLOW_ASSETS
from orchestration.definitions import build_definitions

RANGE = ("dagster/asset_partition_range_start", "dagster/asset_partition_range_end")


def main() -> None:
    """Run it, and print the seconds."""
    config_file, first, last, *since = sys.argv[1:]
    config = load_config(Path(config_file))
    job = build_definitions(config).resolve_implicit_global_asset_job_def()
    reports = [
        f"report/{spec.name}" for spec in config.workspaces[0].all_reports if not spec.preset.closed_unit
    ]

    def run(instance: dg.DagsterInstance, assets: list[str], *days: str) -> float:
        began = time.perf_counter()
        result = job.execute_in_process(
            instance=instance,
            tags=dict(zip(RANGE, days, strict=True)),
            asset_selection=[dg.AssetKey(["bench", *name.split("/")]) for name in assets],
        )
        if not result.success:
            sys.exit(1)
        return time.perf_counter() - began

    with tempfile.TemporaryDirectory() as folder:
        shutil.copy("dagster.yaml", folder)
        os.environ["DAGSTER_HOME"] = folder
        with dg.DagsterInstance.get() as instance:
            seconds = run(instance, list(FLOW_ASSETS), first, last)
            if since:
                seconds = run(instance, reports, since[0], last)
    print(json.dumps({"seconds": seconds}))


if __name__ == "__main__":
    main()

"""A year of the flow as one Dagster run, on one machine's storage: `backfill.py CONFIG FIRST LAST`."""

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
    config, *days = sys.argv[1:]
    definitions = build_definitions(load_config(Path(config)))
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy("dagster.yaml", folder)
        os.environ["DAGSTER_HOME"] = folder
        began = time.perf_counter()
        with dg.DagsterInstance.get() as instance:
            result = definitions.resolve_implicit_global_asset_job_def().execute_in_process(
                instance=instance,
                tags=dict(zip(RANGE, days, strict=True)),
                asset_selection=[dg.AssetKey(["bench", name]) for name in FLOW_ASSETS],
            )
        seconds = time.perf_counter() - began
    print(json.dumps({"seconds": seconds}))
    sys.exit(not result.success)


if __name__ == "__main__":
    main()

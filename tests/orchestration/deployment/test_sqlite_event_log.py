"""The event log of one machine is Dagster's own, whoever opens its files."""

import shutil
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.instance.ref import InstanceRef

from orchestration.deployment.sqlite_event_log import OpenEventFiles
from tests.system.dagster_services import ROOT

RUNS = 6  # more than the files that stay open
DAYS = dg.StaticPartitionsDefinition(["a", "b", "c"])


@dg.asset(partitions_def=DAYS)
def counted(context: dg.AssetExecutionContext) -> None:
    assert context.partition_keys


@pytest.fixture
def instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dg.DagsterInstance:
    shutil.copy(ROOT / "dagster.yaml", tmp_path)
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    return dg.DagsterInstance.get()


def materialize(instance: dg.DagsterInstance) -> str:
    job = dg.Definitions([counted]).resolve_implicit_global_asset_job_def()
    tags = {"dagster/asset_partition_range_start": "a", "dagster/asset_partition_range_end": "c"}
    return job.execute_in_process(instance=instance, tags=tags).run_id


def seen(instance: dg.DagsterInstance, runs: list[str]) -> list[list[str]]:
    return [[entry.message for entry in instance.all_logs(run)] for run in runs]


def test_dagsters_own_storage_reads_what_was_kept(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    with instance:
        assert isinstance(instance.event_log_storage, OpenEventFiles)
        runs = [materialize(instance) for _ in range(RUNS)]
        kept = seen(instance, runs)
        counts = instance.get_materialized_partitions(dg.AssetKey("counted"))
    (tmp_path / "dagster.yaml").unlink()
    with dg.DagsterInstance.from_ref(InstanceRef.from_dir(str(tmp_path))) as own:
        assert not isinstance(own.event_log_storage, OpenEventFiles)
        assert seen(own, runs) == kept
        assert own.get_materialized_partitions(dg.AssetKey("counted")) == counts == set("abc")


def test_a_file_that_another_process_has_removed_is_begun_anew(instance: dg.DagsterInstance) -> None:
    with instance:
        run = materialize(instance)
        storage = instance.event_log_storage
        assert isinstance(storage, OpenEventFiles)
        for file in Path(storage.path_for_shard(run)).parent.glob(f"{run}.db*"):
            file.unlink()
        assert seen(instance, [run]) == [[]]
        instance.delete_run(run)
        assert seen(instance, [materialize(instance)])[0]

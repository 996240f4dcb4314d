"""The Celery worker: executes each run in its own process, forked from one with all imports done.

The process reads the configuration again, with only the workspaces of its run, and ends with it.
"""

import os
from importlib import import_module
from importlib.util import find_spec
from typing import Any, cast

from dagster import DagsterInstance, DagsterRunStatus
from dagster._cli.api import _execute_run_command_body
from dagster._core.execution.run_cancellation_thread import start_run_cancellation_thread
from dagster._grpc.types import ExecuteRunArgs
from dagster._serdes import unpack_value
from dagster._utils.interrupts import capture_interrupts
from dagster_celery.config import TASK_EXECUTE_JOB_NAME
from dagster_celery.make_app import make_app

from assets.config.base import resolve_secret
from assets.config.deployment import Config
from orchestration.code_locations import ONLY, only_of

_PRELOADED = (
    "adbc_driver_postgresql.dbapi",
    "dagster_postgres",
    "matplotlib.figure",
    "pandas",
    "weasyprint",
    "assets.aggregates.defs",
    "assets.archive.defs",
    "assets.extract.defs",
    "assets.render.charts.figures",
    "assets.render.pdf.document",
    "assets.render.xlsx",
    "assets.warehouse.object_store_lake",
    "orchestration.automation.delivery_sensor",
    "orchestration.automation.maintenance",
    "orchestration.automation.schedules",
    "orchestration.automation.due_sensor",
)
_OPTIONAL = ("s3fs",)
SETTINGS = {
    "worker_prefetch_multiplier": 1,
    "task_acks_late": True,
    "worker_cancel_long_running_tasks_on_connection_loss": False,
    "worker_max_tasks_per_child": 1,
    "broker_connection_retry_on_startup": True,
    "task_ignore_result": True,
    "worker_redirect_stdouts": False,
}
"""Celery settings of worker and launcher: no prefetching behind a long run, and no results."""


def run_worker(config: Config, queues: tuple[str, ...], processes: int, name: str) -> None:
    """Execute runs of *queues* in at most *processes* processes, until a signal ends the worker.

    Raises ConfigError if the configuration has no broker.
    """
    app: Any = cast("Any", make_app)(
        {
            "broker": resolve_secret(config.celery_broker),
            "backend": "disabled",
            "config_source": SETTINGS,
            "include": [],
        }
    )

    @app.task(name=TASK_EXECUTE_JOB_NAME)  # type: ignore[untyped-decorator]
    def execute(execute_job_args_packed: Any) -> None:
        _execute_run(unpack_value(execute_job_args_packed, as_type=ExecuteRunArgs).run_id)

    _import_all()
    options = ("-Q", ",".join(queues), "-c", str(processes), "-n", name, "--loglevel", "warning")
    app.worker_main(["worker", *options, "--without-gossip", "--without-mingle"])


def _execute_run(run_id: str) -> None:
    """Execute a run until it ends, is cancelled, or is failed by the health check.

    A broker may deliver a task again; the run is executed once.
    """
    with capture_interrupts(), DagsterInstance.get() as instance:
        run = instance.get_run_by_id(run_id)
        if run is None or run.status not in {DagsterRunStatus.NOT_STARTED, DagsterRunStatus.STARTING}:
            return
        os.environ[ONLY] = only_of(run.asset_selection)
        _, is_over = start_run_cancellation_thread(instance, run_id)
        try:
            _execute_run_command_body(run_id, instance, lambda _: None, set_exit_code_on_failure=False)
        finally:
            is_over.set()


def _import_all() -> None:
    """Import the modules that runs need, except the definitions, which depend on the run."""
    for name in (*_PRELOADED, *filter(find_spec, _OPTIONAL)):
        import_module(name)

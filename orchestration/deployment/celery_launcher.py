"""Dagster's Celery launcher, extended with health checks of runs and with cancellation.

A run is one Celery task. Celery forgets the tasks of a worker that died, or that its broker lost. The
launcher therefore asks the workers: a run that none of them has, in three checks in a row, has died. Dagster
then fails and retries it; if its process still runs, its cancellation thread ends it.
"""

import time
from collections import Counter
from typing import Any

from dagster import DagsterRun
from dagster._core.launcher import CheckRunHealthResult, WorkerStatus

from assets.runtime.extras import MissingExtraError

try:
    from dagster_celery.launcher import CeleryRunLauncher
    from dagster_celery.tags import DAGSTER_CELERY_TASK_ID_TAG
except ModuleNotFoundError as error:
    raise MissingExtraError("celery", "dagster.yaml: run_launcher") from error

_MAX_SILENT_CHECKS = 3
_ANSWER_SECONDS = 2
_FRESH_SECONDS = 5


class Launcher(CeleryRunLauncher):
    """Starts each run as a Celery task, and checks which runs the workers have."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._looked_at = 0.0
        self._held: frozenset[str] = frozenset()
        self._silent: Counter[str] = Counter()  # consecutive checks that found no worker, by run

    def terminate(self, run_id: str) -> bool:
        """Cancel a run: its process ends itself, and a task that no worker has started is revoked."""
        run = self._instance.get_run_by_id(run_id)
        if run is None or run.is_finished:
            return False
        self._instance.report_run_canceling(run)
        if task := run.tags.get(DAGSTER_CELERY_TASK_ID_TAG):
            self.celery.control.revoke(task)
        return True

    def check_run_worker_health(self, run: DagsterRun) -> CheckRunHealthResult:
        """Tell whether a worker reports that it has *run*."""
        if run.tags.get(DAGSTER_CELERY_TASK_ID_TAG) in self._worker_tasks():
            self._silent.pop(run.run_id, None)
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        self._silent[run.run_id] += 1
        if self._silent[run.run_id] < _MAX_SILENT_CHECKS:
            return CheckRunHealthResult(WorkerStatus.RUNNING, "no worker answered that it has it")
        return CheckRunHealthResult(WorkerStatus.FAILED, "no worker has it: its worker has died")

    def get_run_worker_debug_info(
        self,
        run: DagsterRun,
        include_container_logs: bool | None = True,  # noqa: ARG002, FBT001, FBT002 - Dagster's
    ) -> str | None:
        """Return the Celery task of *run*; the workers' own logs have the rest."""
        return f"Celery task {run.tags.get(DAGSTER_CELERY_TASK_ID_TAG)}"

    def _worker_tasks(self) -> frozenset[str]:
        """Return the task ids that the workers have, cached for the checks of all runs."""
        if time.monotonic() - self._looked_at > _FRESH_SECONDS:
            workers = self.celery.control.inspect(timeout=_ANSWER_SECONDS)
            answers = [workers.active() or {}, workers.reserved() or {}]
            self._held = frozenset(
                task["id"] for answer in answers for tasks in answer.values() for task in tasks
            )
            self._looked_at = time.monotonic()
        return self._held

"""Dagster's own launcher, which runs are processes of the code server, extended with health checks of runs.

A run that was killed together with its code server would count as running until `max_runtime_seconds`, and
keep others from its work. The launcher therefore asks the code server: a run that it does not have, in three
checks in a row, has died. Dagster then fails and retries it.
"""

from collections import Counter
from typing import Any

from dagster import DagsterRun
from dagster._core.errors import DagsterUserCodeUnreachableError
from dagster._core.launcher import CheckRunHealthResult, DefaultRunLauncher, WorkerStatus
from dagster._grpc.types import CanCancelExecutionRequest, CanCancelExecutionResult
from dagster._serdes import deserialize_value

_MAX_MISSED_CHECKS = 3


class Launcher(DefaultRunLauncher):
    """Starts each run in its code server, and checks that the code server still has it."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._missed: Counter[str] = Counter()  # consecutive checks in which the server did not have the run

    @property
    def supports_check_run_worker_health(self) -> bool:
        """Tell Dagster to check its runs."""
        return True

    def check_run_worker_health(self, run: DagsterRun) -> CheckRunHealthResult:
        """Tell whether the code server that started *run* still has it."""
        if self._is_held(run):
            self._missed.pop(run.run_id, None)
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        self._missed[run.run_id] += 1
        if self._missed[run.run_id] < _MAX_MISSED_CHECKS:
            return CheckRunHealthResult(WorkerStatus.RUNNING, "the code server does not have it")
        return CheckRunHealthResult(WorkerStatus.FAILED, "the code server does not have it: it was killed")

    def _is_held(self, run: DagsterRun) -> bool:
        """Return whether the code server has *run*; one that is restarted is asked again later.

        The code server of a daemon has a socket of its own, which no other one takes over.
        """
        client = self._get_grpc_client_for_termination(run.run_id)  # type: ignore[no-untyped-call]
        if client is None:
            return True
        try:
            answer = client.can_cancel_execution(CanCancelExecutionRequest(run_id=run.run_id))
        except DagsterUserCodeUnreachableError:
            return client.socket is None
        return deserialize_value(answer, CanCancelExecutionResult).can_cancel

"""Which runs Celery workers have: by a broker that runs, without any worker."""

from collections.abc import Iterator

import dagster as dg
import pytest
from dagster._core.launcher import WorkerStatus
from dagster._core.test_utils import create_run_for_test
from dagster_celery.tags import DAGSTER_CELERY_TASK_ID_TAG

from orchestration.deployment import celery_launcher
from orchestration.deployment.celery_launcher import Launcher
from tests.servers.redis import broker


@pytest.fixture(scope="module")
def launcher() -> Iterator[Launcher]:
    with broker() as redis, dg.DagsterInstance.ephemeral() as instance, pytest.MonkeyPatch.context() as patch:
        patch.setattr(celery_launcher, "_ANSWER_SECONDS", 0.1)
        launcher = Launcher(default_queue="loads", broker=redis.url, backend=redis.url)
        launcher.register_instance(instance)
        yield launcher


def begun_run(launcher: Launcher, task: str) -> dg.DagsterRun:
    tags = {DAGSTER_CELERY_TASK_ID_TAG: task}
    run: dg.DagsterRun = create_run_for_test(
        launcher._instance, status=dg.DagsterRunStatus.STARTED, tags=tags
    )
    return run


def test_a_run_that_no_worker_has_at_three_looks_has_failed(launcher: Launcher) -> None:
    run = begun_run(launcher, "lost")
    looks = [launcher.check_run_worker_health(run) for _ in range(3)]
    assert [look.status for look in looks] == [*[WorkerStatus.RUNNING] * 2, WorkerStatus.FAILED]
    assert looks[-1].msg == "no worker has it: its worker has died"


def test_a_worker_that_answers_again_makes_good_the_looks_without_it(
    launcher: Launcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = begun_run(launcher, "kept")
    for _ in range(2):
        for _ in range(2):
            assert launcher.check_run_worker_health(run).status is WorkerStatus.RUNNING
        with monkeypatch.context() as patch:
            patch.setattr(launcher, "_worker_tasks", lambda: frozenset({"kept"}))
            assert launcher.check_run_worker_health(run).msg is None


def test_a_run_that_is_to_end_is_canceling_and_one_that_has_ended_is_left_alone(launcher: Launcher) -> None:
    run = begun_run(launcher, "unwanted")
    assert launcher.terminate(run.run_id)
    canceled = launcher._instance.get_run_by_id(run.run_id)
    assert canceled
    assert canceled.status is dg.DagsterRunStatus.CANCELING
    launcher._instance.report_run_canceled(canceled)
    assert not launcher.terminate(run.run_id)

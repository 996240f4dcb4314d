"""What Dagster is told of a deployment is what Dagster takes, and each workspace is in one location."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml
from dagster._core.test_utils import create_run_for_test
from dagster_k8s import K8sRunLauncher
from dagster_k8s.container_context import K8sContainerContext
from dagster_k8s.job import construct_dagster_k8s_job, get_user_defined_k8s_config
from kubernetes.client import ApiClient
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from assets.config.deployment import Config
from assets.config.loader import load_config
from assets.errors import ConfigError
from orchestration import definitions
from orchestration.automation.runs import active_runs, run_tags
from orchestration.code_locations import ONLY, attribute_of, only_of, part_of
from orchestration.deployment.instance_files import instance_of, workspace_of, write_deployment
from tests.orchestration.simulated_scheduler import configure
from tests.servers.postgres import Postgres

POSTGRES = "postgresql+psycopg://reports:secret@db.example/state"


def config(folder: Path, count: int = 12, **deployment: Any) -> Config:
    configure(folder, *({"slug": f"w{number:02}"} for number in range(count)), **deployment)
    return load_config(folder / "reports.yaml")


def test_each_workspace_is_in_one_location_and_a_new_one_moves_no_other(tmp_path: Path) -> None:
    few, more = config(tmp_path, 40, locations=4), config(tmp_path, 60, locations=4)

    def homes(settings: Config) -> dict[str, list[int]]:
        parts = {number: part_of(settings, number) for number in range(1, 5)}
        return {
            each.slug: [number for number, part in parts.items() if each in part.workspaces]
            for each in settings.workspaces
        }

    assert all(len(found) == 1 for found in homes(more).values())
    assert {slug: homes(more)[slug] for slug in homes(few)} == homes(few)
    assert {number for (number,) in homes(more).values()} == {1, 2, 3, 4}


def test_a_location_has_the_assets_of_its_workspaces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = config(tmp_path, 5, locations=2)
    monkeypatch.setattr(definitions, "_config", settings)
    keys = []
    for number in (1, 2):
        found = getattr(definitions, attribute_of(number)).get_repository_def()
        keys += [key.to_user_string() for key in found.asset_graph.get_all_asset_keys()]
    assert len(keys) == len(set(keys)) == 5 * 13 + 2
    assert "retention" in keys
    with pytest.raises(AttributeError):
        _ = definitions.location_3


def test_the_process_of_a_run_has_its_workspaces_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = config(tmp_path, locations=3)
    keys = [dg.AssetKey(["w03", "report", "today"]), dg.AssetKey(["w07", "assignment_log"])]
    monkeypatch.setenv(ONLY, only_of(keys))
    for number in (1, 2, 3):
        assert [each.slug for each in part_of(settings, number).workspaces] == ["w03", "w07"]
    monkeypatch.setenv(ONLY, only_of([*keys, dg.AssetKey("retention")]))
    assert sum(len(part_of(settings, number).workspaces) for number in (1, 2, 3)) == 12


@pytest.fixture
def home(tmp_path: Path, postgres: Postgres, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write what Dagster is told of one machine, and make its database, of the test's name."""
    name = tmp_path.name
    postgres.run(f"CREATE DATABASE {name}")
    settings = config(tmp_path, limits={"runs": 6, "per_workspace": 2, "loads": 3, "reports": 5})
    write_deployment(settings, tmp_path / "home")
    url = postgres.url("postgres").rpartition("/")[0].replace("+psycopg", "+psycopg2")
    monkeypatch.setenv("DAGSTER_POSTGRES_URL", f"{url}/{name}")
    monkeypatch.setenv("DAGSTER_COMPUTE_LOGS", str(tmp_path / "logs"))
    return tmp_path / "home"


def test_dagster_takes_the_instance_of_one_machine(home: Path) -> None:
    with dg.DagsterInstance.from_config(str(home)) as instance:
        queue = instance.get_concurrency_config().run_queue_config
        assert queue
        assert queue.max_concurrent_runs == 6
        assert {
            (each["key"], str(each.get("value")), each["limit"]) for each in queue.tag_concurrency_limits
        } == {
            ("assignment_reports/workspace", "{'applyLimitPerUniqueValue': True}", 2),
            ("dagster-celery/queue", "loads", 3),
            ("dagster-celery/queue", "reports", 5),
        }
        assert instance.run_monitoring_enabled


def test_a_process_keeps_a_few_connections_and_makes_lost_ones_anew(home: Path, postgres: Postgres) -> None:
    for _ in range(12):  # as each tick does
        with dg.DagsterInstance.from_config(str(home)) as instance:
            assert instance.get_run_ids() == []
    with create_engine(postgres.url("postgres"), poolclass=NullPool).connect() as server:
        its = f"FROM pg_stat_activity WHERE datname = '{home.parent.name}'"
        assert server.scalar(text(f"SELECT count(*) {its}")) == 1
        server.execute(text(f"SELECT pg_terminate_backend(pid) {its}"))
        with dg.DagsterInstance.from_config(str(home)) as instance:
            assert instance.get_run_ids() == []


def test_the_runs_under_way_are_those_of_now(home: Path) -> None:
    with dg.DagsterInstance.from_config(str(home)) as instance:

        def begin(slug: str) -> dg.DagsterRun:
            asked = {dg.AssetKey([slug, "assignment_log"])}
            tags = {"dagster/partition": "2026-03-05"}
            status = dg.DagsterRunStatus.STARTED
            begun: dg.DagsterRun = create_run_for_test(
                instance, status=status, tags=tags, asset_selection=asked
            )
            return begun

        def seen() -> list[str]:
            return sorted(next(iter(run.assets)) for run in active_runs(instance))

        first = begin("acme")
        assert seen() == ["acme/assignment_log"]
        begin("beta")
        assert seen() == ["acme/assignment_log", "beta/assignment_log"]
        (found,) = (run for run in active_runs(instance) if "acme/assignment_log" in run.assets)
        assert found.loads("acme", [date(2026, 3, 5)])
        assert not found.loads("acme", [date(2026, 3, 6)])
        instance.report_run_canceled(first)
        assert seen() == ["beta/assignment_log"]


def test_a_broker_is_a_variable_or_told(tmp_path: Path) -> None:
    def launcher(broker: str) -> Any:
        settings = config(tmp_path, execution="celery", broker=broker, state=POSTGRES)
        return instance_of(settings)["run_launcher"]["config"]["broker"]

    assert launcher("${BROKER_URL}") == {"env": "BROKER_URL"}
    assert launcher("redis://127.0.0.1/0") == "redis://127.0.0.1/0"
    with pytest.raises(ConfigError, match="`broker` must be one variable"):
        launcher("redis://:${PASSWORD}@broker/0")
    with pytest.raises(ConfigError, match="or a URL without a password"):
        launcher("redis://:hunter2@broker/0")


@pytest.mark.parametrize(
    ("deployment", "said"),
    [
        ({"execution": "celery", "broker": "redis://b/0"}, "requires a `state` in PostgreSQL"),
        (
            {"execution": "celery", "state": POSTGRES},
            "`execution: celery` and `broker` are required together",
        ),
        ({"broker": "redis://b/0"}, "`execution: celery` and `broker` are required together"),
        ({"execution": "k8s"}, "requires a `state` in PostgreSQL"),
        ({"execution": "slurm"}, "must be 'local', 'celery' or 'k8s'"),
    ],
)
def test_what_cannot_work_is_refused(tmp_path: Path, deployment: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        config(tmp_path, **deployment)


def test_code_servers_have_a_port_each(tmp_path: Path) -> None:
    settings = config(tmp_path, locations=2)
    servers = [each["grpc_server"] for each in workspace_of(settings, "code.example:4000")["load_from"]]
    assert servers == [
        {"host": "code.example", "port": 4000, "location_name": "assignment_reports_1"},
        {"host": "code.example", "port": 4001, "location_name": "assignment_reports_2"},
    ]
    with pytest.raises(ConfigError, match="must be host:port"):
        workspace_of(settings, "code.example")


def test_kubernetes_takes_the_pods_of_the_values(tmp_path: Path) -> None:
    settings = config(tmp_path, execution="k8s", state=POSTGRES, locations=2, limits={"runs": 50})
    (path,) = write_deployment(settings, tmp_path, image="registry.example/reports:1.2")
    values = yaml.safe_load(path.read_text())
    deployments = values["dagster-user-deployments"]["deployments"]
    assert [each["name"] for each in deployments] == ["assignment-reports-1", "assignment-reports-2"]
    assert deployments[1]["dagsterApiGrpcArgs"][-1] == attribute_of(2)
    queue = values["dagsterDaemon"]["runCoordinator"]["config"]["queuedRunCoordinator"]
    assert queue["maxConcurrentRuns"] == 50
    assert queue["tagConcurrencyLimits"][0]["value"] == {"applyLimitPerUniqueValue": True}

    first = deployments[0]
    context = {
        "image_pull_policy": first["image"]["pullPolicy"],
        "env_secrets": [each["name"] for each in first["envSecrets"]],
        "env_vars": [f"{each['name']}={each['value']}" for each in first["env"]],
        "volumes": first["volumes"],
        "volume_mounts": first["volumeMounts"],
        "run_k8s_config": {
            "container_config": values["runLauncher"]["config"]["k8sRunLauncher"]["runK8sConfig"][
                "containerConfig"
            ],
            "job_spec_config": values["runLauncher"]["config"]["k8sRunLauncher"]["runK8sConfig"][
                "jobSpecConfig"
            ],
        },
    }
    (cluster_of_nobody := tmp_path / "kubeconfig").write_text(
        "{current-context: none, contexts: [{name: none, context: {cluster: none, user: none}}],"
        " clusters: [{name: none, cluster: {server: 'https://127.0.0.1'}}], users: [{name: none, user: {}}]}"
    )
    launcher = K8sRunLauncher(
        service_account_name="dagster",
        instance_config_map="dagster-instance",
        dagster_home="/opt/dagster/dagster_home",
        load_incluster_config=False,
        kubeconfig_file=str(cluster_of_nobody),
    )
    tags = {name: json.dumps(value) for name, value in run_tags("w03").items()}
    container = K8sContainerContext.create_from_config({"k8s": context}).merge(
        K8sContainerContext(run_k8s_config=get_user_defined_k8s_config(tags))
    )
    job = construct_dagster_k8s_job(
        container.get_k8s_job_config("registry.example/reports:1.2", launcher),
        ["dagster", "api", "execute_run"],
        "run-1",
        container.run_k8s_config,
    )
    pod = ApiClient().sanitize_for_serialization(job)["spec"]["template"]["spec"]["containers"][0]
    environment = {each["name"]: each["value"] for each in pod["env"] if "value" in each}
    assert environment[ONLY] == "w03"
    assert environment["ASSIGNMENT_REPORTS_CONFIG"].startswith(pod["volumeMounts"][-1]["mountPath"])


@pytest.mark.parametrize(
    ("image", "repository", "tag"),
    [
        ("reports", "reports", "latest"),
        ("registry.example/reports:1.2", "registry.example/reports", "1.2"),
        ("registry.example:5000/reports", "registry.example:5000/reports", "latest"),
        ("registry.example:5000/reports:1.2", "registry.example:5000/reports", "1.2"),
    ],
)
def test_an_image_is_named_as_docker_does(tmp_path: Path, image: str, repository: str, tag: str) -> None:
    settings = config(tmp_path, execution="k8s", state=POSTGRES)
    (path,) = write_deployment(settings, tmp_path, image=image)
    (first,) = yaml.safe_load(path.read_text())["dagster-user-deployments"]["deployments"]
    assert first["image"] == {"repository": repository, "tag": tag, "pullPolicy": "IfNotPresent"}

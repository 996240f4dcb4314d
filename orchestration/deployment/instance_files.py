"""Write Dagster's files of a deployment from the configuration: its instance and its code locations."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml
from pydantic import SecretStr

from assets.config.deployment import Config
from assets.errors import ConfigError
from assets.runtime.atomic_files import write_atomic
from assets.runtime.extras import require
from orchestration.automation.runs import QUEUE_TAG, WORKSPACE_TAG, Queue
from orchestration.code_locations import attribute_of, name_of
from orchestration.deployment.helm_values import values_of

_MODULE = "orchestration.definitions"
_HEADER = "# Written by `assignment-reports deployment`; change the configuration, and write it again.\n"


def write_deployment(
    config: Config, folder: Path, *, code_servers: str | None = None, image: str = "assignment-reports"
) -> list[Path]:
    """Write Dagster's files for *config* into *folder*, or for Kubernetes the values of its Helm chart.

    *code_servers* is the `host:port` of the first one (default: webserver and daemon start their own). Return
    the paths. Raises ConfigError.
    """
    instance = instance_of(config)
    files = (
        {"values.yaml": values_of(config, _MODULE, image, instance)}
        if config.execution == "k8s"
        else {"dagster.yaml": instance, "workspace.yaml": workspace_of(config, code_servers)}
    )
    for name, content in files.items():
        write_atomic(folder / name, (_HEADER + yaml.safe_dump(content, sort_keys=False, width=110)).encode())
    return [folder / name for name in files]


def workspace_of(config: Config, code_servers: str | None) -> dict[str, Any]:
    """Return the content of `workspace.yaml`: an entry for each code location."""
    return {
        "load_from": [_location_entry(config, number, code_servers) for number in _location_numbers(config)]
    }


def _location_numbers(config: Config) -> range:
    return range(1, config.locations + 1)


def _location_entry(config: Config, number: int, code_servers: str | None) -> dict[str, Any]:
    if code_servers is None:
        attribute = {} if config.locations == 1 else {"attribute": attribute_of(number)}
        module = {"module_name": _MODULE, **attribute, "location_name": name_of(number, config)}
        return {"python_module": module}
    host, colon, port = code_servers.rpartition(":")
    if not (colon and port.isdecimal()):
        raise ConfigError(f"--code-servers: must be host:port, such as 127.0.0.1:4000, got {code_servers!r}")
    server = {"host": host, "port": int(port) + number - 1, "location_name": name_of(number, config)}
    return {"grpc_server": server}


def instance_of(config: Config) -> dict[str, Any]:
    """Return the content of `dagster.yaml`: PostgreSQL storage, run limits, and the launcher."""
    instance: dict[str, Any] = {
        "storage": {
            "custom": {
                "module": "orchestration.deployment.postgres_storage",
                "class": "PooledStorage",
                "config": {"postgres_url": {"env": "DAGSTER_POSTGRES_URL"}},
            }
        },
        "telemetry": {"enabled": False},
        "nux": {"enabled": False},
        "run_coordinator": {
            "module": "dagster.core.run_coordinator",
            "class": "QueuedRunCoordinator",
            "config": {
                "max_concurrent_runs": config.limits.runs,
                "tag_concurrency_limits": _tag_limits(config),
                "dequeue_interval_seconds": 2,
                "dequeue_use_threads": True,
                "dequeue_num_workers": 8,
            },
        },
        "schedules": {"use_threads": True, "num_workers": 8},
        "sensors": {"use_threads": True, "num_workers": 8},
        "run_monitoring": {
            "enabled": True,
            "start_timeout_seconds": 180,
            "cancel_timeout_seconds": 60,
            "max_runtime_seconds": 7200,
            "poll_interval_seconds": 15,
            "cancellation_thread_poll_interval_seconds": 10,
        },
        "run_retries": {"enabled": True, "max_retries": 2, "retry_on_asset_or_op_failure": False},
        "retention": {
            "schedule": {"purge_after_days": 90},
            "sensor": {"purge_after_days": {"skipped": 7, "failure": 30, "success": 30}},
        },
    }
    return instance | _LAUNCHERS[config.execution](config)


def _tag_limits(config: Config) -> list[dict[str, Any]]:
    limits = config.limits
    per_workspace = {
        "key": WORKSPACE_TAG,
        "value": {"applyLimitPerUniqueValue": True},
        "limit": limits.per_workspace,
    }
    queues = {Queue.LOADS: limits.loads, Queue.REPORTS: limits.reports}
    return [
        per_workspace,
        *(
            {"key": QUEUE_TAG, "value": queue.value, "limit": limit}
            for queue, limit in queues.items()
            if limit
        ),
    ]


def _local_settings(_: Config) -> dict[str, Any]:
    """Return settings that store the output of runs: they are processes on the code server's machine."""
    config = {"base_dir": {"env": "DAGSTER_COMPUTE_LOGS"}}
    return {
        "run_launcher": {"module": "orchestration.deployment.local_launcher", "class": "Launcher"},
        "compute_logs": {
            "module": "dagster.core.storage.local_compute_log_manager",
            "class": "LocalComputeLogManager",
            "config": config,
        },
    }


def _celery_settings(config: Config) -> dict[str, Any]:
    require("celery", "execution")
    from orchestration.deployment.celery_worker import SETTINGS  # noqa: PLC0415 - few need Celery

    return _without_compute_logs() | {
        "run_launcher": {
            "module": "orchestration.deployment.celery_launcher",
            "class": "Launcher",
            "config": {
                "broker": _from_environment(config.celery_broker),
                "backend": "disabled",
                "default_queue": Queue.OTHERS.value,
                "config_source": SETTINGS,
            },
        }
    }


def _k8s_settings(_: Config) -> dict[str, Any]:
    return _without_compute_logs()


def _without_compute_logs() -> dict[str, Any]:
    """Return settings that store no output: the event log has it too, and files would be on many machines."""
    return {
        "compute_logs": {
            "module": "dagster.core.storage.noop_compute_log_manager",
            "class": "NoOpComputeLogManager",
        }
    }


def _from_environment(secret: SecretStr) -> str | dict[str, str]:
    """Return *secret* for Dagster's configuration: an environment variable, or a plain text."""
    text = secret.get_secret_value()
    if variable := re.fullmatch(r"\$\{(\w+)\}", text):
        return {"env": variable[1]}
    if not re.fullmatch(r"\w+://[^@$]*", text):  # with a password, it would stand in Dagster's file too
        raise ConfigError(
            '`broker` must be one variable, such as "${BROKER_URL}", or a URL without a password'
        )
    return text


_LAUNCHERS: dict[str, Callable[[Config], dict[str, Any]]] = {
    "local": _local_settings,
    "celery": _celery_settings,
    "k8s": _k8s_settings,
}

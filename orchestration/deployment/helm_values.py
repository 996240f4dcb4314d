"""Values for Dagster's Helm chart: one code server per location, one pod per run."""

from typing import Any

from assets.config.deployment import Config
from orchestration.code_locations import attribute_of, name_of

_CONFIG_FOLDER = "/etc/assignment-reports"
_NAME = "assignment-reports"
_PORT = 4000
_MEGABYTES = {"request": "768Mi", "limit": "2Gi"}


def values_of(config: Config, module: str, image: str, instance: dict[str, Any]) -> dict[str, Any]:
    """Return the values that differ from the chart's defaults; *instance* is the content of `dagster.yaml`.

    The chart expects the configuration in a ConfigMap and its environment variables in a Secret, both named
    `assignment-reports`.
    """
    coordinator = instance["run_coordinator"]["config"]
    deployments = [
        {
            "name": name_of(number, config).replace("_", "-"),
            "image": _image(image),
            "dagsterApiGrpcArgs": ["--module-name", module, "--attribute", attribute_of(number)],
            "port": _PORT,
            "env": [
                {"name": "ASSIGNMENT_REPORTS_CONFIG", "value": f"{_CONFIG_FOLDER}/reports.yaml"},
                {"name": "PYTHONTZPATH", "value": ""},
            ],
            "includeConfigInLaunchedRuns": {"enabled": True},
            "resources": _pod_resources(),
            "envSecrets": [{"name": _NAME}],
            "volumes": [{"name": "configuration", "configMap": {"name": _NAME}}],
            "volumeMounts": [{"name": "configuration", "mountPath": _CONFIG_FOLDER, "readOnly": True}],
        }
        for number in range(1, config.locations + 1)
    ]
    launcher = {
        "imagePullPolicy": "IfNotPresent",
        "runK8sConfig": {
            "containerConfig": {"resources": _pod_resources()},
            "jobSpecConfig": {"ttlSecondsAfterFinished": 600},
        },
    }
    logs = instance["compute_logs"] | {"config": {}}
    return {
        "dagster-user-deployments": {"enabled": True, "deployments": deployments},
        "runLauncher": {"type": "K8sRunLauncher", "config": {"k8sRunLauncher": launcher}},
        "dagsterDaemon": {
            "runCoordinator": {
                "enabled": True,
                "type": "QueuedRunCoordinator",
                "config": {
                    "queuedRunCoordinator": {_camel_case(key): value for key, value in coordinator.items()}
                },
            },
            **{
                _camel_case(name): {_camel_case(key): value for key, value in instance[name].items()}
                for name in ("run_monitoring", "run_retries", "schedules", "sensors")
            },
        },
        "computeLogManager": {
            "type": "CustomComputeLogManager",
            "config": {"customComputeLogManager": logs},
        },
        "telemetry": {"enabled": False},
    }


def _image(image: str) -> dict[str, str]:
    """Return the chart's entry of *image*, whose tag is `latest` where it names none."""
    repository, colon, tag = image.rpartition(":")
    if not colon or "/" in tag:  # the colon is that of a registry's port
        repository, tag = image, "latest"
    return {"repository": repository, "tag": tag, "pullPolicy": "IfNotPresent"}


def _pod_resources() -> dict[str, Any]:
    return {
        "requests": {"cpu": "1", "memory": _MEGABYTES["request"]},
        "limits": {"memory": _MEGABYTES["limit"]},
    }


def _camel_case(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(map(str.title, others))

"""Commands for more than one machine: `assignment-reports deployment` and `worker`."""

import os
from pathlib import Path
from typing import Annotated

import typer

from assets.runtime.extras import require
from orchestration.cli.options import CONFIG_VARIABLE, DEFAULT_CONFIG, ConfigOption


def deployment(
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="DAGSTER_HOME. Existing files are overwritten.")
    ],
    config: ConfigOption = DEFAULT_CONFIG,
    code_servers: Annotated[
        str | None,
        typer.Option(metavar="HOST:PORT", help="First code server; the others use the next ports."),
    ] = None,
    image: Annotated[
        str, typer.Option(metavar="NAME:TAG", help="Image for Kubernetes.")
    ] = "assignment-reports",
) -> None:
    """Write Dagster's configuration files.

    Writes dagster.yaml and workspace.yaml, or values.yaml for Dagster's Helm chart.
    """
    from assets.config.loader import load_config
    from orchestration.deployment.instance_files import write_deployment

    settings = load_config(config)
    for path in write_deployment(settings, folder, code_servers=code_servers, image=image):
        typer.echo(path)


def worker(
    config: ConfigOption = DEFAULT_CONFIG,
    queue: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Queue: loads, reports or others (default: all). Repeatable."),
    ] = None,
    processes: Annotated[int, typer.Option(metavar="N", min=1, help="Number of runs at a time.")] = 1,
    name: Annotated[
        str, typer.Option(metavar="NAME", help="Name of the worker; %h is the host name.")
    ] = "reports@%h",
) -> None:
    """Start a Celery worker that executes runs.

    It runs until it is stopped; runs in progress are finished first.
    """
    require("celery", "assignment-reports worker")
    from assets.config.loader import load_usable
    from orchestration.automation.runs import Queue
    from orchestration.deployment.celery_worker import run_worker

    os.environ[CONFIG_VARIABLE] = str(config.resolve())
    asked = tuple(Queue(each).value for each in queue or Queue)
    run_worker(load_usable(config)[0], asked, processes, name)

"""Commands for more than one machine: `assignment-reports deployment` and `worker`."""

import os
from pathlib import Path
from typing import Annotated

import typer

from assets.runtime.extras import require
from orchestration.cli.options import CONFIG_VARIABLE, DEFAULT_CONFIG, ConfigOption


def deployment(
    folder: Annotated[Path, typer.Argument(help="DAGSTER_HOME; files that are there are written anew.")],
    config: ConfigOption = DEFAULT_CONFIG,
    code_servers: Annotated[
        str | None,
        typer.Option(help="host:port of the first code server; the others are at the ports after it."),
    ] = None,
    image: Annotated[str, typer.Option(help="For Kubernetes: name:tag of the image.")] = "assignment-reports",
) -> None:
    """Write what Dagster is told: dagster.yaml and workspace.yaml, or values.yaml for its Helm chart."""
    from assets.config.loader import load_config
    from orchestration.deployment.instance_files import write_deployment

    settings = load_config(config)
    for path in write_deployment(settings, folder, code_servers=code_servers, image=image):
        typer.echo(path)


def worker(
    config: ConfigOption = DEFAULT_CONFIG,
    queue: Annotated[list[str] | None, typer.Option(help="loads, reports, others; all unless told.")] = None,
    processes: Annotated[int, typer.Option(min=1, help="Runs at one time.")] = 1,
    name: Annotated[str, typer.Option(help="Its name; %h is the machine's.")] = "reports@%h",
) -> None:
    """Take runs from Celery's broker and execute them, until the process is told to end."""
    require("celery", "assignment-reports worker")
    from assets.config.loader import load_usable
    from orchestration.automation.runs import Queue
    from orchestration.deployment.celery_worker import run_worker

    os.environ[CONFIG_VARIABLE] = str(config.resolve())
    asked = tuple(Queue(each).value for each in queue or Queue)
    run_worker(load_usable(config)[0], asked, processes, name)

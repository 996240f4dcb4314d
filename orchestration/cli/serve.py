"""The command `assignment-reports serve`: Dagster's UI behind a guard."""

import os
from pathlib import Path
from typing import Annotated

import typer

from orchestration.cli.options import CONFIG_VARIABLE, DEFAULT_CONFIG, ConfigOption, load_config_or_warn


def serve(
    config: ConfigOption = DEFAULT_CONFIG,
    host: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Address to listen on; others than loopback need a login.")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(metavar="PORT", min=0, max=65535, help="Port to listen on; 0: any free port.")
    ] = 3000,
    workspace_file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            exists=True,
            dir_okay=False,
            help="Dagster's workspace.yaml (default: start the code of the configuration).",
        ),
    ] = None,
    dev: Annotated[bool, typer.Option("--dev", help="Start daemon and code server too.")] = False,
) -> None:
    """Serve Dagster's UI.

    A guard refuses requests of other sites, under other host names, and without the configured
    login. It runs until it is stopped.
    """
    from orchestration.deployment.listener import Listener
    from orchestration.deployment.web_server import serve_ui

    os.environ[CONFIG_VARIABLE] = str(config.resolve())
    serve_ui(load_config_or_warn(config), Listener(host, port), workspace_file, is_dev=dev)

"""The command `assignment-reports status`: what is loaded, due, late, not delivered and wrong.

What it shows is read in `orchestration/automation/status.py`, and printed in `status_output.py`.
"""

from datetime import UTC, datetime

import typer

from orchestration.cli.options import (
    DEFAULT_CONFIG,
    ConfigOption,
    JsonOption,
    WorkspaceOption,
    chosen_workspaces,
)


def status(
    config: ConfigOption = DEFAULT_CONFIG, workspace: WorkspaceOption = None, as_json: JsonOption = False
) -> None:
    """Show what is loaded, due, late and failing.

    Reads the state database only. Exit codes: 0 fine; 2 wrong configuration or usage; 8 something needs
    attention: a warning, or a report or delivery that is late, provisional or lost; 9 something fails.
    """
    from assets.config.loader import load_usable
    from orchestration.automation.status import read_status
    from orchestration.cli.status_output import print_json, print_status

    settings, broken = load_usable(config)
    chosen = settings.model_copy(update={"workspaces": tuple(chosen_workspaces(settings, workspace))})
    found = read_status(chosen, broken, datetime.now(UTC))
    if as_json:
        print_json(found)
    else:
        print_status(found)
    if found.level:
        raise typer.Exit(found.level)

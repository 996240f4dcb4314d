"""The command `assignment-reports status`: what is loaded, due, late, not delivered and wrong.

What it shows is read in `orchestration/automation/status.py`, and printed in `status_output.py`.
"""

from datetime import UTC, datetime

import typer

from assets.errors import ReportError
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

    Reads the state database only. Exit codes: 0 fine; 1 it cannot be read; 2 wrong configuration or usage;
    8 something needs attention: a warning, or a report or delivery that is late, provisional or lost;
    9 something fails.
    """
    from sqlalchemy.exc import SQLAlchemyError

    from assets.config.loader import load_usable
    from orchestration.automation.status import read_status
    from orchestration.cli.status_output import print_json, print_status

    settings, broken = load_usable(config)
    chosen = settings.model_copy(update={"workspaces": tuple(chosen_workspaces(settings, workspace))})
    try:
        found = read_status(chosen, broken, datetime.now(UTC))
    except (OSError, SQLAlchemyError) as error:
        reason = str(error).splitlines()[0]
        raise ReportError(f"the state database cannot be read: {reason}; check `state`") from error
    if as_json:
        print_json(found)
    else:
        print_status(found)
    if found.level:
        raise typer.Exit(found.level)

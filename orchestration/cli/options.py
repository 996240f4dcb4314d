"""Options that many commands share."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from assets.errors import ConfigError

if TYPE_CHECKING:
    from assets.config.deployment import Config
    from assets.config.workspace import Workspace

CONFIG_VARIABLE = "ASSIGNMENT_REPORTS_CONFIG"
DEFAULT_CONFIG = Path("reports.yaml")

ConfigOption = Annotated[Path, typer.Option("--config", envvar=CONFIG_VARIABLE, help="Configuration file.")]
WorkspaceOption = Annotated[
    str | None, typer.Option("--workspace", help="Slug; without it, every workspace.")
]


def load_config_or_warn(config: Path) -> "Config":
    """Return the configuration without the workspaces that are wrong, and say what is wrong with them."""
    from assets.config.loader import load_usable

    settings, broken = load_usable(config)
    for sentence in broken:
        typer.echo(f"error: {sentence}", err=True)
    return settings


def chosen_workspaces(settings: "Config", slug: str | None) -> "list[Workspace]":
    """Return the workspace *slug*, or all. Raises ConfigError where there is none."""
    chosen = [each for each in settings.workspaces if slug in (None, each.slug)]
    if not chosen:
        raise ConfigError(
            f"no workspace {slug!r}; there are {', '.join(w.slug for w in settings.workspaces)}"
        )
    return chosen

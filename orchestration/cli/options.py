"""Options that many commands share."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestration.cli.messages import printable, unknown_name

if TYPE_CHECKING:
    from assets.config.deployment import Config
    from assets.config.workspace import Workspace

CONFIG_VARIABLE = "ASSIGNMENT_REPORTS_CONFIG"
DEFAULT_CONFIG = Path("reports.yaml")

ConfigOption = Annotated[
    Path, typer.Option("--config", metavar="FILE", envvar=CONFIG_VARIABLE, help="Configuration file.")
]
WorkspaceOption = Annotated[
    str | None, typer.Option("--workspace", metavar="SLUG", help="Workspace (default: all).")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Output JSON.")]


def example(arguments: str) -> str:
    """Return the last lines of a command's help: how it is typed, on one line."""
    return f"\b\nExample:\n  assignment-reports {arguments}"


def load_config_or_warn(config: Path, slug: str | None = None) -> "Config":
    """Return the configuration without the workspaces that are wrong, and say what is wrong with them.

    A command that is for the valid workspace *slug* does not care about the others.
    """
    settings, broken = load_for(config, slug)
    for sentence in broken:
        typer.echo(f"error: {printable(sentence)}", err=True)
    return settings


def load_for(config: Path, slug: str | None) -> "tuple[Config, tuple[str, ...]]":
    """Return the valid workspaces of the configuration, and the mistakes that concern *slug*, or all."""
    from assets.config.loader import load_usable

    settings, broken = load_usable(config)
    is_valid = slug in {each.slug for each in settings.workspaces}
    return settings, () if is_valid else broken


def chosen_workspaces(settings: "Config", slug: str | None) -> "list[Workspace]":
    """Return the workspace *slug*, or all. Raises ConfigError where there is none."""
    chosen = [each for each in settings.workspaces if slug in (None, each.slug)]
    if not chosen:
        raise unknown_name("workspace", slug or "", [each.slug for each in settings.workspaces])
    return chosen

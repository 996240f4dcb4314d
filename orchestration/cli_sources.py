"""Commands about sources: `assignment-reports sources test` and `snapshot`."""

from datetime import UTC, datetime

import typer

from assets.errors import ReportError, SourceUnavailable
from orchestration.options import DEFAULT_CONFIG, ConfigOption, WorkspaceOption, chosen_workspaces, usable

app = typer.Typer(name="sources", help="Look at what events are read from.", no_args_is_help=True)


@app.command()
def test(config: ConfigOption = DEFAULT_CONFIG, workspace: WorkspaceOption = None) -> None:
    """Connect to each source, read ten rows, show what is mapped to what, and name what is missing."""
    from assets.extract.trial import try_source
    from assets.sources.registry import open_source
    from orchestration.console import print_trial

    failed: ReportError | None = None
    now = datetime.now(UTC)
    for each in chosen_workspaces(usable(config), workspace):
        try:
            print_trial(each, try_source(open_source(each), each, now))
        except ReportError as error:
            typer.echo(f"error: {each.slug}: {error}", err=True)
            failed = failed or error
    if failed:
        raise typer.Exit(failed.exit_code)


@app.command()
def snapshot(config: ConfigOption = DEFAULT_CONFIG, workspace: WorkspaceOption = None) -> None:
    """List respond.io's contacts by its API, and note the assignments that no webhook told."""
    from assets.source_config import RespondIoSource
    from assets.sources.respond_api import take_snapshot

    asked = [
        (each.slug, each.source)
        for each in chosen_workspaces(usable(config), workspace)
        if isinstance(each.source, RespondIoSource) and each.source.api_token
    ]
    if not asked:
        raise SourceUnavailable("no source is `type: respond_io` with an `api_token`", permanent=True)
    for slug, options in asked:
        found = take_snapshot(options, slug, lambda: datetime.now(UTC))
        missed = "the first snapshot" if found.missed is None else f"{found.missed:,} assignments were missed"
        typer.echo(f"{slug}: {found.contacts:,} contacts, {missed}")

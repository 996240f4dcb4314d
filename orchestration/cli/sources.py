"""Commands about sources: `assignment-reports sources test` and `snapshot`."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from assets.errors import ConfigError, ReportError, SourceUnavailable, SourceUnreadable
from assets.runtime.extras import require
from orchestration.cli.options import (
    DEFAULT_CONFIG,
    ConfigOption,
    WorkspaceOption,
    chosen_workspaces,
    load_config_or_warn,
)

app = typer.Typer(name="sources", help="Look at what events are read from.", no_args_is_help=True)


@app.command()
def test(config: ConfigOption = DEFAULT_CONFIG, workspace: WorkspaceOption = None) -> None:
    """Connect to each source, read some rows, and show what is mapped to what, and which instants times are.

    Ends with 3 where a source cannot be read, or some of its first thousand rows are no events.
    """
    from assets.extract.source_probe import try_source
    from assets.sources.registry import open_source
    from orchestration.cli.console import print_trial

    failed: ReportError | None = None
    now = datetime.now(UTC)
    for each in chosen_workspaces(load_config_or_warn(config), workspace):
        try:
            trial = try_source(open_source(each), each, now)
            print_trial(each, trial)
            if trial.problems:
                failed = failed or SourceUnavailable(trial.problems[0])
        except ReportError as error:
            typer.echo(f"error: {each.slug}: {error}", err=True)
            failed = failed or error
    if failed:
        raise typer.Exit(failed.exit_code)


@app.command()
def snapshot(config: ConfigOption = DEFAULT_CONFIG, workspace: WorkspaceOption = None) -> None:
    """List respond.io's contacts by its API, and note the assignments that no webhook told."""
    from assets.config.source import RespondIoSource

    asked = [
        (each.slug, each.source)
        for each in chosen_workspaces(load_config_or_warn(config), workspace)
        if isinstance(each.source, RespondIoSource) and each.source.api_token
    ]
    if not asked:
        raise SourceUnreadable("no source is `type: respond_io` with an `api_token`")
    require("respond-io", f"workspaces.{asked[0][0]}.source.api_token")
    from assets.sources.respond_io.contact_snapshot import take_snapshot

    for slug, options in asked:
        found = take_snapshot(options, slug, lambda: datetime.now(UTC))
        missed = "the first snapshot" if found.missed is None else f"{found.missed:,} assignments were missed"
        unclear = f", {found.not_understood:,} not understood" if found.not_understood else ""
        typer.echo(f"{slug}: {found.contacts:,} contacts, {missed}{unclear}")


def import_file(
    file: Annotated[
        Path, typer.Argument(help="CSV, NDJSON, Parquet, or another system's export.", exists=True)
    ],
    workspace: Annotated[str, typer.Option(help="Slug.")],
    config: ConfigOption = DEFAULT_CONFIG,
    timezone: Annotated[str | None, typer.Option(help="Zone of times that carry none.")] = None,
    time_format: Annotated[str | None, typer.Option(help="strptime format of times not in ISO 8601.")] = None,
    layout: Annotated[
        str | None, typer.Option(help="What another system exported: see configuration.md.")
    ] = None,
    first: Annotated[
        datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="First day taken over.")
    ] = None,
    last: Annotated[
        datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="Last day taken over.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what it holds; change nothing.")] = False,
) -> None:
    """Take over a file: its days are read from it from now on, whatever the source says of them."""
    from pydantic import ValidationError

    from assets.config.source import FilesSource
    from assets.sources.files.imports import About
    from orchestration.cli.console import print_rows
    from orchestration.file_import import load_file, probe_file

    settings, now = load_config_or_warn(config), datetime.now(UTC)
    chosen = chosen_workspaces(settings, workspace)[0]
    try:
        options = FilesSource.model_validate(
            {"type": "files", "path": str(file.resolve()), "timezone": timezone, "time_format": time_format,
             "layout": layout}
        )  # fmt: skip
    except ValidationError as error:
        raise ConfigError("; ".join(each["msg"] for each in error.errors())) from None
    tried = probe_file(options, chosen, now)
    print_rows(tried.days)
    print_rows(tried.reasons)
    days = (first.date() if first else tried.first_day, last.date() if last else tried.last_day)
    if dry_run:
        typer.echo(f"nothing was changed; without --dry-run, {days[0]} to {days[1]} would be read from it")
        return
    about = About(first_day=days[0], last_day=days[1], options=options)
    loaded = load_file(file, about, chosen, settings, now)
    typer.echo(f"{days[0]} to {days[1]}: {loaded}")


def init(
    sources: Annotated[list[str], typer.Argument(help="Files of events, or one database URL.")],
    output: Annotated[Path, typer.Option("--output", help="Configuration to write.")] = DEFAULT_CONFIG,
    timezone: Annotated[
        str | None, typer.Option(help="IANA zone of the workspace (default: this machine's).")
    ] = None,
) -> None:
    """Look at files or a database, and write a commented configuration; every guess is named."""
    from orchestration.cli.configuration_draft import draft_from_database, draft_from_files, zone_of_machine

    if output.exists():
        raise ConfigError(f"{output} is there already; name another file with --output")
    zone = timezone or zone_of_machine()
    folder, now = output.resolve().parent, datetime.now(UTC)
    if len(sources) == 1 and "://" in sources[0]:
        draft = draft_from_database(sources[0], zone, folder, now)
    else:
        draft = draft_from_files([Path(each) for each in sources], zone, folder, now)
    if timezone is None:
        draft.guesses.insert(0, f"timezone: that of this machine, {zone}")
    output.write_text(draft.text())
    typer.echo(f"{output} is written. Guessed:")
    for guess in draft.guesses:
        typer.echo(f"* {guess}")
    typer.echo(f"Next: assignment-reports sources test --config {output}")

"""Commands about sources: `assignment-reports sources test` and `snapshot`."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from assets.errors import ConfigError, ReportError, SourceUnavailable, SourceUnreadable
from assets.runtime.extras import require
from assets.runtime.storage_errors import explaining_errors
from orchestration.cli.messages import printable
from orchestration.cli.options import (
    DEFAULT_CONFIG,
    ConfigOption,
    WorkspaceOption,
    chosen_workspaces,
    example,
    load_config_or_warn,
)

app = typer.Typer(
    name="sources", help="Test and inspect sources.", epilog=example("sources test"), no_args_is_help=True
)


@app.command(epilog=example("sources test --workspace acme"))
def test(config: ConfigOption = DEFAULT_CONFIG, workspace: WorkspaceOption = None) -> None:
    """Read the first rows of each source and show how they are mapped.

    Shows the column of each field, and each time as it is read and in the workspace's time zone.
    Exit code 3 if a source cannot be read, or if any of its first 1,000 rows is rejected.
    """
    from assets.extract.source_probe import try_source
    from assets.sources.registry import open_source
    from orchestration.cli.console import print_trial

    failed: ReportError | None = None
    now = datetime.now(UTC)
    for each in chosen_workspaces(load_config_or_warn(config, workspace), workspace):
        try:
            with explaining_errors():
                trial = try_source(open_source(each, now), each, now)
            print_trial(each, trial)
            if trial.problems:
                failed = failed or SourceUnavailable(trial.problems[0])
        except ReportError as error:
            typer.echo(f"error: {each.slug}: {printable(str(error))}", err=True)
            failed = failed or error
    if failed:
        raise typer.Exit(failed.exit_code)


@app.command(epilog=example("sources snapshot --workspace acme"))
def snapshot(config: ConfigOption = DEFAULT_CONFIG, workspace: WorkspaceOption = None) -> None:
    """Find assignments that respond.io's webhooks missed.

    Compares the assignees of all contacts, by the Developer API, with those known from webhooks.
    """
    from assets.config.source import RespondIoSource

    asked = [
        (each.slug, each.source)
        for each in chosen_workspaces(load_config_or_warn(config, workspace), workspace)
        if isinstance(each.source, RespondIoSource) and each.source.api_token
    ]
    if not asked:
        raise SourceUnreadable("no workspace has a source of `type: respond_io` with an `api_token`")
    require("respond-io", f"workspaces.{asked[0][0]}.source.api_token")
    from assets.extract.input_summary import count_text
    from assets.sources.respond_io.contact_snapshot import take_snapshot

    for slug, options in asked:
        found = take_snapshot(options, slug, lambda: datetime.now(UTC))
        missed = "first snapshot" if found.missed is None else count_text(found.missed, "missed assignment")
        unclear = f", {found.not_understood:,} not understood" if found.not_understood else ""
        typer.echo(f"{slug}: {count_text(found.contacts, 'contact')}, {missed}{unclear}")


def import_file(
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="CSV, XLSX, NDJSON or Parquet file, or an export.", exists=True),
    ],
    workspace: Annotated[str, typer.Option(metavar="SLUG", help="Workspace.")],
    config: ConfigOption = DEFAULT_CONFIG,
    timezone: Annotated[
        str | None, typer.Option(metavar="ZONE", help="Time zone of times without one.")
    ] = None,
    time_format: Annotated[
        str | None,
        typer.Option(metavar="FORMAT", help='Format of times not in ISO 8601, such as "%d.%m.%Y %H:%M".'),
    ] = None,
    layout: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Export of another system: zendesk_audits, intercom_conversations or zammad_histories.",
        ),
    ] = None,
    first: Annotated[
        datetime | None,
        typer.Option(
            "--from", metavar="DATE", formats=["%Y-%m-%d"], help="First day (default: of the file)."
        ),
    ] = None,
    last: Annotated[
        datetime | None,
        typer.Option("--to", metavar="DATE", formats=["%Y-%m-%d"], help="Last day (default: of the file)."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be imported, and change nothing.")
    ] = False,
) -> None:
    """Import a file.

    From now on, its days are read from the imported file instead of the source.
    """
    from pydantic import ValidationError

    from assets.config.mistakes import mistakes_of
    from assets.config.source import FilesSource
    from assets.sources.files.imports import About
    from orchestration.cli.console import print_rows
    from orchestration.file_import import load_file, probe_file

    settings, now = load_config_or_warn(config, workspace), datetime.now(UTC)
    chosen = chosen_workspaces(settings, workspace)[0]
    try:
        options = FilesSource.model_validate(
            {"type": "files", "path": str(file.resolve()), "timezone": timezone, "time_format": time_format,
             "layout": layout}
        )  # fmt: skip
    except ValidationError as error:
        raise ConfigError("\n".join(f"--{each}" for each in mistakes_of(error, FilesSource))) from None
    tried = probe_file(options, chosen, now)
    print_rows(tried.days)
    print_rows(tried.reasons)
    days = (first.date() if first else tried.first_day, last.date() if last else tried.last_day)
    if dry_run:
        typer.echo(f"Dry run: {days[0]} to {days[1]} would be imported.")
        return
    about = About(first_day=days[0], last_day=days[1], options=options)
    loaded = load_file(file, about, chosen, settings, now)
    typer.echo(f"Imported {days[0]} to {days[1]}: {loaded}")


def init(
    sources: Annotated[
        list[str], typer.Argument(metavar="FILE", help="Files with events, or one database URL.")
    ],
    output: Annotated[
        Path, typer.Option("--output", metavar="FILE", help="Configuration file to write.")
    ] = DEFAULT_CONFIG,
    timezone: Annotated[
        str | None,
        typer.Option(metavar="ZONE", help="Time zone of the workspace (default: this machine's)."),
    ] = None,
) -> None:
    """Write a configuration for your files or database.

    Detects columns, time zone and time format, and lists every guess for you to check.
    """
    from orchestration.cli.configuration_draft import draft_from_database, draft_from_files, zone_of_machine

    if output.exists():
        raise ConfigError(f"{output} already exists\nhint: name another file with --output")
    zone = timezone or zone_of_machine()
    folder, now = output.resolve().parent, datetime.now(UTC)
    if len(sources) == 1 and "://" in sources[0]:
        draft = draft_from_database(sources[0], zone, folder, now)
    else:
        draft = draft_from_files([Path(each) for each in sources], zone, folder, now)
    if timezone is None:
        draft.guesses.insert(0, f"timezone: {zone}, this machine's time zone")
    output.write_text(draft.text())
    typer.echo(f"Wrote {output}. Check these guesses:")
    for guess in draft.guesses:
        typer.echo(f"* {guess}")
    typer.echo(f"Next: assignment-reports sources test --config {output}")

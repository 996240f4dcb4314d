"""Commands that check, query and maintain a deployment; `app.py` is the command line they belong to."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from assets.errors import ConfigError
from assets.runtime.extras import require
from orchestration.cli.messages import printable, which_workspace
from orchestration.cli.options import (
    DEFAULT_CONFIG,
    ConfigOption,
    chosen_workspaces,
    load_config_or_warn,
)

DEMO_LAST_DAY = "2026-11-18"


def check_config(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Configuration file.")] = DEFAULT_CONFIG,
) -> None:
    """Validate the configuration.

    Reports every mistake with its key. Reads the first rows of files, so that wrong columns, time
    formats and time zones are found without a run.
    """
    from assets.config.loader import load_config
    from assets.extract.input_summary import count_text
    from orchestration.cli.config_check import examine_config

    settings = load_config(file)
    findings = list(examine_config(settings, datetime.now(UTC)))
    for finding in findings:
        if not finding.is_error:
            typer.echo(f"warning: {file}: {finding.text}", err=True)
    if errors := [finding.text for finding in findings if finding.is_error]:
        raise ConfigError("\n".join(f"{file}: {text}" for text in errors))
    workspaces = count_text(len(settings.workspaces), "workspace")
    reports = count_text(sum(len(each.all_reports) for each in settings.workspaces), "report")
    typer.echo(f"{file} is valid: {workspaces}, {reports}")


def schema() -> None:
    """Print the JSON Schema of the configuration, with every key."""
    from assets.config.deployment import Config

    typer.echo(json.dumps(Config.model_json_schema(), indent=2))


def sql(
    query: Annotated[str, typer.Argument(metavar="QUERY", help="One SELECT statement.")],
    config: ConfigOption = DEFAULT_CONFIG,
    workspace: Annotated[
        str | None, typer.Option(metavar="SLUG", help="Workspace (default: the only one).")
    ] = None,
    csv: Annotated[bool, typer.Option("--csv", help="Output CSV, with all rows.")] = False,
) -> None:
    """Query the warehouse of a workspace, read-only.

    Prints the first 1,000 rows as a table.
    """
    from assets.warehouse.base import open_warehouse
    from orchestration.cli.console import print_csv, print_rows

    settings = load_config_or_warn(config, workspace)
    if workspace is None and len(settings.workspaces) > 1:
        raise which_workspace([each.slug for each in settings.workspaces])
    chosen = chosen_workspaces(settings, workspace)[0]
    rows = open_warehouse(settings, chosen.slug).ask(query)
    (print_csv if csv else print_rows)(rows)


def webhooks(
    config: ConfigOption = DEFAULT_CONFIG,
    host: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Address to listen on, behind a proxy with TLS.")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(metavar="PORT", min=0, max=65535, help="Port to listen on; 0: any free port.")
    ] = 8080,
) -> None:
    """Receive webhooks and store them.

    Webhooks arrive at /webhooks/<slug>; each is verified and stored before it is answered.
    /health and /metrics are for monitoring. With systemd's socket unit, the socket comes from it.
    """
    require("webhooks", "assignment-reports webhooks")
    from assets.config.loader import load_usable
    from orchestration.deployment.listener import Listener
    from orchestration.deployment.webhook_server import serve_webhooks

    settings, broken = load_usable(config)
    for sentence in broken:
        typer.echo(f"error: {printable(sentence)}", err=True)
    serve_webhooks(settings, broken, Listener(host, port), _print_progress)


def doctor(config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Check the installation and suggest fixes.

    Checks Python, libraries, fonts, time zones, databases, folders and disk space.
    """
    from orchestration.cli.doctor import examine_machine

    findings = list(examine_machine(config))
    for finding in findings:
        typer.echo(f"{'ok  ' if finding.is_fine else 'FAIL'}  {finding.what}: {finding.seen}")
        if not finding.is_fine:
            typer.echo(f"      fix: {finding.remedy}")
    if not all(finding.is_fine for finding in findings):
        raise typer.Exit(1)


def reindex(config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Rebuild the catalog and the index pages from the archive."""
    from assets.archive.archive import Archive
    from assets.archive.catalog import Catalog
    from assets.archive.index_pages import write_index
    from assets.extract.input_summary import count_text

    settings = load_config_or_warn(config)
    catalog, archive = Catalog(settings.state), Archive(settings.archive)
    catalog.forget_all_but(archive.held())
    archived = archive.versions()
    for each, as_of, archived_at in archived:
        catalog.record(each, as_of, archived_at)
    slugs = sorted({each.manifest.workspace for each, _, _ in archived})
    index = write_index(catalog, settings.archive, slugs)
    typer.echo(f"{count_text(len(archived), 'version')} listed. Index page: {index}")


def erase(
    contact: Annotated[str, typer.Option(metavar="ID", help="Contact ID, as in the source.")],
    workspace: Annotated[str, typer.Option(metavar="SLUG", help="Workspace.")],
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Erase a contact permanently; totals stay the same.

    Replaces the contact by a pseudonym in events, log and rejected rows, rebuilds the archived
    reports over its days, and deletes older versions and mails.
    """
    from assets.archive.catalog import Catalog
    from assets.deliver.erasure import ReportErasure
    from assets.deliver.ledger import Ledger
    from orchestration import pipeline

    settings = load_config_or_warn(config, workspace)
    chosen, now = chosen_workspaces(settings, workspace)[0], datetime.now(UTC)
    reports = ReportErasure(
        settings, chosen, Catalog(settings.state), Ledger(settings.state), now, _print_progress
    )
    days, done = pipeline.erase_contact(contact, reports)
    for label, count in {
        "days with the contact": len(days),
        "reports rebuilt": len(done.made),
        "versions deleted": len(done.removed),
        "mails deleted": done.mails,
    }.items():
        typer.echo(f"{label}: {count:,}")
    for key in done.lost:
        typer.echo(f"{key.report} of {key.report_date}: cannot be rebuilt, and was deleted")
    typer.echo("Not erased: backups, delivered mails, and the source itself.")


def _print_progress(text: str) -> None:
    typer.echo(text, err=True)


def demo_data(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="CSV file to write.")] = Path(
        "demo/events.csv"
    ),
    last_day: Annotated[
        datetime, typer.Option(metavar="DATE", formats=["%Y-%m-%d"], help="Last day with events.")
    ] = DEMO_LAST_DAY,  # type: ignore[assignment]
    days: Annotated[int, typer.Option(metavar="N", min=1, help="Number of days.")] = 100,
    events: Annotated[int, typer.Option(metavar="N", min=1, help="Number of events.")] = 20_000,
    seed: Annotated[int, typer.Option(metavar="N", help="The same seed writes the same file.")] = 7,
    hostile: Annotated[
        bool, typer.Option("--hostile", help="Use names that are markup, formulas or in other scripts.")
    ] = False,
) -> None:
    """Write sample data: the events of a synthetic inbox."""
    from assets.extract.input_summary import count_text
    from assets.sources.synthetic import write_events

    lines = write_events(path, last_day=last_day.date(), days=days, events=events, seed=seed, hostile=hostile)
    typer.echo(f"{count_text(lines, 'line')} written to {path}", err=True)

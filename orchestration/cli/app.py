"""The command line `assignment-reports`. Heavy modules are imported by the command that needs them.

Exit codes: 0 done; 1 something is wrong; 2 wrong configuration or usage; 3 a source or one of its inputs
cannot be read, or gave nothing; 4 totals differ.
"""

import json
import sys
import time
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from assets.errors import ConfigError, ReportError, SourceUnavailable
from assets.runtime.extras import require
from orchestration.cli import archive, deliveries, deployment, sources
from orchestration.cli.options import (
    DEFAULT_CONFIG,
    ConfigOption,
    WorkspaceOption,
    chosen_workspaces,
    load_config_or_warn,
)

if TYPE_CHECKING:
    from assets.archive.catalog import Catalog
    from assets.archive.publish import Published
    from assets.config.workspace import ReportSpec, Workspace
    from assets.report.model import Report
    from orchestration.pipeline import PipelineRequest

DEMO_LAST_DAY = "2026-11-18"

app = typer.Typer(
    name="assignment-reports",
    help="Contact assignment reports: extracted, reconciled, rendered, archived.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

app.add_typer(archive.app, name="archive")

app.add_typer(deliveries.app, name="deliveries")
app.add_typer(sources.app, name="sources")
app.command("import")(sources.import_file)
app.command("init")(sources.init)
app.command("preview")(deliveries.preview)
app.command("send-test")(deliveries.send_test)
app.command("deployment")(deployment.deployment)
app.command("worker")(deployment.worker)


def main() -> None:
    """Run the command line; an expected error is one message and its exit code."""
    try:
        app()
    except ReportError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(error.exit_code)


@app.command()
def run(
    config: ConfigOption = DEFAULT_CONFIG,
    report_date: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="Day on which the reports are read; without it, today."),
    ] = None,
    preset: Annotated[list[str] | None, typer.Option(help="Report or preset; may be given again.")] = None,
    workspace: WorkspaceOption = None,
    first: Annotated[
        datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="First day of a custom period.")
    ] = None,
    last: Annotated[
        datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="Last day of a custom period.")
    ] = None,
    reload: Annotated[
        bool, typer.Option("--reload", help="Read days again that are loaded already.")
    ] = False,
    outdated: Annotated[
        bool, typer.Option("--outdated", help="Make archived reports anew whose days have changed.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print a list for machines.")] = False,
) -> None:
    """Load the missing days, then build and archive the reports, and print what was made."""
    from orchestration import report_processes

    if len(preset or ()) != 1 and not (first or outdated):
        report_processes.start_fork_server()
    from assets.archive.catalog import Catalog
    from assets.archive.index_pages import write_index
    from assets.config.loader import load_usable
    from orchestration import pipeline

    settings, broken = load_usable(config)
    for sentence in broken:
        typer.echo(f"error: {sentence}", err=True)
    now = datetime.now(UTC)
    requests = [
        pipeline.PipelineRequest(
            settings,
            each,
            _chosen_reports(each, preset or [], first, last),
            report_date.date() if report_date else now.astimezone(each.zone).date(),
            now,
            reload,
        )
        for each in chosen_workspaces(settings, workspace)
    ]
    catalog = Catalog(settings.state)
    published, exit_code = _run_all(requests, catalog, outdated=outdated, as_json=as_json)
    index = write_index(catalog, settings.archive, [each.workspace.slug for each in requests])
    _print_result(published, index, as_json)
    if exit_code := (ConfigError.exit_code if broken else exit_code):
        raise typer.Exit(exit_code)


def _run_all(
    requests: "list[PipelineRequest]", catalog: "Catalog", *, outdated: bool, as_json: bool
) -> "tuple[list[Published], int]":
    """Run every request, whatever becomes of the others; return the reports and the first exit code but 0."""
    from assets.extract.input_summary import input_lines
    from orchestration import pipeline

    started, exit_code = time.monotonic(), 0
    published: list[Published] = []
    for request in requests:
        slug = request.workspace.slug

        def say(text: str, slug: str = slug) -> None:
            typer.echo(f"[{time.monotonic() - started:6.1f} s] {slug}: {text}", err=True)

        try:
            published += pipeline.run_pipeline(request, catalog, say)
            if outdated:
                published += pipeline.rebuild_outdated(
                    request.workspace, request.config, catalog, request.now, say
                )
        except ReportError as error:
            typer.echo(f"error: {slug}: {error}", err=True)
            exit_code = exit_code or error.exit_code
        for line in input_lines(request.workspace, request.inputs):
            typer.echo(f"{slug}: {line}", err=as_json)
    if any(_lacks_input(each.report) for each in published):
        exit_code = exit_code or SourceUnavailable.exit_code
    return published, exit_code


def _print_result(published: "list[Published]", index: Path, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps([_summarize_report(each) for each in published], indent=2, ensure_ascii=False))
    else:
        _print_table(published)
        typer.echo(f"Archive: {index}")


def _chosen_reports(
    workspace: "Workspace", names: list[str], first: datetime | None, last: datetime | None
) -> "tuple[ReportSpec, ...]":
    from assets.config.workspace import ReportSpec

    known = {spec.name: spec for spec in workspace.all_reports}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ConfigError(f"{workspace.slug} has no report {unknown[0]!r}; there are {', '.join(known)}")
    chosen = [known[name] for name in names]
    if (first is None) != (last is None):
        raise ConfigError("give both --from and --to")
    if first and last:
        if last < first:
            raise ConfigError(f"--to {last.date()} is before --from {first.date()}")
        name = f"custom_{first.date()}_{last.date()}"
        chosen.append(
            workspace.completed(ReportSpec(name=name, first_day=first.date(), last_day=last.date()))
        )
    return tuple(chosen) or workspace.all_reports


def _lacks_input(report: "Report") -> bool:
    """Tell whether an input of *report* could not be read, or gave nothing."""
    return not {"input_unreadable", "input_gave_nothing"}.isdisjoint(each.code for each in report.reasons)


def _summarize_report(published: "Published") -> dict[str, object]:
    report, archived = published.report, published.archived
    return {
        "workspace": report.workspace,
        "report": report.name,
        "report_date": str(report.report_date),
        "version": archived.manifest.version,
        "path": str(archived.folder),
        "total": None if report.has_no_data else report.total,
        "provisional": report.provisional,
        "reasons": [each.code.value for each in report.reasons],
        "is_new": archived.is_new,
    }


def _print_table(published: "list[Published]") -> None:
    from rich.console import Console
    from rich.table import Table

    from assets.render.i18n import load_words
    from assets.render.reasons import reason_sentences

    table, told = Table("Workspace", "Report", "Days", "Version"), dict[str, None]()
    table.add_column("Assignments", justify="right")
    for each in published:
        report, version = each.report, f"v{each.archived.manifest.version}"
        state = f"{version} {'new' if each.archived.is_new else 'unchanged'}"
        table.add_row(
            report.workspace,
            report.title,
            _format_days(report.period.first_day, report.period.last_day),
            f"{state}, provisional" if report.provisional else state,
            "No data" if report.has_no_data else f"{report.total:,}",
        )
        told |= dict.fromkeys(
            f"{report.workspace}: {report.title} is provisional. {text}"
            for text in reason_sentences(report, load_words("en"))
        )
    Console().print(table)
    for line in told:
        typer.echo(line)


def _format_days(first: date, last: date) -> str:
    """Return both days, the second without the year and month that both share."""
    if first == last:
        return str(first)
    shared = "%d" if (first.year, first.month) == (last.year, last.month) else "%m-%d"
    return f"{first} – {last:{shared if first.year == last.year else '%Y-%m-%d'}}"


@app.command()
def check_config(file: Annotated[Path, typer.Argument()] = DEFAULT_CONFIG) -> None:
    """Validate a configuration: its form, and what is found without a run, such as times without a zone."""
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


@app.command()
def schema() -> None:
    """Print the JSON Schema of the configuration."""
    from assets.config.deployment import Config

    typer.echo(json.dumps(Config.model_json_schema(), indent=2))


@app.command()
def sql(
    query: Annotated[str, typer.Argument(help="One SELECT over the warehouse's tables.")],
    config: ConfigOption = DEFAULT_CONFIG,
    workspace: WorkspaceOption = None,
    csv: Annotated[bool, typer.Option("--csv", help="Print CSV instead of a table.")] = False,
) -> None:
    """Ask the warehouse of one workspace a question; nothing can be changed."""
    from assets.config.loader import load_config
    from assets.warehouse.base import open_warehouse
    from orchestration.cli.console import print_csv, print_rows

    settings = load_config(config)
    if workspace is None and len(settings.workspaces) > 1:
        raise ConfigError(f"say which: --workspace {' or '.join(w.slug for w in settings.workspaces)}")
    chosen = chosen_workspaces(settings, workspace)[0]
    rows = open_warehouse(settings, chosen.slug).ask(query)
    (print_csv if csv else print_rows)(rows)


@app.command()
def webhooks(
    config: ConfigOption = DEFAULT_CONFIG,
    host: Annotated[
        str, typer.Option(help="Address to listen on; put a proxy with TLS before it.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535)] = 8080,
) -> None:
    """Receive webhooks at /webhooks/<slug>: check, store durably, answer; /health and /metrics beside."""
    require("webhooks", "assignment-reports webhooks")
    from orchestration.deployment.webhook_server import serve_webhooks

    serve_webhooks(load_config_or_warn(config), host, port, _print_progress)


@app.command()
def doctor(config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Look at Python, libraries, fonts, time zones, folders and disk; say what mends what is wrong."""
    from orchestration.cli.doctor import examine_machine

    findings = list(examine_machine(config))
    for finding in findings:
        typer.echo(f"{'ok  ' if finding.is_fine else 'FAIL'}  {finding.what}: {finding.seen}")
        if not finding.is_fine:
            typer.echo(f"      mend it: {finding.remedy}")
    if not all(finding.is_fine for finding in findings):
        raise typer.Exit(1)


@app.command()
def reindex(config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Write the catalog and the index pages anew from what is archived."""
    from assets.archive.archive import Archive
    from assets.archive.catalog import Catalog
    from assets.archive.index_pages import write_index

    settings = load_config_or_warn(config)
    catalog, archive = Catalog(settings.state), Archive(settings.archive)
    catalog.forget_all_but(archive.held())
    archived = archive.versions()
    for each, as_of, archived_at in archived:
        catalog.record(each, as_of, archived_at)
    slugs = sorted({each.manifest.workspace for each, _, _ in archived})
    typer.echo(f"{len(archived):,} versions in {write_index(catalog, settings.archive, slugs)}")


@app.command()
def erase(
    contact: Annotated[str, typer.Option(help="Id of the contact, as the source has it.")],
    workspace: Annotated[str, typer.Option(help="Slug.")],
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Forget a contact for good: events, log, rejected rows, archived reports, mails; totals stay."""
    from assets.archive.catalog import Catalog
    from assets.deliver.erasure import ReportErasure
    from assets.deliver.ledger import Ledger
    from orchestration import pipeline

    settings = load_config_or_warn(config)
    chosen, now = chosen_workspaces(settings, workspace)[0], datetime.now(UTC)
    reports = ReportErasure(
        settings, chosen, Catalog(settings.state), Ledger(settings.state), now, _print_progress
    )
    days, done = pipeline.erase_contact(contact, reports)
    typer.echo(
        f"{len(days):,} days held the contact; {len(done.made):,} reports made anew, "
        f"{len(done.removed):,} versions and {done.mails:,} mails removed"
    )
    for key in done.lost:
        typer.echo(f"{key.report} of {key.report_date} could not be made anew, and is removed")
    typer.echo("Backups, mails that arrived and the source itself are not touched.")


def _print_progress(text: str) -> None:
    typer.echo(text, err=True)


@app.command()
def demo_data(
    path: Annotated[Path, typer.Argument(help="CSV file to write.")] = Path("demo/events.csv"),
    last_day: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"])] = DEMO_LAST_DAY,  # type: ignore[assignment]
    days: Annotated[int, typer.Option(min=1)] = 60,
    events: Annotated[int, typer.Option(min=1)] = 20_000,
    seed: int = 7,
) -> None:
    """Write the events of a synthetic inbox: the same seed, the same file."""
    from assets.sources.synthetic import write_events

    lines = write_events(path, last_day=last_day.date(), days=days, events=events, seed=seed)
    typer.echo(f"{lines:,} lines in {path}", err=True)

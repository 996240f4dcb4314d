"""The command `assignment-reports run`: load, build, render and archive, for one workspace or all.

What it does is decided in `orchestration/pipeline.py`; what it shows is in `run_progress.py` and
`run_summary.py`.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from assets.errors import ConfigError, ReportError, SourceUnavailable
from orchestration.cli.messages import printable, unknown_name
from orchestration.cli.options import (
    DEFAULT_CONFIG,
    ConfigOption,
    JsonOption,
    WorkspaceOption,
    chosen_workspaces,
    load_for,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from assets.archive.catalog import Catalog
    from assets.archive.publish import Published
    from assets.config.deployment import Config
    from assets.config.workspace import ReportSpec, Workspace
    from orchestration.cli.run_progress import RunProgress
    from orchestration.pipeline import PipelineRequest


def run(
    config: ConfigOption = DEFAULT_CONFIG,
    report_date: Annotated[
        datetime | None,
        typer.Option(metavar="DATE", formats=["%Y-%m-%d"], help="Report date (default: today)."),
    ] = None,
    preset: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Preset or report (default: all). Repeatable."),
    ] = None,
    workspace: WorkspaceOption = None,
    first: Annotated[
        datetime | None,
        typer.Option("--from", metavar="DATE", formats=["%Y-%m-%d"], help="First day of a custom period."),
    ] = None,
    last: Annotated[
        datetime | None,
        typer.Option("--to", metavar="DATE", formats=["%Y-%m-%d"], help="Last day of a custom period."),
    ] = None,
    reload: Annotated[bool, typer.Option("--reload", help="Reload days that are already loaded.")] = False,
    outdated: Annotated[
        bool, typer.Option("--outdated", help="Also rebuild archived reports whose days have changed.")
    ] = False,
    send: Annotated[
        bool,
        typer.Option(
            "--send", help="Load, make and deliver what is due and not done. For cron; see the documentation."
        ),
    ] = False,
    as_json: JsonOption = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Print errors only, and the JSON of --json.")
    ] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Print a log line for every step.")
    ] = False,
) -> None:
    """Load missing days, build the reports and archive them.

    Prints the rows read from each input, a table of the reports and the address of the index page;
    with --send one line for each event, or with --json too one JSON object.
    Exit codes: 0 done; 1 failed; 2 wrong configuration or usage; 3 an input, file or folder cannot be
    used, or one workspace is wrong; 4 totals differ; 5 out of memory; with --send also 6 another one
    is running; 7 something was not delivered.
    """
    if quiet and verbose:
        raise ConfigError("--quiet and --verbose exclude each other")
    output = _Output(as_json, quiet, verbose)
    if send:
        _refuse_with_send(report_date, preset, first, last, reload, outdated)
        raise typer.Exit(_run_due(config, workspace, output))
    chosen = _Choice(workspace, report_date, preset or [], first, last, reload, outdated)
    if exit_code := _run_chosen(config, chosen, output):
        raise typer.Exit(exit_code)


@dataclass(frozen=True, slots=True)
class _Choice:
    """What is to be made: of which workspace (None: all), for which date, and how."""

    workspace: str | None
    report_date: datetime | None
    presets: list[str]
    first: datetime | None
    last: datetime | None
    reload: bool
    outdated: bool

    def request(self, settings: "Config", workspace: "Workspace", now: datetime) -> "PipelineRequest":
        """Return what to make for *workspace*. Raises ConfigError."""
        from orchestration.pipeline import PipelineRequest

        specs = _chosen_reports(workspace, self.presets, self.first, self.last)
        report_date = (self.report_date or now.astimezone(workspace.zone)).date()
        return PipelineRequest(settings, workspace, specs, report_date, now, self.reload)


@dataclass(frozen=True, slots=True)
class _Output:
    """What is printed."""

    as_json: bool
    quiet: bool
    verbose: bool


def _run_chosen(config: "Path", chosen: _Choice, output: _Output) -> int:
    """Make what is *chosen*, and print it; return the exit code."""
    from orchestration import report_processes

    report_processes.start_fork_server()
    from assets.archive.catalog import Catalog
    from orchestration.cli import run_summary
    from orchestration.cli.run_progress import RunProgress, verbosity_of

    progress = RunProgress(verbosity_of(quiet=output.quiet, verbose=output.verbose))
    settings, broken = load_for(config, chosen.workspace)
    for sentence in broken:
        progress.error(sentence)
    workspaces, now = chosen_workspaces(settings, chosen.workspace), datetime.now(UTC)
    requests = [chosen.request(settings, workspace, now) for workspace in workspaces]
    catalog = Catalog(settings.state)
    with progress:
        published, exit_code = _run_all(requests, catalog, progress, outdated=chosen.outdated)
        index, index_code = _write_index(settings, catalog, requests, progress)
    if not output.quiet:
        _print_inputs(requests, as_json=output.as_json)
    if output.as_json:
        run_summary.print_json(published)
    elif not output.quiet:
        run_summary.print_summary(published, settings, index)
    exit_code = exit_code or index_code or (ConfigError.exit_code if broken else 0)
    if exit_code == ConfigError.exit_code and published:  # a workspace is wrong: the others are done
        exit_code = SourceUnavailable.exit_code
    progress.finish(exit_code)
    return exit_code


def _run_due(config: "Path", slug: str | None, output: _Output) -> int:
    """Do what is due; return the exit code. Every error is an event."""
    from assets.runtime.storage_errors import explaining_errors
    from orchestration.cli.run_due import run_due
    from orchestration.cli.run_progress import LogStyle, RunProgress, verbosity_of

    style = LogStyle.JSON if output.as_json else LogStyle.LINES
    progress = RunProgress(verbosity_of(quiet=output.quiet, verbose=output.verbose), style)
    try:
        with explaining_errors():
            return run_due(config, slug, progress)
    except ReportError as error:
        progress.error(str(error))
        return error.exit_code


def _refuse_with_send(*options: object) -> None:
    """Raise ConfigError if any of *options*, which choose reports or days, is given."""
    if any(options):
        raise ConfigError(
            "--send makes what is due, and excludes --report-date, --preset, --from, --to, --reload and "
            "--outdated"
        )


def _run_all(
    requests: "Sequence[PipelineRequest]", catalog: "Catalog", progress: "RunProgress", *, outdated: bool
) -> "tuple[list[Published], int]":
    """Run every request, even if another fails; return the reports and the first exit code other than 0."""
    from orchestration import pipeline
    from orchestration.cli import run_summary

    published: list[Published] = []
    exit_code = 0
    for request in requests:
        workspace, update = request.workspace, progress.of(request.workspace.slug)
        rebuilt: list[Published] = []
        try:
            pipeline.run_pipeline(request, catalog, update)
            if outdated:
                rebuilt = pipeline.rebuild_outdated(request, catalog, update)
        except Exception as error:  # noqa: BLE001 - the other workspaces go on
            failure = progress.failure(workspace.slug, error)
            exit_code = exit_code or failure
        published += [*request.published, *rebuilt]
        for summary in request.inputs.values():
            for problem in summary.problems:
                progress.error(problem.reason, workspace.slug)
    if any(run_summary.lacks_input(each) for each in published):
        exit_code = exit_code or SourceUnavailable.exit_code
    return published, exit_code


def _write_index(
    settings: "Config", catalog: "Catalog", requests: "Sequence[PipelineRequest]", progress: "RunProgress"
) -> "tuple[Path, int]":
    """Write the index pages; return the path of the first one, and an exit code."""
    from assets.archive.index_pages import INDEX, write_index
    from assets.runtime.storage_errors import explaining_errors

    try:
        with explaining_errors():
            return write_index(catalog, settings.archive, [each.workspace.slug for each in requests]), 0
    except ReportError as error:
        progress.error(str(error))
        return settings.archive / INDEX, error.exit_code


def _print_inputs(requests: "Sequence[PipelineRequest]", *, as_json: bool) -> None:
    """Print the counts of each input."""
    from assets.extract.input_summary import counts_line

    for request in requests:
        for _, summary in sorted(request.inputs.items()):
            line = printable(counts_line(request.workspace, summary))
            typer.echo(f"{request.workspace.slug}: {line}", err=as_json)


def _chosen_reports(
    workspace: "Workspace", names: list[str], first: datetime | None, last: datetime | None
) -> "tuple[ReportSpec, ...]":
    from assets.config.workspace import ReportSpec

    known = {spec.name: spec for spec in workspace.all_reports}
    if unknown := [name for name in names if name not in known]:
        raise unknown_name(f"report of workspace {workspace.slug}", unknown[0], known)
    chosen = [known[name] for name in names]
    if (first is None) != (last is None):
        raise ConfigError("--from and --to are required together")
    if first and last:
        if last < first:
            raise ConfigError(f"--to must not be before --from: {last.date()} is before {first.date()}")
        name = f"custom_{first.date()}_{last.date()}"
        chosen.append(
            workspace.completed(ReportSpec(name=name, first_day=first.date(), last_day=last.date()))
        )
    return tuple(chosen) or workspace.all_reports

"""The command line `assignment-reports`: its commands, in the order in which people need them.

Heavy modules are imported by the command that needs them. Add a command to the module of its group, and
register it here with an example.
"""

import sys
from importlib.metadata import version
from typing import Annotated

import typer

from assets.runtime.extras import DISTRIBUTION
from assets.runtime.storage_errors import explain
from orchestration.cli import archive, deliveries, deployment, maintenance, sources
from orchestration.cli.messages import printable
from orchestration.cli.options import example
from orchestration.cli.run import run
from orchestration.cli.serve import serve
from orchestration.cli.status import status

app = typer.Typer(
    name=DISTRIBUTION,
    help="Load contact assignments, and build, archive and send reports about them.",
    epilog=example("run --preset yesterday"),
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for _name, _command, _arguments in (
    ("init", sources.init, "init events/*.csv --timezone America/New_York"),
    ("check-config", maintenance.check_config, "check-config reports.yaml"),
    ("run", run, "run --preset last_month --report-date 2026-11-01"),
    ("status", status, "status --json"),
    ("import", sources.import_file, "import old.csv --workspace acme --dry-run"),
    ("preview", deliveries.preview, "preview managers --to mails"),
    ("send-test", deliveries.send_test, "send-test managers --to ann@example.org"),
    ("sql", maintenance.sql, 'sql "SELECT source, count(*) FROM assignment_log GROUP BY 1"'),
    ("erase", maintenance.erase, "erase --workspace acme --contact 1234"),
    ("reindex", maintenance.reindex, "reindex"),
    ("doctor", maintenance.doctor, "doctor"),
    ("schema", maintenance.schema, "schema > reports.schema.json"),
    ("serve", serve, "serve --port 3000"),
    ("webhooks", maintenance.webhooks, "webhooks --port 8080"),
    ("deployment", deployment.deployment, "deployment /srv/dagster --code-servers reports:4000"),
    ("worker", deployment.worker, "worker --queue reports --processes 4"),
    ("demo-data", maintenance.demo_data, "demo-data demo/events.csv --days 100"),
):
    app.command(_name, epilog=example(_arguments))(_command)
app.add_typer(sources.app, name="sources")
app.add_typer(deliveries.app, name="deliveries")
app.add_typer(archive.app, name="archive")


def _print_version(is_asked: bool) -> None:
    if is_asked:
        typer.echo(f"{DISTRIBUTION} {version(DISTRIBUTION)}")
        raise typer.Exit


@app.callback()
def _options(
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version and exit."),
    ] = False,
) -> None:
    """Accept the options of every command."""


def main() -> None:
    """Run the command line; an expected error is one message and its exit code."""
    try:
        app()
    except Exception as error:
        expected = explain(error)
        if expected is None:
            raise
        typer.echo(f"error: {printable(str(expected))}", err=True)
        sys.exit(expected.exit_code)

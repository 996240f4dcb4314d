"""Commands that maintain the archive; `app.py` is the command line they belong to."""

from datetime import UTC, datetime

import typer

from orchestration.cli.options import DEFAULT_CONFIG, ConfigOption, example, load_config_or_warn

app = typer.Typer(
    help="Verify the archive and apply its retention.",
    epilog=example("archive verify"),
    no_args_is_help=True,
)


@app.command(epilog=example("archive verify"))
def verify(config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Verify every archived file against its manifest.

    Exit code 1 if a file is missing, changed or not listed.
    """
    from assets.archive import verify
    from assets.archive.catalog import Catalog
    from assets.extract.input_summary import count_text

    settings = load_config_or_warn(config)
    verified = verify.verify_archive(settings.archive, Catalog(settings.state).listed())
    for fault in verified.faults:
        typer.echo(fault)
    versions, files = count_text(verified.version_count, "version"), count_text(verified.file_count, "file")
    typer.echo(f"{versions}, {files} verified: {count_text(len(verified.faults), 'fault')}")
    if verified.faults:
        raise typer.Exit(1)


@app.command(epilog=example("archive prune"))
def prune(config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Delete reports, mails and webhooks beyond their retention.

    The keys `keep_versions` and `keep_reports_days`, `keep_mails_days` and `keep_webhooks_days` say
    how long they are kept.
    """
    from assets.archive.catalog import Catalog
    from assets.deliver.ledger import Ledger
    from assets.deliver.retention import apply_retention
    from assets.extract.input_summary import count_text

    settings = load_config_or_warn(config)
    done = apply_retention(settings, Catalog(settings.state), Ledger(settings.state), datetime.now(UTC))
    counts = {"version": done.versions, "mail": done.mails, "webhook": done.webhooks}
    typer.echo(f"deleted: {', '.join(count_text(number, what) for what, number in counts.items())}")

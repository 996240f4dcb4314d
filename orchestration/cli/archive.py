"""Commands that look after the archive; `app.py` is the command line they belong to."""

from datetime import UTC, datetime

import typer

from orchestration.cli.options import DEFAULT_CONFIG, ConfigOption, load_config_or_warn

app = typer.Typer(help="Look after the archived reports.", no_args_is_help=True)


@app.command()
def verify(config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Read every archived file again and compare it with its manifest."""
    from assets.archive import verify
    from assets.archive.catalog import Catalog

    settings = load_config_or_warn(config)
    verified = verify.verify_archive(settings.archive, Catalog(settings.state).listed())
    for fault in verified.faults:
        typer.echo(fault)
    typer.echo(
        f"{verified.version_count:,} versions, {verified.file_count:,} files: {len(verified.faults):,} faults"
    )
    if verified.faults:
        raise typer.Exit(1)


@app.command()
def prune(config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Remove the versions, reports and mails that the configuration does not keep."""
    from assets.archive.catalog import Catalog
    from assets.deliver.ledger import Ledger
    from assets.deliver.retention import apply_retention

    settings = load_config_or_warn(config)
    done = apply_retention(settings, Catalog(settings.state), Ledger(settings.state), datetime.now(UTC))
    typer.echo(f"{done.versions:,} versions and {done.mails:,} mails removed")

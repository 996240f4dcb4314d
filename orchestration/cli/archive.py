"""Commands that look after the archive; `app.py` is the command line they belong to."""

from datetime import UTC, datetime

import typer

from orchestration.cli.options import DEFAULT_CONFIG, ConfigOption, usable

app = typer.Typer(help="Look after the archived reports.", no_args_is_help=True)


@app.command()
def verify(config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Read every archived file again and compare it with its manifest."""
    from assets.archive import verify
    from assets.archive.catalog import Catalogue

    settings = usable(config)
    verified = verify.verify(settings.archive, Catalogue(settings.state).listed())
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
    from assets.archive.catalog import Catalogue
    from assets.deliver.ledger import Ledger
    from assets.deliver.retention import put_away

    settings = usable(config)
    done = put_away(settings, Catalogue(settings.state), Ledger(settings.state), datetime.now(UTC))
    typer.echo(f"{done.versions:,} versions and {done.mails:,} mails removed")

"""Commands about what is sent to whom; `app.py` is the command line they belong to."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from assets.errors import ConfigError, ReportError
from orchestration.cli.options import (
    DEFAULT_CONFIG,
    ConfigOption,
    WorkspaceOption,
    chosen_workspaces,
    load_config_or_warn,
)

if TYPE_CHECKING:
    from assets.config.deployment import Config
    from assets.config.subscription import Subscription
    from assets.config.workspace import Workspace
    from assets.deliver.delivery import Delivery
    from assets.deliver.ledger import Ledger
    from assets.deliver.preview import Trial

app = typer.Typer(help="See what was sent to whom, and decide what nobody else can.", no_args_is_help=True)

SubscriptionOption = Annotated[str | None, typer.Option("--subscription", help="Name; without it, all.")]
IdArgument = Annotated[str, typer.Argument(help="The delivery's id, or how it begins.")]
RecipientOption = Annotated[
    str | None, typer.Option("--as", help="The recipient whose mail it is; without it, the first.")
]


_SHOWN = (
    "id",
    "workspace",
    "subscription",
    "report",
    "report_date",
    "version",
    "recipient",
    "state",
    "reason",
)


@app.command("list")
def list_deliveries(
    config: ConfigOption = DEFAULT_CONFIG,
    workspace: WorkspaceOption = None,
    subscription: SubscriptionOption = None,
    state: Annotated[list[str] | None, typer.Option(help="State; may be given again.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many, the latest.")] = 100,
    as_json: Annotated[bool, typer.Option("--json", help="Print a list for machines.")] = False,
) -> None:
    """List deliveries, the latest at the end."""
    from orchestration.cli.console import print_records

    _, ledger = _open_ledger(config)
    found = ledger.search(workspace, subscription, state or [], limit)
    if as_json:
        typer.echo(json.dumps([_delivery_record(each) for each in found], indent=2, ensure_ascii=False))
        return
    rows = [_delivery_record(each) | {"id": each.id[:8]} for each in found]
    print_records([{name: str(row[name]) for name in _SHOWN} for row in rows])


@app.command()
def show(delivery: IdArgument, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Print all that is known of one delivery, and where its mail is kept."""
    from assets.deliver.outbox import Outbox

    settings, ledger = _open_ledger(config)
    found = ledger.get(delivery)
    for name, value in _delivery_record(found).items():
        typer.echo(f"{name}: {'-' if value is None else value}")
    if found.content:
        typer.echo(f"mail: {Outbox(settings.archive, found.workspace).path(found.content)}")


@app.command()
def retry(delivery: IdArgument, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Let a delivery be sent that did not arrive; the next round sends it."""
    from assets.deliver.delivery import retry_changes

    _, ledger = _open_ledger(config)
    found, now = ledger.get(delivery), datetime.now(UTC)
    ledger.decide(found, now, **retry_changes(found, now))
    typer.echo(f"{found.id} is planned again, for {found.recipient}")


@app.command()
def resolve(
    delivery: IdArgument,
    arrived: Annotated[bool, typer.Option("--arrived/--lost", help="What the recipient says.")],
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Say what became of a delivery of which nobody knows whether it arrived."""
    from assets.deliver.delivery import resolution_changes

    _, ledger = _open_ledger(config)
    found = ledger.get(delivery)
    values = resolution_changes(found, arrived=arrived)
    ledger.decide(found, datetime.now(UTC), **values)
    typer.echo(f"{found.id} is {values['state']}")


@app.command()
def cancel(delivery: IdArgument, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Keep a delivery that waits from being sent."""
    from assets.deliver.delivery import cancellation_changes

    _, ledger = _open_ledger(config)
    found = ledger.get(delivery)
    ledger.decide(found, datetime.now(UTC), **cancellation_changes(found))
    typer.echo(f"{found.id} is cancelled")


@app.command()
def send(
    config: ConfigOption = DEFAULT_CONFIG,
    workspace: WorkspaceOption = None,
    subscription: SubscriptionOption = None,
) -> None:
    """Send now what came due or waits, as the sensor does; nothing is sent twice."""
    from assets.archive.catalog import Catalog
    from assets.deliver.dispatcher import Dispatcher
    from assets.deliver.ledger import Ledger

    settings = load_config_or_warn(config)
    dispatcher = Dispatcher(
        settings, Catalog(settings.state), Ledger(settings.state), lambda: datetime.now(UTC)
    )
    refusals = []
    for each, one in _chosen_subscriptions(settings, workspace, subscription):
        try:
            done = dispatcher.deliver(each, one)
        except Exception as error:  # noqa: BLE001 - the others go on
            refusals.append(f"{each.slug}/{one.name}: {error}")
            continue
        states = ", ".join(f"{count:,} {state}" for state, count in sorted(done.states.items()))
        typer.echo(f"{each.slug}/{one.name}: {states or 'nothing to do'}")
        for note in done.notes:
            typer.echo(f"  {note}")
        refusals += [f"{each.slug}/{one.name}: {done.refusal}; it is tried again"] if done.refusal else []
    if refusals:
        raise ReportError("\n".join(refusals))


def preview(
    subscription: Annotated[str, typer.Argument(help="Name of the subscription.")],
    config: ConfigOption = DEFAULT_CONFIG,
    workspace: WorkspaceOption = None,
    recipient: RecipientOption = None,
    folder: Annotated[Path, typer.Option("--to", help="Folder for the files.")] = Path(),
) -> None:
    """Write a subscription's mails as files, and send nothing."""
    trial = _mail_preview(config, workspace, subscription, recipient)
    for archived, mail in trial.preview():
        manifest = archived.manifest
        suffix = "json" if mail.startswith(b"{") else "eml"
        path = folder / f"{manifest.workspace}-{manifest.report}-{manifest.report_date}.{suffix}"
        folder.mkdir(parents=True, exist_ok=True)
        path.write_bytes(mail)
        typer.echo(str(path))


def send_test(
    subscription: Annotated[str, typer.Argument(help="Name of the subscription.")],
    to: Annotated[str, typer.Option("--to", help="Address that the mails are sent to.")],
    config: ConfigOption = DEFAULT_CONFIG,
    workspace: WorkspaceOption = None,
    recipient: RecipientOption = None,
) -> None:
    """Send a subscription's mails, marked TEST, to one address; the ledger knows nothing of it."""
    outcomes: set[str] = set()
    for message, answer in _mail_preview(config, workspace, subscription, recipient).send(to):
        typer.echo(f"{message.subject}: {answer.outcome}, {answer.text}")
        outcomes.add(answer.outcome)
    if outcomes != {"accepted"}:
        raise typer.Exit(1)


def _mail_preview(config: Path, workspace: str | None, subscription: str, recipient: str | None) -> "Trial":
    from assets.archive.catalog import Catalog
    from assets.deliver.preview import Trial

    settings = load_config_or_warn(config)
    found = list(_chosen_subscriptions(settings, workspace, subscription))
    if len(found) > 1:
        raise ConfigError(f"say which: --workspace {' or '.join(each.slug for each, _ in found)}")
    return Trial(settings, Catalog(settings.state), *found[0], recipient, datetime.now(UTC))


def _open_ledger(config: Path) -> "tuple[Config, Ledger]":
    from assets.deliver.ledger import Ledger

    settings = load_config_or_warn(config)
    return settings, Ledger(settings.state)


def _chosen_subscriptions(
    settings: "Config", workspace: str | None, name: str | None
) -> "list[tuple[Workspace, Subscription]]":
    found = [
        (each, subscription)
        for each in chosen_workspaces(settings, workspace)
        for subscription in each.subscriptions
        if name in {None, subscription.name}
    ]
    if name and not found:
        raise ConfigError(f"no subscription {name!r}")
    return found


def _delivery_record(delivery: "Delivery") -> dict[str, object]:
    from dataclasses import asdict

    values = {"id": delivery.id} | asdict(delivery)
    plain = (str, int, type(None))
    return {name: value if isinstance(value, plain) else str(value) for name, value in values.items()}

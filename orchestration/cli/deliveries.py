"""Commands about what is sent to whom; `app.py` is the command line they belong to."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from assets.errors import ReportError
from orchestration.cli.messages import unknown_name, which_workspace
from orchestration.cli.options import (
    DEFAULT_CONFIG,
    ConfigOption,
    JsonOption,
    WorkspaceOption,
    chosen_workspaces,
    example,
    load_config_or_warn,
)

if TYPE_CHECKING:
    from assets.config.deployment import Config
    from assets.config.subscription import Subscription
    from assets.config.workspace import Workspace
    from assets.deliver.delivery import Delivery
    from assets.deliver.ledger import Ledger
    from assets.deliver.preview import Trial

app = typer.Typer(
    help="Inspect and manage deliveries.",
    epilog=example("deliveries list --state unknown"),
    no_args_is_help=True,
)

SubscriptionOption = Annotated[
    str | None, typer.Option("--subscription", metavar="NAME", help="Subscription (default: all).")
]
SubscriptionArgument = Annotated[
    str, typer.Argument(metavar="SUBSCRIPTION", help="Name of the subscription.")
]
IdArgument = Annotated[str, typer.Argument(metavar="ID", help="ID of the delivery, or its first characters.")]
RecipientOption = Annotated[
    str | None,
    typer.Option("--as", metavar="ADDRESS", help="Recipient whose mail it is (default: the first)."),
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


@app.command("list", epilog=example("deliveries list --state failed --limit 20"))
def list_deliveries(
    config: ConfigOption = DEFAULT_CONFIG,
    workspace: WorkspaceOption = None,
    subscription: SubscriptionOption = None,
    state: Annotated[
        list[str] | None, typer.Option(metavar="STATE", help="State of the deliveries. Repeatable.")
    ] = None,
    limit: Annotated[int, typer.Option(metavar="N", min=1, help="Maximum number; the latest ones.")] = 100,
    as_json: JsonOption = False,
) -> None:
    """List deliveries, the latest last."""
    from orchestration.cli.console import print_records

    _, ledger = _open_ledger(config, workspace)
    found = ledger.search(workspace, subscription, state or [], limit)
    if as_json:
        typer.echo(json.dumps([_delivery_record(each) for each in found], indent=2, ensure_ascii=False))
        return
    rows = [_delivery_record(each) | {"id": each.id[:8]} for each in found]
    print_records([{name: str(row[name]) for name in _SHOWN} for row in rows])


@app.command(epilog=example("deliveries evaluations --subscription long_waits"))
def evaluations(
    config: ConfigOption = DEFAULT_CONFIG,
    workspace: WorkspaceOption = None,
    subscription: SubscriptionOption = None,
    limit: Annotated[int, typer.Option(metavar="N", min=1, help="Maximum number; the latest ones.")] = 100,
    as_json: JsonOption = False,
) -> None:
    """List evaluations of conditions, the latest last."""
    from dataclasses import asdict

    from orchestration.cli.console import print_records

    _, ledger = _open_ledger(config, workspace)
    found = [asdict(each) for each in ledger.evaluations(workspace, subscription, limit)]
    if as_json:
        typer.echo(json.dumps(found, indent=2, ensure_ascii=False, default=str))
        return
    print_records(
        [
            {
                "subscription": f"{each['workspace']}/{each['subscription']}",
                "report": f"{each['report']} of {each['report_date']} v{each['version']}",
                "condition": each["condition"],
                "value": "-" if each["value"] is None else f"{each['value']:,g}",
                "of": "-" if each["count"] is None else f"{each['count']:,}",
                "outcome": f"{each['outcome']}: {each['reason']}" if each["reason"] else each["outcome"],
                "sent": each["sent"] or f"nothing: {each['why_not']}",
            }
            for each in found
        ]
    )


@app.command(epilog=example("deliveries show 3f2a"))
def show(delivery: IdArgument, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Show a delivery, and the file of its mail."""
    from assets.deliver.outbox import Outbox

    settings, ledger = _open_ledger(config)
    found = ledger.get(delivery)
    for name, value in _delivery_record(found).items():
        typer.echo(f"{name}: {'-' if value is None else value}")
    if found.content:
        typer.echo(f"mail: {Outbox(settings.archive, found.workspace).path(found.content)}")


@app.command(epilog=example("deliveries retry 3f2a"))
def retry(delivery: IdArgument, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Retry a delivery that did not arrive.

    It is sent the next time that deliveries are sent.
    """
    from assets.deliver.delivery import retry_changes

    _, ledger = _open_ledger(config)
    found, now = ledger.get(delivery), datetime.now(UTC)
    ledger.decide(found, now, **retry_changes(found, now))
    typer.echo(f"delivery {found.id} to {found.recipient} is planned again")


@app.command(epilog=example("deliveries resolve 3f2a --arrived"))
def resolve(
    delivery: IdArgument,
    arrived: Annotated[bool, typer.Option("--arrived/--lost", help="Whether the recipient has it.")],
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Resolve a delivery with an unknown outcome.

    Ask the recipient, then record whether the delivery arrived or was lost.
    """
    from assets.deliver.delivery import resolution_changes

    _, ledger = _open_ledger(config)
    found = ledger.get(delivery)
    values = resolution_changes(found, arrived=arrived)
    ledger.decide(found, datetime.now(UTC), **values)
    typer.echo(f"delivery {found.id} is {values['state']}")


@app.command(epilog=example("deliveries cancel 3f2a"))
def cancel(delivery: IdArgument, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Cancel a pending delivery."""
    from assets.deliver.delivery import cancellation_changes

    _, ledger = _open_ledger(config)
    found = ledger.get(delivery)
    ledger.decide(found, datetime.now(UTC), **cancellation_changes(found))
    typer.echo(f"delivery {found.id} is canceled")


@app.command(epilog=example("deliveries send --subscription managers"))
def send(
    config: ConfigOption = DEFAULT_CONFIG,
    workspace: WorkspaceOption = None,
    subscription: SubscriptionOption = None,
) -> None:
    """Send due and pending deliveries now.

    Does what the delivery sensor does; nothing is sent twice.
    """
    from assets.archive.catalog import Catalog
    from assets.deliver.dispatcher import Dispatcher
    from assets.deliver.ledger import Ledger

    settings = load_config_or_warn(config, workspace)
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
        refusals += [f"{each.slug}/{one.name}: {done.refusal}; it will be retried"] if done.refusal else []
    if refusals:
        raise ReportError("\n".join(refusals))


def preview(
    subscription: SubscriptionArgument,
    config: ConfigOption = DEFAULT_CONFIG,
    workspace: WorkspaceOption = None,
    recipient: RecipientOption = None,
    folder: Annotated[Path, typer.Option("--to", metavar="FOLDER", help="Folder for the files.")] = Path(),
) -> None:
    """Preview a subscription's mails as files.

    Writes one .eml file (a channel: .json) for each report; nothing is sent.
    """
    trial = _mail_preview(config, workspace, subscription, recipient)
    for archived, mail in trial.preview():
        manifest = archived.manifest
        suffix = "json" if mail.startswith(b"{") else "eml"
        path = folder / f"{manifest.workspace}-{manifest.report}-{manifest.report_date}.{suffix}"
        folder.mkdir(parents=True, exist_ok=True)
        path.write_bytes(mail)
        typer.echo(str(path))


def send_test(
    subscription: SubscriptionArgument,
    to: Annotated[str, typer.Option("--to", metavar="ADDRESS", help="Address to send to.")],
    config: ConfigOption = DEFAULT_CONFIG,
    workspace: WorkspaceOption = None,
    recipient: RecipientOption = None,
) -> None:
    """Send a subscription's mails to one address as a test.

    Subjects are marked TEST; test mails are not recorded in the ledger.
    """
    outcomes: set[str] = set()
    for message, answer in _mail_preview(config, workspace, subscription, recipient).send(to):
        typer.echo(f"{message.subject}: {answer.outcome}, {answer.text}")
        outcomes.add(answer.outcome)
    if outcomes != {"accepted"}:
        raise typer.Exit(1)


def _mail_preview(config: Path, workspace: str | None, subscription: str, recipient: str | None) -> "Trial":
    from assets.archive.catalog import Catalog
    from assets.deliver.preview import Trial

    settings = load_config_or_warn(config, workspace)
    found = list(_chosen_subscriptions(settings, workspace, subscription))
    if len(found) > 1:
        raise which_workspace([each.slug for each, _ in found])
    return Trial(settings, Catalog(settings.state), *found[0], recipient, datetime.now(UTC))


def _open_ledger(config: Path, workspace: str | None = None) -> "tuple[Config, Ledger]":
    from assets.deliver.ledger import Ledger

    settings = load_config_or_warn(config, workspace)
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
        known = {each.name for space in settings.workspaces for each in space.subscriptions}
        raise unknown_name("subscription", name, sorted(known))
    return found


def _delivery_record(delivery: "Delivery") -> dict[str, object]:
    from dataclasses import asdict

    values = {"id": delivery.id} | asdict(delivery)
    plain = (str, int, type(None))
    return {name: value if isinstance(value, plain) else str(value) for name, value in values.items()}

"""The recipients of a subscription: those of the configuration, or the valid rows of a CSV file."""

from dataclasses import dataclass
from email.utils import parseaddr
from pathlib import Path

from pydantic import ValidationError

from assets.config.channels import Channel, GoogleChat, Sftp, Slack, Teams, Webhook
from assets.config.deployment import Config
from assets.config.mistakes import mistakes_of
from assets.config.subscription import Recipient, Subscription
from assets.config.workspace import Workspace
from assets.runtime.csv_rows import read_csv_rows

_OWN = ("language", "mask_contacts")


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that is not a valid recipient: its file and line, and the reason."""

    row: str
    reason: str


def resolve_recipients(
    config: Config, workspace: Workspace, subscription: Subscription
) -> tuple[list[Recipient], list[Rejected]]:
    """Return the recipients of *subscription*, and the rejected rows of its file.

    A channel is one recipient, whose address is its name. Raises ConfigError if the file cannot be read.
    """
    if subscription.channel:
        return [Recipient.model_construct(address=channel_name(subscription.channel))], []
    recipients, rejected = list(subscription.recipients), list[Rejected]()
    if (path := subscription.recipients_file) is not None:
        recipients, rejected = _read_recipients(path, config, workspace, subscription)
    listed = {recipient.address.lower() for recipient in recipients}
    if subscription.cc_operator and config.operator and config.operator.lower() not in listed:
        recipients.append(Recipient(address=config.operator))
    return recipients, rejected


def _read_recipients(
    path: Path, config: Config, workspace: Workspace, subscription: Subscription
) -> tuple[list[Recipient], list[Rejected]]:
    recipients: dict[str, Recipient] = {}
    rejected = []
    details = {name.lower(): name for name in subscription.details_asked}
    for line, cells in read_csv_rows(path, {"address", *details}):
        where = f"{path}, line {line}"
        try:
            recipient = _parse_recipient(
                {details.get(name, name): cell for name, cell in cells.items()}, subscription
            )
        except ValidationError as error:
            rejected.append(Rejected(where, "; ".join(mistakes_of(error, Recipient))))
            continue
        except ValueError as error:
            rejected.append(Rejected(where, str(error)))
            continue
        if recipient.address.lower() in recipients:
            rejected.append(Rejected(where, f"duplicate recipient: {recipient.address}"))
        elif recipient.mask_contacts and workspace.mask_key is None:
            rejected.append(Rejected(where, "`mask_contacts` requires the workspace's `mask_key`"))
        elif not config.allows(recipient.address):
            rejected.append(Rejected(where, f"{recipient.address} is not in `allowed_domains`"))
        else:
            recipients[recipient.address.lower()] = recipient
    return [*recipients.values()], rejected


def _parse_recipient(cells: dict[str, str], subscription: Subscription) -> Recipient:
    """Return the recipient of one row; other columns are ignored. Raises ValueError."""
    known = {"address", *_OWN, *subscription.details_asked}
    values = {name: cell for name, cell in cells.items() if name in known and cell}
    if missing := sorted(subscription.details_asked - values.keys() - {"address"}):
        raise ValueError(f"{missing[0]}: required, because `filters` use {{recipient.{missing[0]}}}")
    if "address" in values:  # "Ann Smith <ann@example.org>", as mail programs copy them
        values["address"] = parseaddr(values["address"])[1] or values["address"]
    return Recipient.model_validate(values)


def channel_name(channel: Channel) -> str:
    """Return the ledger's name for *channel*, which contains no secret."""
    match channel:
        case Webhook():
            return "webhook"
        case Slack():
            return "slack"
        case Teams():
            return "teams"
        case GoogleChat():
            return "google_chat"
        case Sftp():
            return f"sftp://{channel.username}@{channel.host}/{channel.folder}"

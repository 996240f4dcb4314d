"""Who is sent an issue: the recipients of the configuration, or the rows of a CSV file that are right."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from email.utils import parseaddr
from pathlib import Path

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from assets.config.channels import Channel, Sftp, Slack, Webhook
from assets.config.deployment import Config
from assets.config.subscription import Recipient, Subscription
from assets.config.workspace import Workspace
from assets.errors import ConfigError

_OWN = ("language", "mask_contacts")


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that names no recipient: where it is, and what is wrong with it."""

    row: str
    reason: str


def resolve_recipients(
    config: Config, workspace: Workspace, subscription: Subscription
) -> tuple[list[Recipient], list[Rejected]]:
    """Return who is sent the reports of *subscription*, and the rows that are wrong.

    A channel is one recipient, whose address is its name. Raises ConfigError where the file cannot be
    read at all.
    """
    if subscription.channel:
        return [Recipient.model_construct(address=channel_name(subscription.channel))], []
    found, rejected = list(subscription.recipients), list[Rejected]()
    if (path := subscription.recipients_file) is not None:
        found, rejected = _read_recipients(path, config, workspace, subscription)
    listed = {each.address.lower() for each in found}
    if subscription.cc_operator and config.operator and config.operator.lower() not in listed:
        found.append(Recipient(address=config.operator))
    return found, rejected


def _read_recipients(
    path: Path, config: Config, workspace: Workspace, subscription: Subscription
) -> tuple[list[Recipient], list[Rejected]]:
    recipients: dict[str, Recipient] = {}
    rejected = []
    for line, cells in _read_rows(path, subscription.details_asked):
        where = f"{path}, line {line}"
        try:
            one = _parse_recipient(cells, subscription)
        except ValidationError as error:
            rejected.append(Rejected(where, "; ".join(_describe_error(each) for each in error.errors())))
            continue
        except ValueError as error:
            rejected.append(Rejected(where, str(error)))
            continue
        if one.address.lower() in recipients:
            rejected.append(Rejected(where, f"{one.address} is listed twice"))
        elif one.mask_contacts and workspace.mask_key is None:
            rejected.append(Rejected(where, "`mask_contacts` needs the workspace's `mask_key`"))
        elif not config.allows(one.address):
            rejected.append(Rejected(where, f"{one.address} is in none of the `allowed_domains`"))
        else:
            recipients[one.address.lower()] = one
    return [*recipients.values()], rejected


def _read_rows(path: Path, details: set[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield the rows with any cell; names of columns in any case, delimited as any spreadsheet does."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            first = file.readline()
            file.seek(0)
            rows = csv.reader(file, delimiter=max(",;\t", key=first.count), strict=True)
            names = [name.strip().lower() for name in next(rows, [])]
            if missing := ({"address"} | set(map(str.lower, details))) - set(names):
                raise ConfigError(f"{path}: no column {', '.join(sorted(missing))} in the first line")
            asked = {name.lower(): name for name in details}
            for cells in rows:
                if any(cell.strip() for cell in cells):
                    named = zip(names, cells, strict=False)
                    yield rows.line_num, {asked.get(name, name): cell.strip() for name, cell in named}
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"{path}: {error}") from None


def _parse_recipient(cells: dict[str, str], subscription: Subscription) -> Recipient:
    """Return the recipient of one row; columns that nobody asks for are left out."""
    known = {"address", *_OWN, *subscription.details_asked}
    given = {name: cell for name, cell in cells.items() if name in known and cell}
    if missing := sorted(subscription.details_asked - given.keys() - {"address"}):
        raise ValueError(f"{given.get('address', 'the row')} has no {missing[0]}, which `filters` name")
    if "address" in given:  # "Ann Smith <ann@example.org>", as mail programs copy them
        given["address"] = parseaddr(given["address"])[1] or given["address"]
    return Recipient.model_validate(given)


def _describe_error(error: ErrorDetails) -> str:
    where = ".".join(map(str, error["loc"]))
    return f"{where}: {error['msg'].removeprefix('Value error, ')}, not {error['input']!r}"


def channel_name(channel: Channel) -> str:
    """Return what the ledger calls *channel*: no secret is in it."""
    match channel:
        case Webhook():
            return "webhook"
        case Slack():
            return "slack"
        case Sftp():
            return f"sftp://{channel.username}@{channel.host}/{channel.folder}"

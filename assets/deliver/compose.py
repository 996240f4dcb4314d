"""Compose mails and channel messages about an archived version: text from its report, files from its folder.

Who receives them, and when, is decided in `prepare.py` and `due_deliveries.py`.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache, partial
from pathlib import Path
from typing import assert_never

from assets.archive.archive import NotArchived, address, opened_first
from assets.archive.version import VARIANT, Archived
from assets.config.channels import Channel, GoogleChat, Sftp, Slack, Teams, Webhook
from assets.config.deployment import Config
from assets.config.subscription import Subscription
from assets.config.workspace import Workspace
from assets.deliver.channels.google_chat import google_chat_body
from assets.deliver.channels.mime import MailHeaders, message_id, report_message
from assets.deliver.channels.slack import slack_body
from assets.deliver.channels.teams import teams_body
from assets.deliver.channels.webhook import webhook_body
from assets.render.alerts import AlertNotice
from assets.render.chat import MAX_LISTED, chat_message
from assets.render.mail import Bodies, Correction, MailContext, mail_bodies, summarize_report
from assets.report.model import Report

_MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True)
class OutgoingMessage:
    """The content to send, and a mail without files for a server with a smaller limit."""

    subject: str
    content: bytes
    without_files: bytes | None


@dataclass(frozen=True, slots=True)
class Occasion:
    """Why a message is sent, if not as a report: it corrects the delivery `corrects`, or is an alert."""

    corrects: str = ""
    correction: Correction | None = None
    alert: AlertNotice | None = None


AS_REPORT = Occasion()


@dataclass(frozen=True, slots=True)
class Composer:
    """Composes the messages of one subscription, dated *now*; *mark* prefixes the subject of a test."""

    config: Config
    workspace: Workspace
    subscription: Subscription
    now: datetime
    mark: str = ""

    def message(
        self, archived: Archived, recipient: str, delivery_id: str, occasion: Occasion = AS_REPORT
    ) -> OutgoingMessage:
        """Return the message about *archived* for *recipient*.

        A correction has no files. Raises MailNotSafe, and NotArchived if a file to attach is not in the
        version.
        """
        context = MailContext(
            version=archived.manifest.version,
            place=self._archive_location(archived),
            figures=self.subscription.figures and occasion.correction is None,
            correction=occasion.correction,
            alert=occasion.alert,
        )
        if self.subscription.channel:
            return self._channel_message(self.subscription.channel, archived, context)
        return self._mail_message(archived, recipient, delivery_id, context, occasion.corrects)

    def _channel_message(self, channel: Channel, archived: Archived, context: MailContext) -> OutgoingMessage:
        report = archived.report()
        summary = summarize_report(report, replace(context, max_listed=MAX_LISTED))
        chat = partial(chat_message, report, summary, self._file_links(archived))
        match channel:
            case Webhook():
                root, url = self.config.archive, self.config.archive_url
                content = webhook_body(
                    archived, lambda name: address(root, url, archived.folder / name), context
                )
            case Slack():
                content = slack_body(chat())
            case Teams():
                content = teams_body(chat())
            case GoogleChat():
                content = google_chat_body(chat())
            case Sftp():
                root = self.config.archive / self.workspace.slug
                content = _sftp_upload(archived, self._attachment_names(archived), root)
            case unknown:
                assert_never(unknown)
        return OutgoingMessage(summary.subject, content, None)

    def _mail_message(
        self,
        archived: Archived,
        recipient: str,
        delivery_id: str,
        context: MailContext,
        corrects: str,
    ) -> OutgoingMessage:
        names = {} if context.correction else self._attachment_names(archived)
        files = dict(zip(names, _read_files(archived.folder, tuple(names.values())), strict=True))
        context = replace(context, attached=tuple(files))
        headers = self._mail_headers(recipient, delivery_id, corrects)
        bodies = self._mark_subject(_cached_bodies(archived.folder, context))
        if not files:
            return OutgoingMessage(bodies.subject, report_message(headers, bodies, {}), None)
        without_attachments = self._mark_subject(
            _cached_bodies(archived.folder, replace(context, attached=(), too_large=True))
        )
        without_files = report_message(headers, without_attachments, {})
        if sum(map(len, files.values())) * 4 / 3 > self._max_bytes:  # base64 adds a third
            return OutgoingMessage(bodies.subject, without_files, None)
        return OutgoingMessage(bodies.subject, report_message(headers, bodies, files), without_files)

    def _attachment_names(self, archived: Archived) -> dict[str, str]:
        """Return the archived files to send, by a name that is unique in a mailbox."""
        manifest = archived.manifest
        report = manifest.report.partition(VARIANT)[0]
        name = f"{manifest.workspace}-{report}-{manifest.report_date}-v{manifest.version}"
        attached_files = {format_.file for format_ in self.subscription.attach}
        if missing := attached_files - {entry.name for entry in manifest.files}:
            raise NotArchived(f"version {manifest.version} has no {min(missing)} file")
        return {
            f"{name}{Path(entry.name).suffix}": entry.name
            for entry in manifest.files
            if entry.name in attached_files
        }

    def _mark_subject(self, bodies: Bodies) -> Bodies:
        return replace(bodies, subject=f"{self.mark}{bodies.subject}")

    @property
    def _max_bytes(self) -> float:
        return self.config.mail_server.max_mb * _MEGABYTE

    def _mail_headers(self, recipient: str, delivery_id: str, corrects: str) -> MailHeaders:
        smtp = self.config.mail_server
        domain = smtp.sender.rpartition("@")[2]
        return MailHeaders(
            sender=smtp.sender,
            sender_name=self.workspace.name,
            recipient=recipient,
            reply_to=smtp.reply_to or smtp.sender,
            message_id=message_id(delivery_id, smtp.sender),
            date=self.now.astimezone(self.workspace.zone),
            list_id=f"{self.subscription.name}.{self.workspace.slug}.{domain}",
            corrects=message_id(corrects, smtp.sender) if corrects else "",
        )

    def _file_links(self, archived: Archived) -> dict[str, str]:
        """Return the URL of each file of `attach` that the version has, by its format; none without URLs."""
        root, url = self.config.archive, self.config.archive_url
        names = {entry.name for entry in archived.manifest.files} if url else set[str]()
        return {
            format_.value.upper(): address(root, url, archived.folder / format_.file)
            for format_ in self.subscription.attach
            if format_.file in names
        }

    def _archive_location(self, archived: Archived) -> str:
        """Return the URL of the version, or its folder in the archive if no `archive_url` is configured."""
        root, url = self.config.archive, self.config.archive_url
        if url is None:
            return archived.folder.relative_to(root).as_posix()
        names = [entry.name for entry in archived.manifest.files]
        return address(root, url, archived.folder / opened_first(names))


@lru_cache(maxsize=16)
def _cached_bodies(folder: Path, context: MailContext) -> Bodies:
    """Return the mail bodies for the version in *folder*; they are the same for many recipients."""
    report = Report.model_validate_json((folder / "report.json").read_bytes())
    return mail_bodies(report, context)


@lru_cache(maxsize=4)
def _read_files(folder: Path, names: Sequence[str]) -> list[bytes]:
    return [(folder / name).read_bytes() for name in names]


def _sftp_upload(archived: Archived, names: dict[str, str], root: Path) -> bytes:
    """Return the JSON list of files to upload; *names* has the archived file by its name at the server."""
    hashes = {entry.name: entry.sha256 for entry in archived.manifest.files}
    upload = {
        "folder": archived.folder.relative_to(root).as_posix(),
        "files": {name: {"name": file, "sha256": hashes[file]} for name, file in names.items()},
    }
    return json.dumps(upload, sort_keys=True).encode()

"""A mail about an archived version, or a message to a channel: words from its report, files from its folder.

Who gets it, and when, is decided in `dispatcher.py`.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from pathlib import Path

from assets.archive.archive import NotArchived, address, opened_first
from assets.archive.version import VARIANT, Archived
from assets.config.channels import Channel, Sftp, Slack, Webhook
from assets.config.deployment import Config
from assets.config.subscription import Subscription
from assets.config.workspace import Workspace
from assets.deliver.channels.mime import MailHeaders, message_id, report_message
from assets.deliver.channels.slack import slack_body
from assets.deliver.channels.webhook import webhook_body
from assets.render.mail import Bodies, Correction, MailContext, mail_bodies
from assets.report.model import Report

_MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True)
class OutgoingMessage:
    """A mail to send, and the one without files for a server that takes no more."""

    subject: str
    content: bytes
    without_files: bytes | None


@dataclass(frozen=True, slots=True)
class Composer:
    """Writes the mails of one subscription, dated *now*; *mark* begins the subject of a test."""

    config: Config
    workspace: Workspace
    subscription: Subscription
    now: datetime
    mark: str = ""

    def letter(
        self,
        archived: Archived,
        recipient: str,
        delivery_id: str,
        correction: tuple[str, Correction] | None = None,
    ) -> OutgoingMessage:
        """Return what is sent of *archived*; a *correction* has the id of what it corrects, and no files.

        Raises MailNotSafe.
        """
        said = MailContext(
            version=archived.manifest.version,
            place=self._archive_location(archived),
            figures=self.subscription.figures and correction is None,
            correction=correction[1] if correction else None,
        )
        if self.subscription.channel:
            return self._channel_message(self.subscription.channel, archived, said)
        return self._mail_message(
            archived, recipient, delivery_id, said, correction[0] if correction else None
        )

    def _channel_message(self, channel: Channel, archived: Archived, said: MailContext) -> OutgoingMessage:
        subject = f"{self.mark}{_cached_bodies(archived.folder, replace(said, figures=False)).subject}"
        match channel:
            case Webhook():
                root, url = self.config.archive, self.config.archive_url
                content = webhook_body(
                    archived, lambda name: address(root, url, archived.folder / name), said.correction
                )
            case Slack():
                content = slack_body(archived.report(), subject, said.place)
            case Sftp():
                root = self.config.archive / self.workspace.slug
                content = _sftp_order(archived, self._attachment_names(archived), root)
        return OutgoingMessage(subject, content, None)

    def _mail_message(
        self, archived: Archived, recipient: str, delivery_id: str, said: MailContext, corrects: str | None
    ) -> OutgoingMessage:
        names = {} if said.correction else self._attachment_names(archived)
        files = dict(zip(names, _read_files(archived.folder, tuple(names.values())), strict=True))
        said = replace(said, attached=tuple(files))
        heads = self._mail_headers(recipient, delivery_id, corrects)
        bodies = self._mark_subject(_cached_bodies(archived.folder, said))
        if not files:
            return OutgoingMessage(bodies.subject, report_message(heads, bodies, {}), None)
        plain = self._mark_subject(
            _cached_bodies(archived.folder, replace(said, attached=(), too_large=True))
        )
        without_files = report_message(heads, plain, {})
        if sum(map(len, files.values())) * 4 / 3 > self._most_bytes:  # as base64 has them
            return OutgoingMessage(bodies.subject, without_files, None)
        return OutgoingMessage(bodies.subject, report_message(heads, bodies, files), without_files)

    def _attachment_names(self, archived: Archived) -> dict[str, str]:
        """Return the archived files to send, by names that tell them apart in a mailbox."""
        manifest = archived.manifest
        report = manifest.report.partition(VARIANT)[0]
        name = f"{manifest.workspace}-{report}-{manifest.report_date}-v{manifest.version}"
        wanted = {each.file for each in self.subscription.attach}
        if missing := wanted - {each.name for each in manifest.files}:
            raise NotArchived(f"version {manifest.version} was made without {min(missing)}")
        return {
            f"{name}{Path(each.name).suffix}": each.name for each in manifest.files if each.name in wanted
        }

    def _mark_subject(self, bodies: Bodies) -> Bodies:
        return replace(bodies, subject=f"{self.mark}{bodies.subject}")

    @property
    def _most_bytes(self) -> float:
        return self.config.mail_server.max_mb * _MEGABYTE

    def _mail_headers(self, recipient: str, delivery_id: str, corrects: str | None) -> MailHeaders:
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

    def _archive_location(self, archived: Archived) -> str:
        """Return where all files are: an address where there is one, else the folder in the archive."""
        root, url = self.config.archive, self.config.archive_url
        if url is None:
            return archived.folder.relative_to(root).as_posix()
        names = [each.name for each in archived.manifest.files]
        return address(root, url, archived.folder / opened_first(names))


@lru_cache(maxsize=16)
def _cached_bodies(folder: Path, said: MailContext) -> Bodies:
    """Return the bodies for the version in *folder*, which never changes: the same for many recipients."""
    report = Report.model_validate_json((folder / "report.json").read_bytes())
    return mail_bodies(report, said)


@lru_cache(maxsize=4)
def _read_files(folder: Path, names: Sequence[str]) -> list[bytes]:
    return [(folder / name).read_bytes() for name in names]


def _sftp_order(archived: Archived, names: dict[str, str], root: Path) -> bytes:
    """Return which archived files go under which *names* (the archive's name by theirs)."""
    hashes = {each.name: each.sha256 for each in archived.manifest.files}
    order = {
        "folder": archived.folder.relative_to(root).as_posix(),
        "files": {name: {"name": file, "sha256": hashes[file]} for name, file in names.items()},
    }
    return json.dumps(order, sort_keys=True).encode()

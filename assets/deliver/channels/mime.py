"""Encode mails as MIME: clean the header values, and check the finished header block again.

The text of a mail is in `render/mail.py`, sending it in `smtp.py`.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.header import Header
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import format_datetime
from urllib.parse import quote

from assets.deliver.channels.base import clean_header
from assets.errors import PermanentError
from assets.render.mail import Bodies

_ALLOWED = {
    "From",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "In-Reply-To",
    "References",
    "Reply-To",
    "Auto-Submitted",
    "List-ID",
    "List-Unsubscribe",
    "MIME-Version",
    "Content-Type",
    "Content-Transfer-Encoding",
}
_TYPES = {
    "pdf": ("application", "pdf"),
    "html": ("text", "html"),
    "csv": ("text", "csv"),
    "xlsx": ("application", "vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    "parquet": ("application", "vnd.apache.parquet"),
}
_COPY = b"X-Possible-Copy: the mail with this Message-ID may have arrived before\r\n"


class _Policy(EmailPolicy):
    """Folds headers for SMTP.

    Python would split identifiers into encoded words, and begin a long subject on the next line with a
    blank that readers see; both stay on the header's first line.
    """

    _WHOLE = frozenset({"Message-ID", "In-Reply-To", "References", "List-ID", "List-Unsubscribe"})

    def fold_binary(self, name: str, value: str) -> bytes:
        if name == "Subject" and not value.isascii():
            value = Header(value, "utf-8", header_name=name).encode(linesep="\r\n")
        if name in self._WHOLE or name == "Subject":
            return f"{name}: {value}\r\n".encode("ascii")
        return super().fold_binary(name, value)


class MailNotSafe(PermanentError):
    """The header block differs from what was put into it; the mail is not sent."""


@dataclass(frozen=True, slots=True)
class MailHeaders:
    """The header values of a report's mail; texts are untrusted, addresses are validated.

    `list_id` is the subscription's dotted name, `corrects` the Message-ID of the corrected mail.
    """

    sender: str
    sender_name: str
    recipient: str
    reply_to: str
    message_id: str
    date: datetime
    list_id: str
    corrects: str = ""


@dataclass(frozen=True, slots=True)
class OperatorHeaders:
    """The header values of a mail to the operator; *earlier* are the Message-IDs of its thread, in order."""

    sender: str
    operator: str
    subject: str
    date: datetime
    message_id: str
    earlier: Sequence[str] = ()


def message_id(delivery_id: str, sender: str) -> str:
    """Return the Message-ID of a delivery, the same for every attempt."""
    return f"<{delivery_id}@{sender.rpartition('@')[2]}>"


def report_message(headers: MailHeaders, bodies: Bodies, files: Mapping[str, bytes]) -> bytes:
    """Return a mail with text and HTML *bodies* and *files* by name; equal arguments give equal bytes.

    Raises MailNotSafe.
    """
    message = _new_message(
        headers.sender, headers.sender_name, headers.recipient, bodies.subject, headers.date
    )
    message["Message-ID"] = headers.message_id
    if headers.corrects:
        message["In-Reply-To"] = headers.corrects
        message["References"] = headers.corrects
    message["Reply-To"] = Address(addr_spec=headers.reply_to)
    message["List-ID"] = f"<{headers.list_id}>"
    unsubscribe = f"{quote(headers.reply_to, safe='@')}?subject={quote(f'unsubscribe {headers.list_id}')}"
    message["List-Unsubscribe"] = f"<mailto:{unsubscribe}>"
    message.set_content(bodies.text, cte="quoted-printable")
    message.add_alternative(bodies.html, subtype="html", cte="quoted-printable")
    for name, data in files.items():
        maintype, subtype = _TYPES[name.rpartition(".")[2]]
        message.add_attachment(data, maintype, subtype, filename=name)
    parts = (part for part in message.walk() if part.is_multipart())
    for number, part in enumerate(parts):
        part.set_boundary(f"=_{headers.message_id[1:33]}_{number}")
    return _check_headers(message.as_bytes())


def as_possible_copy(mail: bytes) -> bytes:
    """Return *mail* with a header that says that it may have arrived before."""
    return _COPY + mail


def operator_message(headers: OperatorHeaders, paragraphs: Sequence[str]) -> bytes:
    """Return a plain mail from the program to its operator. Raises MailNotSafe."""
    message = _new_message(
        headers.sender, "Assignment Reports", headers.operator, headers.subject, headers.date
    )
    message["Message-ID"] = headers.message_id
    if headers.earlier:
        message["In-Reply-To"] = headers.earlier[-1]
        message["References"] = " ".join(headers.earlier)
    message.set_content("\n\n".join(paragraphs) + "\n", cte="quoted-printable")
    return _check_headers(message.as_bytes())


def _new_message(sender: str, name: str, recipient: str, subject: str, date: datetime) -> EmailMessage:
    message = EmailMessage(policy=_Policy(linesep="\r\n"))
    message["From"] = Address(clean_header(name), addr_spec=sender)
    message["To"] = Address(addr_spec=recipient)
    message["Subject"] = clean_header(subject)
    message["Date"] = format_datetime(date)
    message["Auto-Submitted"] = "auto-generated"
    return message


def _check_headers(mail: bytes) -> bytes:
    """Return *mail* if its headers are allowed and unique, and end in CRLF. Raises MailNotSafe."""
    block = mail.partition(b"\r\n\r\n")[0]
    lines = re.split(rb"\r\n(?![ \t])", block)
    names = [line.partition(b":")[0].decode("ascii", "replace") for line in lines]
    strange = [name for name in names if name not in _ALLOWED or names.count(name) > 1]
    if strange or re.search(rb"\r(?!\n)|(?<!\r)\n|\0", block):
        raise MailNotSafe(
            f"the header block of the mail is not what was written: {', '.join(strange) or 'line ends'}"
        )
    return mail

"""Mail as it is sent: header values cleaned, and the finished header block checked again.

What a mail says is in `render/mail.py`, how it reaches the server in `smtp.py`.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.header import Header
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import format_datetime, make_msgid
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
    """Lines as SMTP has them.

    Identifiers are kept whole, which Python would cut into encoded words; a subject begins on its
    line, where Python would begin a long one on the next, with a blank that readers see.
    """

    _WHOLE = frozenset({"Message-ID", "In-Reply-To", "References", "List-ID", "List-Unsubscribe"})

    def fold_binary(self, name: str, value: str) -> bytes:
        if name == "Subject" and not value.isascii():
            value = Header(value, "utf-8", header_name=name).encode(linesep="\r\n")
        if name in self._WHOLE or name == "Subject":
            return f"{name}: {value}\r\n".encode("ascii")
        return super().fold_binary(name, value)


class MailNotSafe(PermanentError):
    """A header block is not what was put into it; the mail is not sent."""


@dataclass(frozen=True, slots=True)
class MailHeaders:
    """The header values of a report's mail; texts may come from anywhere, addresses are checked ones.

    *list_id* is the subscription's name in dots, *corrects* the Message-ID of the mail before.
    """

    sender: str
    sender_name: str
    recipient: str
    reply_to: str
    message_id: str
    date: datetime
    list_id: str
    corrects: str = ""


def message_id(delivery_id: str, sender: str) -> str:
    """Return the Message-ID of a delivery: the same each time it is sent."""
    return f"<{delivery_id}@{sender.rpartition('@')[2]}>"


def report_message(heads: MailHeaders, bodies: Bodies, files: Mapping[str, bytes]) -> bytes:
    """Return a mail with both *bodies* and *files* by name; the same values make the same bytes.

    Raises MailNotSafe.
    """
    message = _new_message(heads.sender, heads.sender_name, heads.recipient, bodies.subject, heads.date)
    message["Message-ID"] = heads.message_id
    if heads.corrects:
        message["In-Reply-To"] = heads.corrects
        message["References"] = heads.corrects
    message["Reply-To"] = Address(addr_spec=heads.reply_to)
    message["List-ID"] = f"<{heads.list_id}>"
    taken_off = f"{quote(heads.reply_to, safe='@')}?subject={quote(f'unsubscribe {heads.list_id}')}"
    message["List-Unsubscribe"] = f"<mailto:{taken_off}>"
    message.set_content(bodies.text, cte="quoted-printable")
    message.add_alternative(bodies.html, subtype="html", cte="quoted-printable")
    _, html = message.iter_parts()
    for content_id, picture in bodies.pictures.items():
        name = f"{content_id.partition('@')[0]}.png"
        html.add_related(picture, "image", "png", cid=f"<{content_id}>", filename=name, disposition="inline")
    for name, data in files.items():
        maintype, subtype = _TYPES[name.rpartition(".")[2]]
        message.add_attachment(data, maintype, subtype, filename=name)
    parts = (part for part in message.walk() if part.is_multipart())
    for number, part in enumerate(parts):
        part.set_boundary(f"=_{heads.message_id[1:33]}_{number}")
    return _check_headers(message.as_bytes())


def as_possible_copy(mail: bytes) -> bytes:
    """Return *mail* flagged as one that may have arrived before."""
    return _COPY + mail


def operator_message(sender: str, operator: str, subject: str, lines: Sequence[str], now: datetime) -> bytes:
    """Return a plain mail from the program to its operator. Raises MailNotSafe."""
    message = _new_message(sender, "Assignment Reports", operator, subject, now)
    message["Message-ID"] = make_msgid(domain=sender.rpartition("@")[2])
    message.set_content("\n\n".join(lines) + "\n", cte="quoted-printable")
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
    """Return *mail* if its header block holds allowed names, none twice, in lines that end as they must."""
    block = mail.partition(b"\r\n\r\n")[0]
    lines = re.split(rb"\r\n(?![ \t])", block)
    names = [line.partition(b":")[0].decode("ascii", "replace") for line in lines]
    strange = [name for name in names if name not in _ALLOWED or names.count(name) > 1]
    if strange or re.search(rb"\r(?!\n)|(?<!\r)\n|\0", block):
        raise MailNotSafe(
            f"the mail's header block is not as it was made: {', '.join(strange) or 'line ends'}"
        )
    return mail

"""Mail as it is sent: header values cleaned, so that no text can become a header.

How it reaches the server is in `smtp.py`.
"""

import unicodedata
from collections.abc import Sequence
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid


def clean(value: str) -> str:
    """Return *value* fit for a header: one line, nothing unprintable, nothing that decodes to a header."""
    plain = "".join(" " if unicodedata.category(each) in {"Cc", "Cs", "Zl", "Zp"} else each for each in value)
    return " ".join(plain.replace("=?", "= ?").split())[:200]


def operator_message(sender: str, operator: str, subject: str, lines: Sequence[str], now: datetime) -> bytes:
    """Return a plain mail from the program to its operator."""
    message = EmailMessage(policy=SMTP)
    message["From"] = Address("Assignment Reports", addr_spec=sender)
    message["To"] = Address(addr_spec=operator)
    message["Subject"] = clean(subject)
    message["Date"] = format_datetime(now)
    message["Message-ID"] = make_msgid(domain=sender.rpartition("@")[2])
    message["Auto-Submitted"] = "auto-generated"
    message.set_content("\n\n".join(lines) + "\n", cte="quoted-printable")
    return message.as_bytes()

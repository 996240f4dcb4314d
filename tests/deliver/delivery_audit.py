"""Proves the promise of delivery from outside: reads the ledger, the archive and the server's mailbox only.

Run as `python delivery_audit.py state.sqlite archive/ mailbox/`. The mailbox is a folder of files, each a mail that
the server took or may have taken, named `<number>-<recipient>.eml`.
"""

import hashlib
import sqlite3
import sys
from collections import defaultdict
from collections.abc import Iterator
from email import message_from_bytes
from pathlib import Path

COPY = "X-Possible-Copy"
ENDS = {"accepted", "failed", "expired", "cancelled", "unknown"}


def broken_promises(state: Path, archive: Path, mailbox: Path) -> list[str]:
    """Return what breaks the promise; nothing where it is kept."""
    with sqlite3.connect(state) as connection:
        connection.row_factory = sqlite3.Row
        rows = {row["id"]: row for row in connection.execute("SELECT * FROM deliveries")}
    connection.close()
    arrived = defaultdict(list)
    for path in sorted(mailbox.glob("*.eml")):
        mail = path.read_bytes()
        delivery = str(message_from_bytes(mail)["Message-ID"])[1:33]
        arrived[delivery].append((path.stem.partition("-")[2], mail))
    found = [f"{key}: a mail that the ledger does not know" for key in arrived.keys() - rows.keys()]
    for key, row in rows.items():
        found += [f"{key} ({row['state']}): {fault}" for fault in faults(row, arrived[key], archive)]
    return found


def faults(row: sqlite3.Row, mails: list[tuple[str, bytes]], archive: Path) -> Iterator[str]:
    if row["state"] not in ENDS:
        yield "it has not come to an end"
    if not row["reason"]:
        yield "it does not say why"
    if len(mails) > 1 + min(row["unconfirmed_attempts"], 1):
        yield f"{len(mails)} copies with {row['unconfirmed_attempts']} unconfirmed attempts"
    if row["state"] == "accepted" and not mails:
        yield "nothing arrived"
    if row["state"] != "accepted" and mails and not row["unconfirmed_attempts"]:
        yield "it arrived"
    for number, (recipient, mail) in enumerate(mails):
        if recipient != row["recipient"]:
            yield f"it went to {recipient}"
        yield from faults_of_bytes(row, mail, archive, is_copy=number > 0)


def faults_of_bytes(row: sqlite3.Row, mail: bytes, archive: Path, *, is_copy: bool) -> Iterator[str]:
    line, _, rest = mail.partition(b"\r\n")
    is_flagged = line.startswith(COPY.encode())
    if is_copy and not is_flagged:
        yield "a copy is not flagged"
    content = rest if is_flagged else mail
    sha256 = hashlib.sha256(content).hexdigest()
    if sha256 not in {row["content"], row["content_without_files"]}:
        yield "what arrived is not what was written down"
    elif (archive / row["workspace"] / ".outbox" / f"{sha256}.eml").read_bytes() != content:
        yield "what arrived is not what is kept"


if __name__ == "__main__":
    broken = broken_promises(*map(Path, sys.argv[1:]))
    print("\n".join(broken) or "the promise is kept")  # noqa: T201 - a script
    sys.exit(bool(broken))

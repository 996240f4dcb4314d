"""What can go wrong while mails are sent: every fault of a server, and every point at which a process is killed."""

import os
import shutil
import signal
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from functools import wraps
from pathlib import Path
from typing import Any

from assets.deliver.channels.smtp import SmtpSession
from assets.deliver.ledger import Ledger
from assets.deliver.ledger_session import SendingSession
from assets.deliver.outbox import Outbox
from assets.state.database import open_state
from tests.deliver.delivery_audit import broken_promises
from tests.deliver.delivery_deployment import DUE, TODAY, DeliveryDeployment
from tests.servers.mail_server import MailServer, Misbehavior, mail_server

Point = tuple[type, str, str]
Fault = Callable[[MailServer], MailServer]

RECIPIENTS = ["ann@acme.example", "bob@acme.example", "cy@acme.example"]
POINTS: list[Point] = [
    (Outbox, "put", "after"),
    (Ledger, "plan", "before"),
    (Ledger, "plan", "after"),
    (SendingSession, "claim", "before"),
    (SendingSession, "claim", "after"),
    (SmtpSession, "_send_data", "after"),
    (SendingSession, "mark_committed", "before"),
    (SendingSession, "mark_committed", "after"),
    (SendingSession, "settle", "before"),
    (SendingSession, "settle", "after"),
]
FAULTS: dict[str, Fault] = {
    "none": lambda server: server,
    "greeting 421": lambda server: server.does("greeting", "421 busy", "421 busy"),
    "greeting 554": lambda server: server.does("greeting", "554 go away"),
    "greeting silence": lambda server: server.does("greeting", Misbehavior.SILENCE),
    "421 at MAIL": lambda server: server.does("MAIL", "250 ok", "421 closing"),
    "451 at MAIL": lambda server: server.does("MAIL", "451 busy"),
    "530 at MAIL": lambda server: server.does("MAIL", "530 log in first"),
    "550 at MAIL": lambda server: server.does("MAIL", "250 ok", "550 not you"),
    "451 at RCPT": lambda server: server.does("RCPT", "451 greylisted", "451 greylisted", "451 greylisted"),
    "one bad of three": lambda server: server.does("RCPT", "250 ok", "550 nobody", "250 ok"),
    "252 at RCPT": lambda server: server.does("RCPT", "252 perhaps"),
    "421 at RCPT": lambda server: server.does("RCPT", "250 ok", "421 closing"),
    "421 at DATA": lambda server: server.does("DATA", "421 closing"),
    "550 at DATA": lambda server: server.does("DATA", "550 no"),
    "451 at DATA": lambda server: server.does("DATA", "451 later"),
    "cut in the body": lambda server: server.does("body", Misbehavior.CUT),
    "451 at dot": lambda server: server.does("dot", "451 later"),
    "421 at dot": lambda server: server.does("dot", "250 ok", "421 closing"),
    "550 at dot": lambda server: server.does("dot", "250 ok", "550 spam"),
    "251 at dot": lambda server: server.does("dot", "251 taken"),
    "reset after dot": lambda server: server.does("dot", Misbehavior.RESET),
    "silence after dot": lambda server: server.does("dot", "250 ok", Misbehavior.SILENCE),
    "garbage after dot": lambda server: server.does("dot", "garbage"),
    "dribble after dot": lambda server: server.does("dot", Misbehavior.DRIBBLE),
    "421 at QUIT": lambda server: server.does("QUIT", "421 closing"),
    "SIZE exceeded": lambda server: server.offers("SIZE 3000").does("MAIL", "250 ok", "552 too large"),
}


def make_due_report(folder: Path) -> None:
    """Make a deployment in *folder* whose report is made and due, and nothing is written down yet."""
    with mail_server() as server:
        deployment = DeliveryDeployment(folder, server, {"recipients": RECIPIENTS, "figures": False})
        deployment.make()
        open_state(deployment.config.state.get_secret_value()).dispose()


def broken_after(
    due: Path, folder: Path, fault: str | Fault, kills: tuple[Point, ...], policy: str
) -> list[str]:
    """Copy what is *due* to *folder* and deliver it until all is over; return what breaks the promise.

    The server has the *fault*, and each of *kills* ends a round. Afterwards `delivery_audit.py` looks at the
    ledger, the archive and the mailbox, and knows nothing else.
    """
    shutil.copytree(due, folder)
    with mail_server() as server:
        (FAULTS[fault] if isinstance(fault, str) else fault)(server)
        subscription = {"recipients": RECIPIENTS, "figures": False, "when_unknown": policy}
        deployment = DeliveryDeployment(folder, server, subscription, now=DUE)
        for point in kills:
            killed_at(point, deployment)
            deployment.now += timedelta(minutes=6)
        for hours in (0, 0.2, 0.5, 1, 2, 4, 8, 9):
            deployment.round(timedelta(hours=hours))
        rows = deployment.rows()
        assert sorted({row.recipient for row in rows}) == RECIPIENTS
        assert len(rows) == len(RECIPIENTS), (kills, rows)
        open_state(deployment.config.state.get_secret_value()).dispose()
        assert TODAY in {row.report_date for row in rows}
        broken = broken_promises(folder / "state.sqlite", folder / "out", arrived(server, folder))
        return [*broken, f"the server was told {server.commands}"] if broken else []


def killed_at(point: Point, deployment: DeliveryDeployment) -> None:
    """Do a round in another process, which kills itself when it comes to *point*."""
    owner, name, when = point
    process = os.fork()
    if process:
        _, status = os.waitpid(process, 0)
        assert status in {0, signal.SIGKILL}, (
            f"the round ended otherwise: {os.waitstatus_to_exitcode(status)}"
        )
        return
    with suppress(BaseException):
        open_state.cache_clear()
        setattr(owner, name, _deadly(getattr(owner, name), when))
        deployment.round()
    os._exit(0)


def _deadly(method: Callable[..., Any], when: str) -> Callable[..., Any]:
    @wraps(method)
    def deadly(*arguments: Any, **named: Any) -> Any:
        if when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        result = method(*arguments, **named)
        os.kill(os.getpid(), signal.SIGKILL)
        return result

    return deadly


def arrived(server: MailServer, folder: Path) -> Path:
    """Write down what the server took, or may have taken: all but what it refused."""
    (mailbox := folder / "mailbox").mkdir()
    for number, mail in enumerate(server.received):
        if isinstance(mail.answer, Misbehavior) or not mail.answer.startswith(("4", "5")):
            (mailbox / f"{number:03}-{mail.recipient}.eml").write_bytes(mail.content)
    return mailbox

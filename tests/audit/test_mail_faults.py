"""Every misbehavior of a mail server at every step of a mail, alone and with a killed sender."""

import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from itertools import product
from pathlib import Path

import pytest

from tests.audit.conftest import Tally
from tests.deliver.delivery_faults import POINTS, Fault, Point, broken_after, make_due_report
from tests.servers.mail_server import GOOD, MailServer, Misbehavior

ACTS: tuple[str | Misbehavior, ...] = (
    "421 closing",
    "451 later",
    "535 log in again",
    "550 no",
    "552 too large",
    "250 what",
    "garbage",
    *Misbehavior,
)
STEPS = ("greeting", "EHLO", "MAIL", "RCPT", "DATA", "body", "dot", "RSET", "QUIT")
REFUSED = {(step, "550 no") for step in ("RCPT", "DATA", "body", "dot")} | {("RCPT", "552 too large")}
"""What the server says about one mail for good; without a kill, each other fault before the dot delays it only."""


def fault_at(step: str, act: str | Misbehavior) -> Fault:
    """Return the fault: with the first of three mails before a connection is up, else with the second."""

    def misbehave(server: MailServer) -> MailServer:
        if step == "RSET":
            server.does("RCPT", "250 ok", "451 later")
            return server.does(step, act)
        is_first = step in {"greeting", "EHLO", "QUIT", "body"}
        return server.does(step, *([] if is_first else [GOOD[step]]), act)

    return misbehave


def harm_of(due: Path, folder: Path, fault: tuple[str, str | Misbehavior], kills: tuple[Point, ...]) -> str:
    policy = ("wait", "resend")[len(str(fault)) % 2]
    broken = broken_after(due, folder, fault_at(*fault), kills, policy)
    with closing(sqlite3.connect(folder / "state.sqlite")) as state:
        states = [row[0] for row in state.execute("SELECT state FROM deliveries")]
    if not kills and fault[0] not in {"dot", "body"} and fault not in REFUSED and set(states) != {"accepted"}:
        broken.append(f"not all were delivered: {states}")
    return "; ".join(broken)


def kills() -> Iterator[tuple[Point, ...]]:
    """Yield each point at which a sender is killed, over and over."""
    shuffled = random.Random(29).sample(POINTS, len(POINTS))
    while True:
        yield from ((point,) for point in shuffled)


@pytest.mark.slow
@pytest.mark.alone
def test_every_misbehavior_of_a_mail_server_at_every_step(tmp_path: Path, tally: Tally) -> None:
    (due := tmp_path / "due").mkdir()
    make_due_report(due)
    outcomes, deaths = dict[str, str](), kills()
    for number, fault in enumerate(product(STEPS, ACTS)):
        for killed in ((), next(deaths)):
            name = f"{fault[1]} at {fault[0]}" + "".join(
                f", {each[0].__name__}.{each[1]} {each[2]}" for each in killed
            )
            outcomes[name] = harm_of(due, tmp_path / f"{number}-{len(killed)}", fault, killed)
    tally("mail servers that misbehave at each step, with and without a killed sender", outcomes)

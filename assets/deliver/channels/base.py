"""What every way out has: its transport's interface, timeouts, and the error where it is closed.

Add a channel as a module beside this one, and its case to `connect.py`.
"""

import socket
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from threading import Timer
from typing import Protocol

from assets.deliver.delivery import Delivery
from assets.deliver.outcome import AttemptResult
from assets.errors import TransientError


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds to wait for each step (RFC 5321, section 4.5.3.2), and for the whole of one mail."""

    connection: float = 30
    command: float = 300
    data: float = 120
    block: float = 180
    dot: float = 600
    whole: float = 1800


DEFAULT_TIMEOUTS = Timeouts()


class ChannelUnavailable(TransientError):
    """No mail can be handed over now: connection, greeting, TLS or login failed."""


@contextmanager
def cut_after(line: Callable[[], socket.socket | None], seconds: float) -> Iterator[None]:
    """Cut the *line* after *seconds*: a server that sends a byte now and then would never time out."""

    def cut() -> None:
        if (sock := line()) is not None:
            with suppress(OSError):
                socket.socket.shutdown(sock, socket.SHUT_RDWR)

    timer = Timer(seconds, cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def clean_header(value: str) -> str:
    """Return *value* fit for a header: one line, nothing unprintable, nothing that decodes to a header."""
    plain = "".join(" " if unicodedata.category(each) in {"Cc", "Cs", "Zl", "Zp"} else each for each in value)
    return " ".join(plain.replace("=?", "= ?").split())[:200]


class Transport(Protocol):
    """A way out that is open."""

    @property
    def is_open(self) -> bool:
        """Tell whether another delivery can go over it."""
        ...

    @property
    def max_bytes(self) -> int | None:
        """The most that it takes at once, where it says so."""
        ...

    def send(self, delivery: Delivery, content: bytes, before_commit: Callable[[], None]) -> AttemptResult:
        """Hand *content* over; *before_dot* is called before the other side may have all of it."""
        ...

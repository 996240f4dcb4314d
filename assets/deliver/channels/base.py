"""The interface of channels: `Transport`, its timeouts, and the error of an unavailable channel.

Add a channel as a module in this folder, and its case to `connect.py`.
"""

import re
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
    """Timeouts in seconds for each step (RFC 5321, section 4.5.3.2) and for one mail as a whole."""

    connection: float = 30
    command: float = 300
    data: float = 120
    block: float = 180
    dot: float = 600
    whole: float = 1800


DEFAULT_TIMEOUTS = Timeouts()
_BIDI_CONTROLS = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


class ChannelUnavailable(TransientError):
    """Nothing can be sent now: connection, greeting, TLS or login failed."""


class LoginRefused(ChannelUnavailable):
    """The server refuses user name or password; it may lock the account if that is tried too often."""


@contextmanager
def cut_after(get_socket: Callable[[], socket.socket | None], seconds: float) -> Iterator[None]:
    """Close the socket after *seconds*: a server that sends a byte now and then would never time out."""

    def shut_down() -> None:
        if (sock := get_socket()) is not None:
            with suppress(OSError):
                socket.socket.shutdown(sock, socket.SHUT_RDWR)

    timer = Timer(seconds, shut_down)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def clean_header(value: str) -> str:
    """Return *value* as a safe header value: at most 200 characters, no encoded words.

    Controls that reverse the text after them are removed, other controls become blanks.
    """
    plain = "".join(
        " " if unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"} else character
        for character in _BIDI_CONTROLS.sub("", value)
    )
    return " ".join(plain.replace("=?", "= ?").split())[:200]


class Transport(Protocol):
    """An open connection to a channel."""

    @property
    def is_open(self) -> bool:
        """Tell whether another delivery can be sent over it."""
        ...

    @property
    def max_bytes(self) -> int | None:
        """Return the largest content that the server accepts, or None if it states no limit."""
        ...

    def send(self, delivery: Delivery, content: bytes, before_commit: Callable[[], None]) -> AttemptResult:
        """Send *content*; call *before_commit* before the recipient may have all of it."""
        ...

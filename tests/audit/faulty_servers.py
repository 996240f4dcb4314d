"""A proxy on loopback between a run and its database or object store, which harms the n-th thing asked of it."""

import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum
from threading import Lock, Thread
from typing import Any

_VERBS = (b"GET ", b"PUT ", b"POST ", b"HEAD ", b"DELETE ")


class Harm(StrEnum):
    """What happens to what is asked, and to the connection."""

    CUT_BEFORE = "is cut"
    CUT_AFTER = "is cut before its answer"
    ENDED = "comes after an administrator has ended all sessions"
    BROKEN = "is answered with 500"
    SLOW_DOWN = "is answered with 503"
    GONE = "finds no server, nor do later ones"


_ANSWERS = {
    Harm.BROKEN: b"HTTP/1.1 500 Internal Server Error\r\n",
    Harm.SLOW_DOWN: b"HTTP/1.1 503 Slow Down\r\n",
}


@dataclass(frozen=True)
class ServerFault:
    """The *harm* that is done to the question *number*, and to later ones where the server is gone."""

    number: int
    harm: Harm = Harm.CUT_BEFORE

    def harm_to(self, number: int) -> Harm | None:
        is_hit = number >= self.number if self.harm is Harm.GONE else number == self.number
        return self.harm if is_hit else None

    def __str__(self) -> str:
        return f"question {self.number} {self.harm}"


@dataclass(frozen=True)
class RecurringServerFault:
    """One of *harms* in turn is done to each question whose number is a multiple of *every*."""

    every: int
    harms: tuple[Harm, ...]

    def harm_to(self, number: int) -> Harm | None:
        turn, rest = divmod(number, self.every)
        return None if rest else self.harms[turn % len(self.harms)]


NO_SERVER_FAULT = ServerFault(1 << 60)


@dataclass
class Proxy:
    """A proxy for the server at *target*, a port of loopback; counts what is asked.

    A question is what a client sends at once, or a request where *is_http*.
    """

    target: int
    fault: ServerFault | RecurringServerFault = NO_SERVER_FAULT
    is_http: bool = False
    end_sessions: Callable[[], None] = lambda: None
    count: int = 0
    harm_count: int = 0
    _lock: Lock = field(default_factory=Lock)

    def __post_init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        Thread(target=self._accept, daemon=True).start()

    def stop(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                Thread(target=self._connect, args=[client], daemon=True).start()

    def _connect(self, client: socket.socket) -> None:
        if self.fault.harm_to(self.count) is Harm.GONE:
            client.close()
            return
        connection = _Connection(self, client, socket.create_connection(("127.0.0.1", self.target)))
        Thread(target=connection.answer, daemon=True).start()
        connection.ask()

    def harm_of(self, question: bytes) -> Harm | None:
        """Count a *question*; return what happens to it."""
        if self.is_http and not question.startswith(_VERBS):
            return None
        with self._lock:
            self.count += 1
            harm = self.fault.harm_to(self.count)
            self.harm_count += harm is not None
        return harm


@dataclass
class _Connection:
    proxy: Proxy
    client: socket.socket
    server: socket.socket
    is_dying: bool = False

    def ask(self) -> None:
        """Pass on what the client asks, until either side closes."""
        harm = None
        with suppress(OSError):
            while question := self.client.recv(1 << 20):
                harm = self.proxy.harm_of(question)
                if harm in _ANSWERS:
                    self.client.sendall(_ANSWERS[harm] + b"Content-Length: 0\r\nConnection: close\r\n\r\n")
                    break
                if harm in {Harm.CUT_BEFORE, Harm.GONE}:
                    break
                if harm is Harm.ENDED:
                    self.proxy.end_sessions()
                self.is_dying = self.is_dying or harm is Harm.CUT_AFTER
                self.server.sendall(question)
        self._close(is_cut=harm in {Harm.CUT_BEFORE, Harm.GONE})

    def answer(self) -> None:
        """Pass on what the server answers, but not to the question after which the connection is cut."""
        with suppress(OSError):
            while (answer := self.server.recv(1 << 20)) and not self.is_dying:
                self.client.sendall(answer)
        self._close(is_cut=self.is_dying)

    def _close(self, *, is_cut: bool) -> None:
        for end in (self.client, self.server):
            with suppress(OSError):
                if is_cut:
                    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                end.shutdown(socket.SHUT_RDWR)
            end.close()


@contextmanager
def proxy(target: int, fault: ServerFault | RecurringServerFault, **options: Any) -> Iterator[Proxy]:
    """Start a proxy and stop it."""
    started = Proxy(target, fault, **options)
    yield started
    started.stop()

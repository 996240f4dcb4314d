"""A mail server that does at each step what the test tells it to, well or badly."""

import socket
import ssl
import struct
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Self

from assets.config.deployment import Smtp


class Misbehavior(Enum):
    """What a server can do but answer."""

    CUT = auto()
    RESET = auto()
    SILENCE = auto()
    DRIBBLE = auto()


GOOD = {
    "greeting": "220 test ready",
    "EHLO": "250 HELP",
    "STARTTLS": "220 go on",
    "AUTH": "235 welcome",
    "MAIL": "250 sender ok",
    "RCPT": "250 recipient ok",
    "DATA": "354 go on",
    "dot": "250 taken",
    "RSET": "250 forgotten",
    "QUIT": "221 bye",
}


@dataclass(frozen=True)
class Received:
    """A mail whose dot arrived, and what the server did then."""

    sender: str
    recipient: str
    content: bytes
    answer: str | Misbehavior


@dataclass
class MailServer:
    """A server on loopback: *acts* by step, in order of use; after them it behaves well.

    What is in *before* happens before it answers at a step.
    """

    acts: dict[str, deque[str | Misbehavior]] = field(default_factory=lambda: defaultdict(deque))
    features: list[str] = field(default_factory=list)
    tls: ssl.SSLContext | None = None
    received: list[Received] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    before: dict[str, Callable[[], None]] = field(default_factory=dict)
    connection_count: int = 0

    def does(self, step: str, *acts: str | Misbehavior) -> Self:
        """Say what it does at *step*, the first, second ... time."""
        self.acts[step].extend(acts)
        return self

    def offers(self, *features: str) -> Self:
        """Say what it can do."""
        self.features.extend(features)
        return self

    def start(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._is_on = True
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._is_on = False
        self._listener.shutdown(socket.SHUT_RDWR)  # else its thread waits for a connection forever
        self._thread.join()
        self._listener.close()

    def settings(self, **more: object) -> Smtp:
        """Return the configuration that leads to it."""
        plain = {"host": "127.0.0.1", "port": self.port, "security": "none", "sender": "reports@acme.example"}
        return Smtp.model_validate(plain | more)

    def _serve(self) -> None:
        while self._is_on:
            with suppress(OSError):
                connection, _ = self._listener.accept()
                self.connection_count += 1
                threading.Thread(target=self._talk, args=[connection], daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        with suppress(OSError, StopIteration):
            if self.tls and "STARTTLS" not in self.features:
                connection = self.tls.wrap_socket(connection, server_side=True)
            self._answer(connection, "greeting")
            lines = connection.makefile("rb")
            sender = recipient = ""
            while line := lines.readline().decode().rstrip("\r\n"):
                self.commands.append(line)
                verb = line.split()[0].upper()
                address = line.partition("<")[2].partition(">")[0]
                sender, recipient = (
                    address if verb == "MAIL" else sender,
                    address if verb == "RCPT" else recipient,
                )
                answer = self._answer(connection, verb)
                if verb == "STARTTLS" and self.tls and answer.startswith("220"):
                    connection = self.tls.wrap_socket(connection, server_side=True)
                    lines = connection.makefile("rb")
                if verb == "DATA" and answer.startswith("354"):
                    content = self._content(connection, iter(lines.readline, b""))
                    self.received.append(Received(sender, recipient, content, self._next("dot")))
                    self._do(connection, self.received[-1].answer, "dot")
        connection.close()

    def _content(self, connection: socket.socket, lines: Iterator[bytes]) -> bytes:
        content = b""
        for line in lines:
            if line == b".\r\n":
                return content
            if self.acts["body"]:
                self._do(connection, self.acts["body"].popleft(), "body")
            content += line.removeprefix(b".")
        raise StopIteration

    def _next(self, step: str) -> str | Misbehavior:
        self.before.get(step, lambda: None)()
        return self.acts[step].popleft() if self.acts[step] else GOOD.get(step, "500 what?")

    def _answer(self, connection: socket.socket, step: str) -> str:
        return self._do(connection, self._next(step), step)

    def _do(self, connection: socket.socket, act: str | Misbehavior, step: str) -> str:
        """Act; end the dialog where nothing can follow."""
        if isinstance(act, str):
            more = ["test", *self.features] if act == GOOD["EHLO"] else []
            connection.sendall("".join(f"250-{each}\r\n" for each in more).encode() + f"{act}\r\n".encode())
            return act
        if act is Misbehavior.DRIBBLE:  # the first three bytes look like a reply
            for byte in GOOD.get(step, GOOD["dot"]) * 100:
                connection.sendall(byte.encode())
                time.sleep(0.1)
        if act is Misbehavior.SILENCE:
            with suppress(OSError):
                while connection.recv(1024):
                    pass
        if act is Misbehavior.RESET:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()
        raise StopIteration


@contextmanager
def mail_server(tls: ssl.SSLContext | None = None, features: tuple[str, ...] = ()) -> Iterator[MailServer]:
    server = MailServer(tls=tls, features=list(features))
    server.start()
    yield server
    server.stop()

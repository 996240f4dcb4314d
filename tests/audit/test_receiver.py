"""The receiver of webhooks under a crowd that sends nothing whole, and through restarts: no signed event is lost."""

import asyncio
import resource
import signal
import socket
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing, contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import pytest

from tests.audit.conftest import Tally
from tests.servers.nginx import nginx
from tests.servers.postgres import free_port
from tests.servers.webhook_service import Service, event, running, signed

pytestmark = pytest.mark.alone
CROWD = 1_100
PER_SECOND = 200
SECONDS = 10
ANSWERED_WITHIN = 5  # a sender waits that long


def request(body: bytes) -> bytes:
    head = (
        "POST /webhooks/acme HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        f"X-Webhook-Signature: {signed(body)}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


@dataclass
class Sender:
    """Sends signed events, each over a connection of its own, as senders do; *answers* has status and seconds."""

    port: int
    answers: dict[str, tuple[str, float]] = field(default_factory=dict)

    async def send(self, number: int) -> None:
        began = time.monotonic()
        try:
            async with asyncio.timeout(2 * ANSWERED_WITHIN):
                reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
                with closing(writer):
                    writer.write(request(event(number)))
                    status = (await reader.readline()).decode().partition(" ")[2][:3] or "cut"
        except (OSError, TimeoutError) as error:
            status = type(error).__name__
        self.answers[f"e{number}"] = status, time.monotonic() - began

    async def send_steadily(self, numbers: Iterator[int], is_over: Callable[[], bool]) -> None:
        async with asyncio.TaskGroup() as tasks:
            due = time.monotonic()
            while not is_over():
                tasks.create_task(self.send(next(numbers)))
                due += 1 / PER_SECOND
                await asyncio.sleep(due - time.monotonic())

    def harms(self, stored: list[str]) -> dict[str, str]:
        """Return what went wrong with each event: not answered in time, refused, or acknowledged and lost."""
        known = Counter(stored)
        return {
            each: f"answered {status} after {seconds:.1f} s, stored {known[each]} times"
            if status != "204" or seconds > ANSWERED_WITHIN or known[each] != 1
            else ""
            for each, (status, seconds) in self.answers.items()
        }

    def losses(self, stored: list[str]) -> dict[str, str]:
        """Return which events were acknowledged and are not stored once; one that was refused is sent again."""
        known = Counter(stored)
        return {
            each: f"acknowledged, and stored {known[each]} times"
            if status == "204" and known[each] != 1
            else ""
            for each, (status, _) in self.answers.items()
        }

    def __str__(self) -> str:
        seconds = sorted(seconds for _, seconds in self.answers.values())
        statuses = dict(Counter(status for status, _ in self.answers.values()))
        return (
            f"{len(seconds):,} signed requests: {statuses}, median {seconds[len(seconds) // 2] * 1000:.0f} ms, "
            f"99 % within {seconds[len(seconds) * 99 // 100] * 1000:.0f} ms, the longest {seconds[-1]:.2f} s"
        )


async def linger(port: int, number: int) -> None:
    """Hold a connection: silent, or a byte of a header or of a body now and then; another when it is closed.

    Some are of the sender's own address, the others of a dozen.
    """
    address = f"127.0.{number % 12 + 1}.1" if number > CROWD // 3 else "127.0.0.1"
    begin, part = (
        (b"", b""),
        (b"POST /webhooks/acme HTTP/1.1\r\n", b"X"),
        (b"POST /webhooks/acme HTTP/1.1\r\nHost: x\r\nContent-Length: 9999\r\n\r\n{", b"x"),
    )[number % 3]
    while True:
        with suppress(OSError):
            reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(address, 0))
            with closing(writer):
                writer.write(begin)
                while not reader.at_eof():
                    with suppress(TimeoutError):
                        async with asyncio.timeout(0.5):
                            await reader.read(1024)
                    writer.write(part)
        await asyncio.sleep(1)


@asynccontextmanager
async def crowd(port: int) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(linger(port, number)) for number in range(CROWD)]
    await asyncio.sleep(2)
    yield
    for each in tasks:
        each.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await asyncio.sleep(0.1)  # their sockets are closed


@contextmanager
def open_files(number: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(number, hard)), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_signed_requests_beside_a_crowd_that_never_ends_a_request(tmp_path: Path, tally: Tally) -> None:
    async def drive(sender: Sender) -> None:
        async with crowd(sender.port):
            end = time.monotonic() + SECONDS
            await sender.send_steadily(count(), lambda: time.monotonic() > end)

    with open_files(2 * CROWD), running(tmp_path) as service:
        sender = Sender(service.port)
        asyncio.run(drive(sender))
        counters = service.client.get(f"{service.url}/metrics").text
        closed = [
            line for line in counters.splitlines() if line.startswith("webhooks_connections_closed_total")
        ]
        print(f"beside {CROWD:,} connections, {sender}; {closed}")  # noqa: T201 - what the drive saw
        tally("signed webhooks beside 1,100 idle and dribbling connections", sender.harms(service.stored()))
        assert len(closed) > 1, "the crowd was none"


def restart_in_turn(services: list[Service], passed: socket.socket | None, restarts: int) -> None:
    """Restart each service in turn, told to end or killed."""
    for number in range(restarts):
        service = services[number % len(services)]
        service.stop((signal.SIGTERM, signal.SIGKILL)[number // len(services) % 2])
        service.start(passed)


async def send_while(sender: Sender, work: Callable[[], None]) -> None:
    working = asyncio.create_task(asyncio.to_thread(work))
    await sender.send_steadily(count(), working.done)
    await working


@contextmanager
def proxied(folder: Path, *services: Service) -> Iterator[int]:
    """Run nginx before *services*; yield its port."""
    port, other = free_port(), free_port()
    servers = " ".join(f"server 127.0.0.1:{each.port} max_fails=0;" for each in services)
    tls = {f"ssl_certificate{part}": f"# ssl_certificate{part}" for part in (" ", "_key ")}
    replaced = tls | {
        "listen 443 ssl": f"listen 127.0.0.1:{port}",
        "listen 8443 ssl": f"listen 127.0.0.1:{other}",
        "map $http_upgrade": f"upstream receivers {{ {servers} }}\nmap $http_upgrade",
        "webhooks:8080": "receivers",
    }
    with nginx(folder, replaced):
        yield port


@pytest.mark.slow
def test_two_receivers_behind_a_proxy_restarted_in_turn_lose_nothing(tmp_path: Path, tally: Tally) -> None:
    with (
        running(tmp_path) as first,
        running(tmp_path) as second,
        proxied(tmp_path, first, second) as port,
    ):
        sender = Sender(port)
        asyncio.run(send_while(sender, lambda: restart_in_turn([first, second], None, 8)))
        print(f"behind nginx, {sender}")  # noqa: T201 - what the drive saw
        losses = sender.losses(first.stored())
    tally("signed webhooks to two receivers behind nginx, restarted and killed in turn", losses)


@pytest.mark.slow
def test_one_receiver_on_a_socket_of_systemd_loses_no_acknowledged_event(
    tmp_path: Path, tally: Tally
) -> None:
    with (
        socket.create_server(("127.0.0.1", 0), backlog=2048) as listener,
        running(tmp_path, listener) as service,
    ):
        sender = Sender(service.port)
        asyncio.run(send_while(sender, lambda: restart_in_turn([service], listener, 6)))
        print(f"with a socket of systemd, {sender}")  # noqa: T201 - what the drive saw
        losses = sender.losses(service.stored())
    tally("signed webhooks to a receiver that is restarted and killed on a socket of systemd", losses)

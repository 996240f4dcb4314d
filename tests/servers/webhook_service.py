"""`assignment-reports webhooks` of two workspaces, as a process on loopback."""

import hmac
import json
import os
import signal
import socket
import subprocess
import sys
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import httpx
from sqlalchemy import select

from assets.sources.webhooks.inbox import RECEIVED_EVENTS, open_inbox
from tests.waiting import until

KEY = "signing-key-1"

_AS_SYSTEMD = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ |= {"LISTEN_FDS": "1", "LISTEN_PID": str(os.getpid())}
os.execv(sys.argv[2], sys.argv[2:])
"""


class Service:
    """`assignment-reports webhooks` of two workspaces."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.inbox = folder, f"sqlite:///{folder}/inbox.sqlite"
        self.client = httpx.Client()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        source = "{type: respond_io, max_per_second: %s, signing_keys: ['${KEY}', other-key]}"
        (folder / "reports.yaml").write_text(
            "lake: lake\narchive: archive\nworkspaces:\n"
            "  - {slug: broken, name: A, timezone: Nowhere/At_all, first_day: 2024-01-01, source: {type: files, path: x}}\n"
            + "".join(
                f"  - {{slug: {slug}, name: A, timezone: UTC, first_day: 2024-01-01, source: {source % rate}}}\n"
                for slug, rate in (("acme", 1000), ("slow", 0.4))
            )
            + "  - {slug: keyless, name: A, timezone: UTC, first_day: 2024-01-01, source: {type: respond_io, signing_keys: ['${NONE}']}}\n"
        )
        self.process: subprocess.Popen[bytes]

    def start(self, passed: socket.socket | None = None) -> None:
        """Start it, and wait until it answers; with the socket *passed*, as systemd does."""
        program = Path(sys.executable).with_name("assignment-reports")
        config = str(self.folder / "reports.yaml")
        command = [str(program), "webhooks", "--config", config, "--port", str(self.port)]
        descriptors = list[int]()
        if passed:
            descriptors = [passed.fileno()]
            command = [sys.executable, "-c", _AS_SYSTEMD, str(descriptors[0]), *map(str, command)]
        self.process = subprocess.Popen(command, env=os.environ | {"KEY": KEY}, pass_fds=descriptors)
        until(self.is_healthy, "the receiver to answer", seconds=60)

    def use(self, listener: socket.socket) -> None:
        """Be found at the address of *listener*."""
        self.port = listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def is_healthy(self) -> bool:
        try:
            return bool(self.client.get(f"{self.url}/health").json() == {"status": "ok"})
        except httpx.TransportError:
            return False

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(how)
        return self.process.wait(30)

    def stored(self) -> list[str]:
        with open_inbox(self.inbox).connect() as connection:
            return list(connection.scalars(select(RECEIVED_EVENTS.c.event_id)))

    def post(self, body: bytes, signature: str | None = None, slug: str = "acme") -> int:
        headers = {"X-Webhook-Signature": signature or signed(body)}
        return self.client.post(f"{self.url}/webhooks/{slug}", content=body, headers=headers).status_code


def signed(body: bytes, key: str = KEY) -> str:
    return b64encode(hmac.digest(key.encode(), body, sha256)).decode()


def event(number: int) -> bytes:
    return json.dumps(
        {"event_type": "contact.assignee.updated", "event_id": f"e{number}", "contact": {"id": 1}}
    ).encode()


@contextmanager
def running(folder: Path, passed: socket.socket | None = None) -> Iterator[Service]:
    service = Service(folder)
    if passed:
        service.use(passed)
    try:
        service.start(passed)
        yield service
    finally:
        service.client.close()
        service.process.kill()
        service.process.wait()

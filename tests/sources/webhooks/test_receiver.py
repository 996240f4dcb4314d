"""The receiver as a process of its own, on loopback, with real requests."""

import asyncio
import hmac
import json
import os
import signal
import socket
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import httpx
import pytest
from sqlalchemy import delete, select

from assets.sources.webhooks.inbox import RECEIVED_EVENTS, open_inbox
from tests.waiting import until

KEY = "signing-key-1"


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

    def start(self) -> None:
        self.process = subprocess.Popen(
            [Path(sys.executable).with_name("assignment-reports"), "webhooks", "--config", str(self.folder / "reports.yaml"),
             "--port", str(self.port)], env=os.environ | {"KEY": KEY},
        )  # fmt: skip
        until(self.is_healthy, "the receiver to answer", seconds=60)

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
def running(folder: Path) -> Iterator[Service]:
    service = Service(folder)
    service.start()
    yield service
    service.client.close()
    service.process.kill()
    service.process.wait()


@pytest.fixture
def own_service(tmp_path: Path) -> Iterator[Service]:
    """A receiver whose end and counters are looked at."""
    with running(tmp_path) as service:
        yield service


@pytest.fixture(scope="module")
def shared_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with running(tmp_path_factory.mktemp("receiver")) as service:
        yield service


@pytest.fixture
def service(shared_service: Service) -> Service:
    """A receiver with an empty inbox."""
    with open_inbox(shared_service.inbox).begin() as connection:
        connection.execute(delete(RECEIVED_EVENTS))
    return shared_service


def test_a_signed_event_is_stored_as_it_came_and_once(service: Service) -> None:
    assert [service.post(event(1)) for _ in range(2)] == [204, 204]
    assert service.stored() == ["e1"]


def test_a_workspace_that_is_wrong_does_not_stop_the_others(service: Service) -> None:
    assert [service.post(event(1), slug=slug) for slug in ("broken", "keyless", "acme")] == [404, 404, 204]


def test_any_of_the_keys_signs_and_no_other(service: Service) -> None:
    assert service.post(event(1), signed(event(1), "other-key")) == 204
    assert service.post(event(2), signed(event(2), "wrong")) == 401
    assert service.post(event(2), signed(event(1))) == 401
    assert service.post(event(2), "?") == 401
    assert service.stored() == ["e1"]


def test_a_signature_of_the_json_without_spaces_is_accepted(service: Service) -> None:
    compact = json.dumps(json.loads(event(1)), separators=(",", ":")).encode()
    assert service.post(event(1), signed(compact)) == 204


def test_what_is_no_event_is_refused_and_what_is_unknown_is_kept(service: Service) -> None:
    statuses = {
        body: service.post(body)
        for body in (b"no", b"[]", b"[" * 100_000, b"\xff", b'{"a": "\\ud800", "event_id": "\\ud800"}')
    }
    assert list(statuses.values()) == [400, 400, 400, 400, 204]
    assert service.stored() == ["?"]
    assert service.post(event(1), slug="nobody") == 404


def test_a_body_that_is_too_large_is_refused_before_it_is_read(service: Service) -> None:
    assert service.post(b"x" * (1 << 20) + b"x") == 413

    def chunks() -> Iterator[bytes]:
        for _ in range(32):
            yield b"x" * 65_536

    answer = service.client.post(f"{service.url}/webhooks/acme", content=chunks())
    assert answer.status_code == 413


def test_a_workspace_that_sends_too_much_is_told_to_wait(service: Service) -> None:
    assert [service.post(event(number), slug="slow") for number in range(3)] == [204, 204, 429]
    assert service.post(event(7)) == 204  # the other one is not held up


def test_its_counters_tell_what_became_of_requests(own_service: Service) -> None:
    own_service.post(event(1))
    own_service.post(event(2), "wrong")
    told = own_service.client.get(f"{own_service.url}/metrics").text
    assert 'webhooks_answered_total{answer="stored",workspace="acme"} 1.0' in told
    assert 'webhooks_answered_total{answer="wrong signature",workspace="acme"} 1.0' in told
    assert "webhooks_commit_seconds_count 1.0" in told
    assert "assignment_reports_status_up 1.0" in told
    assert 'assignment_reports_status_level{workspace="acme"}' in told


def test_told_to_end_it_answers_what_it_has_taken(own_service: Service) -> None:
    own_service.post(event(1))
    assert own_service.stop() in {0, -signal.SIGTERM}
    assert own_service.stored() == ["e1"]


async def _send(url: str, numbers: Iterator[int], acknowledged: list[str], until: float) -> None:
    async with httpx.AsyncClient() as client:
        while time.monotonic() < until:
            number = next(numbers)
            body = event(number)
            try:
                answer = await client.post(url, content=body, headers={"X-Webhook-Signature": signed(body)})
            except httpx.TransportError:
                return
            if answer.status_code == 204:
                acknowledged.append(f"e{number}")


def test_every_acknowledged_event_survives_a_kill_in_the_middle(own_service: Service) -> None:
    numbers, acknowledged = iter(range(1_000_000)), list[str]()
    url = f"{own_service.url}/webhooks/acme"

    async def flood() -> None:
        end = time.monotonic() + 30
        senders = [asyncio.create_task(_send(url, numbers, acknowledged, end)) for _ in range(16)]
        await asyncio.to_thread(until, lambda: len(acknowledged) >= 400, "400 events", 30)
        own_service.process.kill()
        await asyncio.gather(*senders)

    asyncio.run(flood())
    first = len(acknowledged)
    own_service.process.wait()
    own_service.start()
    for number in range(50):  # retries of what was acknowledged, and of what was not
        assert own_service.post(event(number)) == 204
    stored = own_service.stored()
    assert first >= 400
    assert set(acknowledged) <= set(stored)
    assert len(stored) == len(set(stored))

"""The receiver as a process of its own, on loopback, with real requests."""

import asyncio
import json
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from sqlalchemy import delete

from assets.sources.webhooks.inbox import RECEIVED_EVENTS, open_inbox
from tests.servers.webhook_service import Service, event, running, signed
from tests.waiting import until


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

"""The webhook receiver: an ASGI application that checks and stores an event before it confirms it.

A request processes nothing; `read` of a source does that, as often as needed. The command `assignment-reports
webhooks` starts it.
"""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from math import nan
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector
from sqlalchemy import Engine, select
from sqlalchemy.exc import SQLAlchemyError
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from assets.errors import SourceError
from assets.sources.webhooks.inbox import (
    RECEIVED_EVENTS,
    Received,
    last_received_at,
    open_inbox,
    store_events,
    to_microseconds,
)
from assets.sources.webhooks.signatures import SIGNED_BY

_MOST_BYTES = 1 << 20
_MOST_WAITING = 2_000
_MOST_AT_ONCE = 500
_BURST_SECONDS = 5
_PATIENCE_SECONDS = 4.0  # senders wait 5 for the answer
_LONGEST_PAUSE = 1.0
_RETRY_SECONDS = 0.2
_LONGEST_ID = 500
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Address:
    """The address of one workspace's webhooks: sender, signing keys, inbox, and its rate limit on average."""

    workspace: str
    sender: str
    keys: tuple[str, ...]
    inbox: str
    max_per_second: float


class Refused(Exception):
    """A request that is not stored, with its HTTP status and reason."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


@dataclass(slots=True)
class Bucket:
    """A token bucket: *rate* requests per second on average, and some seconds' worth at once."""

    rate: float
    filled_at: float
    tokens: float = field(init=False)

    def __post_init__(self) -> None:
        self.tokens = self.rate * _BURST_SECONDS

    def reserve(self, at: float) -> float | None:
        """Return the seconds after which one more request fits, and count it; None if it is over 1."""
        gained = max(0.0, at - self.filled_at) * self.rate
        self.tokens, self.filled_at = min(self.rate * _BURST_SECONDS, self.tokens + gained), at
        pause = max(0.0, 1 - self.tokens) / self.rate
        if pause > _LONGEST_PAUSE:
            return None
        self.tokens -= 1
        return pause


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A row to be stored, whom to tell, and until when its sender waits, in seconds of the event loop."""

    row: Received
    stored: asyncio.Future[None]
    until: float

    def settle(self, refused: Refused | None) -> None:
        """Tell that the row is stored, or *refused*, unless nobody waits any more."""
        if not self.stored.done():
            if refused:
                self.stored.set_exception(refused)
            else:
                self.stored.set_result(None)


class Writer:
    """Writes rows to one inbox; rows that arrive during a commit share the next one."""

    def __init__(self, inbox: str, commits: Histogram) -> None:
        self.url = inbox
        self._commits = commits
        self.waiting: asyncio.Queue[_Waiting] = asyncio.Queue(_MOST_WAITING)
        self._inbox: Engine | None = None

    async def add(self, row: Received, until: float) -> None:
        """Return once *row* is durably stored. Raises Refused if it is not, *until* its sender gives up."""
        waiting = _Waiting(row, asyncio.get_running_loop().create_future(), until)
        try:
            async with asyncio.timeout_at(until):
                await self.waiting.put(waiting)
        except TimeoutError:
            raise Refused(503, "busy") from None
        await waiting.stored

    async def run(self) -> None:
        """Store the queued rows until canceled; where that fails, again while their senders wait."""
        while True:
            queued = [await self.waiting.get()]
            while not self.waiting.empty() and len(queued) < _MOST_AT_ONCE:
                queued.append(self.waiting.get_nowait())
            while queued and not await self._is_stored(queued):
                await asyncio.sleep(_RETRY_SECONDS)
                now = asyncio.get_running_loop().time()
                for late in [each for each in queued if each.until <= now]:
                    late.settle(Refused(503, "not stored"))
                queued = [each for each in queued if each.until > now]
            for each in queued:
                each.settle(None)

    async def _is_stored(self, queued: Sequence[_Waiting]) -> bool:
        try:
            await asyncio.to_thread(self._store_rows, [each.row for each in queued])
        except Exception as error:  # noqa: BLE001 - the next attempt, or later rows, may be storable
            _LOG.error("%s events could not be stored: %s", len(queued), type(error).__name__)
            return False
        return True

    def _store_rows(self, rows: list[Received]) -> None:
        with self._commits.time():
            store_events(self._open_engine(), rows)

    def look(self) -> None:
        """Read from the inbox. Raises SQLAlchemyError where that fails."""
        with self._open_engine().connect() as connection:
            connection.execute(select(RECEIVED_EVENTS.c.event_id).limit(1))

    def _open_engine(self) -> Engine:
        self._inbox = self._inbox or open_inbox(self.url)
        return self._inbox


class Receiver:
    """The handlers of the routes; *clock* returns the current time."""

    def __init__(self, addresses: Mapping[str, Address], clock: Callable[[], datetime]) -> None:
        self.addresses = addresses
        self.clock = clock
        self.registry = CollectorRegistry()
        self.answers = Counter(
            "webhooks_answered",
            "Requests, by what became of them.",
            ["workspace", "answer"],
            registry=self.registry,
        )
        commits = Histogram("webhooks_commit_seconds", "Time of a commit.", registry=self.registry)
        self.writers = {address.inbox: Writer(address.inbox, commits) for address in addresses.values()}
        depth = Gauge("webhooks_waiting", "Events that wait for the next commit.", registry=self.registry)
        self.last_stored: dict[str, datetime | None] = {}
        silence = Gauge(
            "webhooks_seconds_since_last_stored",
            "Seconds since the last event of the workspace was stored; NaN where none ever was.",
            ["workspace"],
            registry=self.registry,
        )
        for slug in addresses:
            silence.labels(slug).set_function(partial(self._seconds_silent, slug))
        depth.set_function(lambda: sum(writer.waiting.qsize() for writer in self.writers.values()))
        self._buckets = {
            slug: Bucket(address.max_per_second, clock().timestamp()) for slug, address in addresses.items()
        }

    async def receive(self, request: Request) -> Response:
        """Respond 204 once the event is stored, or was stored before."""
        slug = request.path_params["workspace"]
        try:
            await self._accept(slug, request)
            status, outcome = 204, "stored"
        except Refused as refused:
            status, outcome = refused.status, str(refused)
        except ClientDisconnect:
            status, outcome = 400, "cut off"
        known = slug if slug in self.addresses else ""
        self.answers.labels(known, outcome).inc()
        if status == 204:  # noqa: PLR2004 - stored
            return Response(status_code=status)
        headers = {"Retry-After": "1"} if status in {429, 503} else None
        return JSONResponse({"error": outcome}, status, headers)

    async def _accept(self, slug: str, request: Request) -> None:
        now = self.clock()
        if slug not in self.addresses:
            raise Refused(404, "no such workspace")
        address = self.addresses[slug]
        body = await _read_body(request)
        if not SIGNED_BY[address.sender](address.keys, request.headers, body, now.timestamp()):
            raise Refused(401, "wrong signature")
        row, until = _received_row(address, request, body, now), asyncio.get_running_loop().time()
        pause = self._buckets[slug].reserve(now.timestamp())  # only signed requests count
        if pause is None:
            raise Refused(429, "too many")
        await asyncio.sleep(pause)
        await self.writers[address.inbox].add(row, until + _PATIENCE_SECONDS)
        self.last_stored[slug] = now

    def _seconds_silent(self, slug: str) -> float:
        """Return the seconds since *slug* last stored an event; read from the inbox after a restart."""
        if slug not in self.last_stored:
            try:
                self.last_stored[slug] = last_received_at(self.addresses[slug].inbox, slug)
            except SourceError:
                return nan
        last = self.last_stored[slug]
        return (self.clock() - last).total_seconds() if last else nan

    async def healthy(self, _request: Request) -> Response:
        """Respond 200 where every inbox can be read, else 503."""
        try:
            for writer in self.writers.values():
                await asyncio.to_thread(writer.look)
        except SQLAlchemyError:
            return JSONResponse({"status": "the inbox cannot be read"}, 503)
        return JSONResponse({"status": "ok"})

    async def metrics(self, _request: Request) -> Response:
        """Return the counters in Prometheus' text format."""
        text = await asyncio.to_thread(generate_latest, self.registry)  # it may query an inbox
        return Response(text, media_type=CONTENT_TYPE_PLAIN_0_0_4)

    @asynccontextmanager
    async def running(self, _app: Starlette) -> AsyncIterator[None]:
        """Run the writers while the application runs; accepted events are stored before it ends."""
        tasks = [asyncio.create_task(writer.run()) for writer in self.writers.values()]
        yield
        for task in tasks:
            task.cancel()


def receiver_app(
    addresses: Mapping[str, Address], clock: Callable[[], datetime], *collectors: Collector
) -> Starlette:
    """Return the application for the workspaces *addresses*: `/webhooks/<slug>`, `/health`, `/metrics`.

    `/metrics` has the metrics of *collectors*, too.
    """
    receiver = Receiver(addresses, clock)
    for collector in collectors:
        receiver.registry.register(collector)
    return Starlette(
        routes=[
            Route("/webhooks/{workspace}", receiver.receive, methods=["POST"]),
            Route("/health", receiver.healthy),
            Route("/metrics", receiver.metrics),
        ],
        lifespan=receiver.running,
    )


async def _read_body(request: Request) -> bytes:
    length = request.headers.get("content-length", "0")
    if not length.isdecimal() or int(length) > _MOST_BYTES:
        raise Refused(413, "too large")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MOST_BYTES:
            raise Refused(413, "too large")
    return bytes(body)


def _received_row(address: Address, request: Request, body: bytes, now: datetime) -> Received:
    try:
        text = body.decode()
        event = json.loads(text)
    except (ValueError, RecursionError):
        raise Refused(400, "not JSON") from None
    if not isinstance(event, dict):
        raise Refused(400, "not an object")
    event_id = event.get("event_id") or request.headers.get("x-chatwoot-delivery")
    contact_id = _contact_id(event)
    return {
        "workspace": address.workspace,
        "event_id": _make_storable(event_id or f"sha256-{sha256(body).hexdigest()}"),
        "received_at": to_microseconds(now.astimezone(UTC)),
        "kind": _make_storable(event.get("event_type") or event.get("event") or ""),
        "contact_id": None if contact_id is None else _make_storable(contact_id),
        "body": text,
    }


def _contact_id(event: dict[str, Any]) -> object:
    meta = event.get("meta")
    for holder in (event.get("contact"), meta.get("sender") if isinstance(meta, dict) else None):
        if isinstance(holder, dict) and (contact_id := holder.get("id")) is not None:
            return contact_id
    return None


def _make_storable(value: object) -> str:
    """Return a text that every database accepts: without lone surrogates and NUL, at most 500 characters."""
    return str(value).encode("utf-8", "replace").decode().replace("\0", "\ufffd")[:_LONGEST_ID]

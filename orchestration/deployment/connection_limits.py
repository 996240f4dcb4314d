"""Limits of the connections of a uvicorn server: those that send no whole request in time are closed.

uvicorn waits for a request without end, and answers 503 to everybody where connections are too many. Here
only who keeps the server waiting is closed, the longest first, so that a new request is always read.
"""

import asyncio
import logging
from collections import Counter as Count
from collections import defaultdict
from dataclasses import dataclass
from typing import Any, ClassVar

import h11
from prometheus_client import Counter
from uvicorn.protocols.http.h11_impl import H11Protocol

_LOG = logging.getLogger(__name__)
_LOG_SECONDS = 60
_SPARED_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Limits:
    """How long, and how many, connections may wait for the rest of a request; *max_bytes* is what they sent.

    Who sends a webhook waits 5 seconds for the answer. A proxy sends whole requests, so that the limit of an
    address does not concern it.
    """

    header_seconds: float = 5
    body_seconds: float = 10
    per_address: int = 100
    in_all: int = 500
    max_bytes: int = 64 << 20


class WaitingConnections:
    """The connections that have not sent a whole request, in the order in which they began to wait."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.closed = Counter(
            "webhooks_connections_closed",
            "Connections that were closed because they sent no whole request, by reason.",
            ["reason"],
            registry=None,
        )
        self._waiting: dict[LimitedConnection, tuple[float, int]] = {}  # since when, and the bytes so far
        self._of_address: defaultdict[str, dict[LimitedConnection, None]] = defaultdict(dict)
        self._sweep: asyncio.TimerHandle | None = None
        self._unlogged: Count[str] = Count()
        self._logged_at: dict[str, float] = {}

    def add(self, connection: "LimitedConnection", size: int) -> None:
        """Note that *connection* waits, and sent *size* bytes."""
        since, count = self._waiting.get(connection, (connection.loop.time(), 0))
        self._waiting[connection] = since, count + size
        self._of_address[connection.address][connection] = None
        if self._sweep is None:
            self._sweep = connection.loop.call_later(_SPARED_SECONDS, self._close_surplus, connection.loop)

    def remove(self, connection: "LimitedConnection") -> None:
        """Note that *connection* does not wait: its request is whole, or it is closed."""
        if self._waiting.pop(connection, None) is not None:
            of_address = self._of_address[connection.address]
            del of_address[connection]
            if not of_address:
                del self._of_address[connection.address]

    def _close_surplus(self, loop: asyncio.AbstractEventLoop) -> None:
        """Close those that wait the longest, where they are too many, and look again while any waits.

        A connection is spared at first: of many that come at once, some have a whole request to be read.
        """
        limits, until = self.limits, loop.time() - _SPARED_SECONDS
        for of_address in list(self._of_address.values()):
            for connection in list(of_address)[: -limits.per_address]:
                self._close_older(connection, until, f"over {limits.per_address} of one address")
        for connection in list(self._waiting)[: -limits.in_all]:
            self._close_older(connection, until, f"over {limits.in_all} in all")
        surplus = sum(size for _, size in self._waiting.values()) - limits.max_bytes
        for connection, (_, size) in list(self._waiting.items()):
            if surplus > 0:
                surplus -= size
                self.close(connection, f"over {limits.max_bytes} bytes in all")
        is_over = not self._waiting
        self._sweep = None if is_over else loop.call_later(_SPARED_SECONDS, self._close_surplus, loop)

    def _close_older(self, connection: "LimitedConnection", until: float, reason: str) -> None:
        if self._waiting[connection][0] <= until:
            self.close(connection, reason)

    def close(self, connection: "LimitedConnection", reason: str) -> None:
        """Close *connection*, count it, and log it: the first at once, others once a minute."""
        self.remove(connection)
        connection.transport.abort()
        self.closed.labels(reason).inc()
        self._unlogged[reason] += 1
        now = connection.loop.time()
        if now - self._logged_at.get(reason, -_LOG_SECONDS) >= _LOG_SECONDS:
            text = "closed connections without a whole request: %s, %s; the last of %s"
            _LOG.warning(text, self._unlogged.pop(reason), reason, connection.address)
            self._logged_at[reason] = now


class LimitedConnection(H11Protocol):
    """uvicorn's HTTP/1.1, closed where a header or a body takes too long; h11 limits the header's size."""

    waiting: ClassVar[WaitingConnections]
    address = ""
    _timer: asyncio.TimerHandle | None = None
    _is_in_body = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request."""
        super().connection_made(transport)
        self.address = self.client[0] if self.client else ""
        self._follow(0)

    def data_received(self, data: bytes) -> None:
        """Handle what the client sent."""
        super().data_received(data)
        self._follow(len(data))

    def on_response_complete(self) -> None:
        """Begin to wait for the next request."""
        super().on_response_complete()
        self._follow(0)

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._stop_waiting()
        super().connection_lost(exc)

    def shutdown(self) -> None:
        """End with the server; a request that is on its way is still answered."""
        if self.cycle is None:
            self.loop.call_later(_SPARED_SECONDS, self._end)
        else:
            super().shutdown()

    def _end(self) -> None:
        if not self.transport.is_closing():
            super().shutdown()

    def _follow(self, size: int) -> None:
        """Wait for the rest of a header or body, or stop waiting; *size* is the number of new bytes."""
        state = self.conn.their_state
        if self.transport.is_closing() or state not in {h11.IDLE, h11.SEND_BODY}:
            self._stop_waiting()
            return
        is_in_body = state is h11.SEND_BODY
        if self._timer is None or is_in_body != self._is_in_body:
            self._start_timer(is_in_body=is_in_body)
        self.waiting.add(self, size)

    def _start_timer(self, *, is_in_body: bool) -> None:
        if self._timer:
            self._timer.cancel()
        self._is_in_body, limits = is_in_body, self.waiting.limits
        part, seconds = ("body", limits.body_seconds) if is_in_body else ("header", limits.header_seconds)
        reason = f"no whole {part} within {seconds:g} s"
        self._timer = self.loop.call_later(seconds, self.waiting.close, self, reason)

    def _stop_waiting(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None
        self.waiting.remove(self)


def limited_connections(waiting: WaitingConnections) -> type[Any]:
    """Return the class of connections that share the limits of *waiting*, for uvicorn's setting `http`."""
    return type("LimitedConnection", (LimitedConnection,), {"waiting": waiting})

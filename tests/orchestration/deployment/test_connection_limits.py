"""Connections that send no whole request are closed, and no other."""

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from orchestration.deployment.connection_limits import Limits, WaitingConnections, limited_connections
from orchestration.deployment.listener import Listener
from tests.waiting import until

WHOLE = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"
PATIENT = 60


async def read(request: Request) -> Response:
    await request.body()
    return Response(status_code=204)


@contextmanager
def served(limits: Limits) -> Iterator[tuple[WaitingConnections, tuple[str, int]]]:
    waiting = WaitingConnections(limits)
    app = Starlette(routes=[Route("/", read, methods=["POST"])])
    server = uvicorn.Server(uvicorn.Config(app, http=limited_connections(waiting), log_level="error"))
    with Listener("127.0.0.1", 0).bind() as bound:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]})
        thread.start()
        until(lambda: server.started, "the web server")
        try:
            yield waiting, bound.getsockname()
        finally:
            server.should_exit = True
            thread.join()


def closed(waiting: WaitingConnections) -> dict[str, float]:
    (metric,) = waiting.closed.collect()
    return {each.labels["reason"]: each.value for each in metric.samples if each.name.endswith("_total")}


def answer(connection: socket.socket) -> bytes:
    """Return the first line that the server sends; empty where it has closed the connection."""
    connection.settimeout(PATIENT)
    try:
        return connection.recv(1024).partition(b"\r\n")[0]
    except ConnectionResetError:
        return b""


def test_a_header_and_a_body_have_their_times() -> None:
    with served(Limits(header_seconds=0.2, body_seconds=0.4)) as (waiting, address), ExitStack() as stack:
        silent, header, body, whole = (
            stack.enter_context(socket.create_connection(address)) for _ in range(4)
        )
        header.sendall(WHOLE[:20])
        body.sendall(WHOLE[:-1])
        whole.sendall(WHOLE)
        assert answer(whole) == b"HTTP/1.1 204 No Content"
        whole.sendall(WHOLE[:20])  # the next request over it has its time, too
        assert [answer(each) for each in (silent, header, body, whole)] == [b""] * 4
        assert closed(waiting) == {"no whole header within 0.2 s": 3, "no whole body within 0.4 s": 1}


def test_of_too_many_those_that_wait_the_longest_are_closed() -> None:
    limits = Limits(PATIENT, PATIENT, per_address=3, in_all=100)
    with served(limits) as (waiting, address), ExitStack() as stack:
        connections = [stack.enter_context(socket.create_connection(address)) for _ in range(5)]
        assert [answer(each) for each in connections[:2]] == [b"", b""]
        connections[-1].sendall(WHOLE)
        assert answer(connections[-1]) == b"HTTP/1.1 204 No Content"
        assert closed(waiting) == {"over 3 of one address": 2}


def test_what_they_sent_is_limited() -> None:
    with served(Limits(PATIENT, PATIENT, max_bytes=100_000)) as (waiting, address), ExitStack() as stack:
        first, second = (stack.enter_context(socket.create_connection(address)) for _ in range(2))
        for each in (first, second):
            each.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999\r\n\r\n" + b"x" * 60_000)
        assert answer(first) == b""
        second.sendall(b"x" * 39_999)
        assert answer(second) == b"HTTP/1.1 204 No Content"
        assert closed(waiting) == {"over 100000 bytes in all": 1}

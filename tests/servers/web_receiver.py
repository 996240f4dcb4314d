"""A web server on loopback that keeps what is posted to it, and answers as a test says."""

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

TOKEN = "a-token-of-a-chat%2Bservice%3D"  # noqa: S105 - of a test


@dataclass
class Receiver:
    """A web server that answers with *statuses*, one request after the other; 0 cuts the line.

    If it *echoes*, its answers repeat the request: its URL, as pages about errors do, and its content.
    """

    port: int = 0
    statuses: deque[int] = field(default_factory=deque)
    requests: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    echoes: bool = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook?token={TOKEN}"


@contextmanager
def web_receiver() -> Iterator[Receiver]:
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.requests.append((dict(self.headers), body))
            status = receiver.statuses.popleft() if receiver.statuses else 204
            if status:
                self.send_response(status)
                self.send_header("Location", "http://127.0.0.1/other")
                self.end_headers()
                if receiver.echoes:
                    self.wfile.write(f"{self.path} {unquote(self.path)}: ".encode() + body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver.port = server.server_port
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield receiver
    server.shutdown()
    server.server_close()

"""An ASGI application served on loopback, in a thread."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

from orchestration.deployment.listener import Listener
from tests.waiting import until


@contextmanager
def served(app: ASGIApp) -> Iterator[str]:
    """Serve *app* as `assignment-reports serve` does; yield its address."""
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", proxy_headers=False))
    with Listener("127.0.0.1", 0).bind() as bound:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]})
        thread.start()
        until(lambda: server.started, "the web server")
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"
        server.should_exit = True
        thread.join()

"""Debian's Redis on loopback, started and stopped; what it holds is lost with it."""

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

import redis

from tests.servers.postgres import free_port
from tests.waiting import until


class Redis:
    """A broker that can be killed and started again at the same address."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", self.folder]
        self._process = subprocess.Popen(["redis-server", *options], stdout=subprocess.DEVNULL)
        with redis.Redis(port=self.port) as client:
            until(lambda: _answers(client), "Redis to answer", seconds=60)

    def stop(self) -> None:
        assert self._process
        self._process.kill()
        self._process.wait()


@contextmanager
def broker() -> Iterator[Redis]:
    with tempfile.TemporaryDirectory(prefix="redis-") as folder:
        server = Redis(folder)
        server.start()
        try:
            yield server
        finally:
            server.stop()


def _answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False

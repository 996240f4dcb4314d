"""Debian's PostgreSQL on loopback, started and stopped."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Postgres:
    """A cluster on loopback that asks for a password."""

    port: int
    restart: Callable[[], None]

    def url(self, user: str = "reader", password: str = "right") -> str:  # noqa: S107
        return f"postgresql+psycopg://{user}:{password}@127.0.0.1:{self.port}/postgres"

    def run(self, statements: str) -> None:
        command = ["psql", "-q", "-v", "ON_ERROR_STOP=1", "-d", self.url("postgres").replace("+psycopg", "")]
        subprocess.run(command, input=statements, text=True, check=True)


@contextmanager
def cluster() -> Iterator[Postgres]:
    """Start PostgreSQL as a user of its own, and stop it."""
    with tempfile.TemporaryDirectory(prefix="postgres-") as name:
        folder = Path(name)
        yield from _served(folder, _programs(), _owner(folder))


def _served(folder: Path, programs: Path, as_owner: list[str]) -> Iterator[Postgres]:
    (password := folder / "password").write_text("right")
    data = folder / "data"
    port = free_port()

    def program(name: str, *arguments: str) -> None:
        subprocess.run(
            [*as_owner, str(programs / name), *arguments], check=True, stdout=subprocess.DEVNULL, cwd="/"
        )

    program("initdb", "-D", str(data), "-U", "postgres", "-A", "scram-sha-256", f"--pwfile={password}", "-N")
    options = f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories={folder} -c fsync=off"

    def start(how: str = "start") -> None:
        stopping = ["-m", "immediate"] if how == "restart" else []
        program("pg_ctl", "-D", str(data), "-w", "-l", str(folder / "log"), "-o", options, *stopping, how)

    start()
    server = Postgres(port, lambda: start("restart"))
    server.run("CREATE ROLE reader LOGIN PASSWORD 'right'; GRANT pg_read_all_data TO reader")
    yield server
    program("pg_ctl", "-D", str(data), "-m", "immediate", "stop")


@contextmanager
def standby_of(primary: Postgres) -> Iterator[Postgres]:
    """Start a hot standby of *primary* that waits for no query, and stop it."""
    with tempfile.TemporaryDirectory(prefix="standby-") as name:
        folder, port = Path(name), free_port()
        as_owner, programs = _owner(folder), _programs()

        def program(name: str, *arguments: str) -> None:
            command = [*as_owner, str(programs / name), *arguments]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd="/")

        data, address = str(folder / "data"), primary.url("postgres").replace("+psycopg", "")
        program("pg_basebackup", "-d", address, "-D", data, "-R", "-c", "fast", "-X", "stream")
        options = (
            f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories={folder} "
            "-c max_standby_streaming_delay=0 -c fsync=off"
        )
        program("pg_ctl", "-D", data, "-w", "-l", str(folder / "log"), "-o", options, "start")
        yield Postgres(port, lambda: None)
        program("pg_ctl", "-D", data, "-m", "immediate", "stop")


def _programs() -> Path:
    return max(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))


def _owner(folder: Path) -> list[str]:
    """Return what runs a program as the owner of *folder*: PostgreSQL does not run as root."""
    if os.geteuid() != 0:
        return []
    shutil.chown(folder, "postgres")
    return ["runuser", "-u", "postgres", "--"]


def free_port() -> int:
    """Return a port of loopback that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

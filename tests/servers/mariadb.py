"""Debian's MariaDB on loopback, started and stopped."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

from tests.servers.postgres import free_port
from tests.waiting import until

_START = (  # one statement a line
    "CREATE DATABASE inbox CHARACTER SET utf8mb4;",
    "CREATE USER reader IDENTIFIED BY 'right';",
    "GRANT SELECT ON inbox.* TO reader;",
    "CREATE USER owner IDENTIFIED BY 'right';",
    "GRANT ALL ON *.* TO owner WITH GRANT OPTION;",
)


@dataclass(frozen=True)
class MariaDb:
    """A server on loopback; `reader` may read only."""

    port: int

    def url(self, user: str = "reader", password: str = "right") -> str:  # noqa: S107
        return f"mysql+pymysql://{user}:{password}@127.0.0.1:{self.port}/inbox?charset=utf8mb4"

    def run(self, *statements: str) -> None:
        engine = create_engine(self.url("owner"))
        with engine.begin() as connection:
            for statement in statements:
                connection.execute(text(statement))
        engine.dispose()


@contextmanager
def server() -> Iterator[MariaDb]:
    """Start MariaDB as a user of its own, and stop it."""
    with tempfile.TemporaryDirectory(prefix="mariadb-") as name:
        folder, port = Path(name), free_port()
        owner = ["--user=nobody"] if os.geteuid() == 0 else []
        if owner:
            shutil.chown(folder, "nobody")
        (start := folder / "start.sql").write_text("\n".join(_START))
        data = ["--no-defaults", f"--datadir={folder}/data", *owner]
        subprocess.run(
            ["mariadb-install-db", *data, "--auth-root-authentication-method=normal", "--skip-test-db"],
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
        )
        options = [
            f"--port={port}",
            "--bind-address=127.0.0.1",
            f"--socket={folder}/socket",
            f"--init-file={start}",
        ]
        with subprocess.Popen(
            ["/usr/sbin/mariadbd", *data, *options, "--default-time-zone=-07:00"],
            stderr=subprocess.DEVNULL,
            cwd="/",
        ) as process:
            running = MariaDb(port)
            try:
                until(lambda: _answers(running), "MariaDB to answer", seconds=60)
                yield running
            finally:
                process.kill()


def _answers(running: MariaDb) -> bool:
    try:
        running.run("SELECT 1")
    except OperationalError:
        return False
    return True

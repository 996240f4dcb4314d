"""Where a night is stored: in a folder, in PostgreSQL, or in an object store."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

from tests.audit.faulty_calls import call_apart
from tests.audit.faulty_runs import Night, copied
from tests.audit.faulty_servers import Proxy, ServerFault, proxy
from tests.servers.mail_server import mail_server
from tests.servers.postgres import Postgres


@dataclass(frozen=True)
class Place:
    """A folder; or a database or a bucket of the server at *port*."""

    port: int = 0
    template: str = ""
    left_by_killed: str = "\0"
    """How the faults end that the archive has for a day after a process was killed."""
    environment: tuple[tuple[str, str], ...] = ()
    """What a process needs in its environment to use the server."""

    @contextmanager
    def night(self, due: Path, fault: ServerFault) -> Iterator[tuple[Night, Proxy]]:
        """Yield a copy of what is *due*, and the proxy before its server, which does the *fault*."""
        with TemporaryDirectory() as folder, mail_server() as mail, proxy(self.port, fault) as between:
            yield copied(due, Path(folder) / "night", mail), between

    def healed(self, night: Night) -> Night:
        """Return *night* without the proxy."""
        return night


class InPostgres(Place):
    """A warehouse and a state in PostgreSQL."""

    @contextmanager
    def night(self, due: Path, fault: ServerFault) -> Iterator[tuple[Night, Proxy]]:
        database, server = f"night_{uuid4().hex[:8]}", Postgres(self.port, lambda: None)
        server.run(f"CREATE DATABASE {database} TEMPLATE {self.template}")
        end = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database}'"
        with (
            TemporaryDirectory() as folder,
            mail_server() as mail,
            proxy(self.port, fault, end_sessions=lambda: server.run(end)) as between,
        ):
            yield copied(due, Path(folder) / "night", mail, **databases(between.port, database)), between
        server.run(f"DROP DATABASE {database} WITH (FORCE)")

    def healed(self, night: Night) -> Night:
        database = night.deployment["state"].rpartition("/")[2]
        healed = replace(night, deployment=databases(self.port, database))
        healed.configure()
        return healed


def databases(port: int, name: str) -> dict[str, Any]:
    """Return the configuration of a state and a warehouse in the database *name*."""
    url = Postgres(port, lambda: None).url("postgres").removesuffix("postgres") + name
    return {"lake": None, "state": url, "warehouse": url}


class InObjectStore(Place):
    """A lake and an archive in an object store, whose port the environment says."""

    @contextmanager
    def night(self, due: Path, fault: ServerFault) -> Iterator[tuple[Night, Proxy]]:
        root = f"s3://reports/{uuid4().hex}"
        with (
            TemporaryDirectory() as folder,
            mail_server() as mail,
            proxy(self.port, fault, is_http=True) as between,
        ):
            os.environ.update(self.environment)
            os.environ["AWS_ENDPOINT_URL"] = f"http://127.0.0.1:{between.port}"
            yield (
                copied(due, Path(folder) / "night", mail, lake=f"{root}/lake", archive=f"{root}/out"),
                between,
            )

    def healed(self, night: Night) -> Night:
        os.environ["AWS_ENDPOINT_URL"] = f"http://127.0.0.1:{self.port}"
        return night


def begin_in_postgres(port: int, due: Path) -> Place:
    """Make the database from which those of the nights are copied."""
    template = f"due_{uuid4().hex[:8]}"
    Postgres(port, lambda: None).run(f"CREATE DATABASE {template}")
    with mail_server() as mail, TemporaryDirectory() as folder:
        night = copied(due, Path(folder) / "night", mail, **databases(port, template))
        assert call_apart(night.begin) is None
    return InPostgres(port, template)

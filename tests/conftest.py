"""Real things for the tests: a lake in a temporary folder, a PostgreSQL, workspaces, event files."""

import csv
import gc
import io
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from _pytest.unraisableexception import gc_collect_iterations_key
from hypothesis import settings
from moto.server import ThreadedMotoServer
from playwright.sync_api import Browser, sync_playwright
from sqlalchemy import Table, select

from assets.aggregates.build import build_days
from assets.config.workspace import Workspace
from assets.extract.load import Loaded, load_days
from assets.periods import Period
from assets.sources.files.imports import DaySources
from assets.sources.registry import open_source
from assets.warehouse.parquet_lake import Lake
from assets.warehouse.schema import ASSIGNMENT_LOG, REJECTED_EVENTS
from tests.servers.mariadb import MariaDb, server
from tests.servers.postgres import Postgres, cluster

LATER = datetime(2030, 1, 1, tzinfo=UTC)
HEADER = "event_id,occurred_at,conversation_id,contact_id,contact_name,previous_assignee,assignee,source,assigned_by"
DAY = date(2024, 3, 5)
OFFLINE = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


def pytest_configure(config: pytest.Config) -> None:
    """Imports leave no garbage; it is looked for when all are done, once. No example fails by the clock."""
    gc.disable()
    config.stash[gc_collect_iterations_key] = 1  # five times take each worker half a minute
    settings.register_profile("untimed", deadline=None)
    settings.load_profile("untimed")


def pytest_collection_finish() -> None:
    """What is imported stays: looking through it for garbage again and again is a tenth of the time."""
    gc.freeze()
    gc.enable()


def pytest_unconfigure() -> None:
    """What was frozen is let go at the end, before DuckDB says that it is still there."""
    gc.unfreeze()


@dataclass
class Inbox:
    """One workspace with a folder of event files, its lake, and the stages run by hand."""

    folder: Path
    zone: str = "America/New_York"
    first_day: date = date(2024, 1, 1)
    source: dict[str, Any] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)
    _validated: tuple[dict[str, Any], Workspace] | None = field(default=None, init=False, repr=False)

    @property
    def workspace(self) -> Workspace:
        """The workspace, validated where what it is made of has changed."""
        files = {"type": "files", "path": str(self.folder / "events/*")}
        values = {
            "slug": "acme",
            "name": "Acme",
            "timezone": self.zone,
            "first_day": self.first_day,
            "source": self.source if "type" in self.source else files | self.source,
            **self.options,
        }
        if not self._validated or self._validated[0] != values:
            self._validated = deepcopy(values), Workspace.model_validate(values)
        return self._validated[1]

    @cached_property
    def lake(self) -> Lake:
        return Lake(self.folder / "lake", "acme")

    def write(self, *lines: str, name: str = "events.csv", header: str = HEADER) -> None:
        self.write_bytes("\n".join((header, *lines, "")).encode(), name)

    def write_bytes(self, content: bytes, name: str = "events.csv") -> None:
        path = self.folder / "events" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)

    def period(self, first: date = DAY, last: date | None = None) -> Period:
        return Period(first, last or first, self.workspace.zone)

    def load(self, first: date = DAY, last: date | None = None, now: datetime = LATER) -> Loaded:
        days = self.period(first, last).days
        return load_days(self.workspace, DaySources(open_source(self.workspace), []), self.lake, days, now)

    def build(self, first: date = DAY, last: date | None = None) -> None:
        built = build_days(self.lake, self.period(first, last))
        assert built.log_is_whole, built.log_text
        assert built.counts_are_whole, built.counts_text

    def rows(self, table: Table) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.lake.query(select(table).order_by(*table.primary_key)).to_pylist()
        return found

    def log(self) -> list[dict[str, Any]]:
        return self.rows(ASSIGNMENT_LOG)

    def reasons(self) -> list[str]:
        return [row["reason"] for row in self.rows(REJECTED_EVENTS)]

    def files(self) -> dict[str, bytes]:
        root = self.folder / "lake"
        return {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*.parquet")}


@pytest.fixture
def inbox(tmp_path: Path) -> Inbox:
    return Inbox(tmp_path)


def line(event_id: str, occurred_at: str, **cells: str) -> str:
    """Return one CSV line of `HEADER`; what is not given is a plain assignment of Ann to Bob."""
    row = {
        "event_id": event_id,
        "occurred_at": occurred_at,
        "conversation_id": "c1",
        "contact_id": "k1",
        "contact_name": "Ann",
        "previous_assignee": "",
        "assignee": "Bob",
        "source": "workflow",
        "assigned_by": "",
    } | cells
    buffer = io.StringIO()
    csv.DictWriter(buffer, HEADER.split(","), lineterminator="\n").writerow(row)
    return buffer.getvalue().removesuffix("\n")


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    with cluster() as server:
        yield server


@pytest.fixture(scope="session")
def mariadb() -> Iterator[MariaDb]:
    with server() as running:
        yield running


@pytest.fixture(scope="session")
def object_store() -> Iterator[str]:
    with stored_objects() as bucket:
        yield bucket


@contextmanager
def stored_objects() -> Iterator[str]:
    """Start an S3-compatible store on loopback with a bucket; yield the bucket's URL."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        patch.setenv("AWS_ACCESS_KEY_ID", "reports")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        botocore.session.get_session().create_client("s3").create_bucket(Bucket="reports")
        yield "s3://reports"
    server.stop()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The system's Chromium, with nothing to talk to.

    While it is open Playwright's event loop runs in this thread, where Dagster could run none of its own.
    """
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=OFFLINE)
        yield chromium
        chromium.close()

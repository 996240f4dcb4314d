"""A contact that asks to be forgotten: gone from every byte that is kept, and no total changes."""

import shutil
import zipfile
from datetime import date, timedelta
from io import BytesIO
from pathlib import Path

import pikepdf
import pyarrow.parquet as pq
import pytest
from sqlalchemy import func, select

from assets.archive.archive import Archive
from assets.archive.verify import verify_archive
from assets.archive.version import Key
from assets.deliver.dispatcher import Dispatcher
from assets.deliver.erasure import ReportErasure
from assets.extract.erasure import read_tombstones
from assets.warehouse.base import open_warehouse
from assets.warehouse.schema import ASSIGNMENT_EVENTS, REJECTED_EVENTS
from orchestration import pipeline
from tests.deliver.delivery_deployment import DUE, TODAY, DeliveryDeployment
from tests.servers.mail_server import mail_server

EVE = [
    "e3,2026-06-14T16:00:00Z,conv-eve,k-eve,Eve Evans,,Bob,user,Dan",
    "e4,2026-06-14T16:30:00Z,conv-eve,k-eve,Eve Evans,Bob,Cy,user,Dan",
    "e5,2026-06-13T16:30:00Z,conv-eve,k-eve,Eve Evans,,Cy,user,Dan",
    "e6,2026-06-14T17:00:00Z,conv-bob,k-bob,Bob Brown,,Cy,bot,",
    "e7,no time,conv-eve,k-eve,Eve Evans,,Cy,user,Dan",
]
TRACES = (b"k-eve", b"Eve Evans", b"conv-eve")


def texts(path: Path) -> bytes:
    """Return what a file holds, unpacked."""
    data = path.read_bytes()
    if path.suffix == ".parquet":
        return repr(pq.read_table(BytesIO(data)).to_pylist()).encode()
    if path.suffix == ".xlsx":
        with zipfile.ZipFile(BytesIO(data)) as parts:
            return b"".join(parts.read(name) for name in parts.namelist())
    if path.suffix == ".pdf":
        with pikepdf.open(BytesIO(data)) as pdf:
            return b"".join(page.Contents.read_bytes() for page in pdf.pages if "/Contents" in page)
    return data


def traces(folder: Path) -> list[str]:
    """Return every file below *folder*, but the source, that holds a trace of Eve."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.parent.name != "events"]
    return [str(path.relative_to(folder)) for path in files if any(trace in texts(path) for trace in TRACES)]


@pytest.fixture
def deployment(tmp_path: Path) -> DeliveryDeployment:
    """A deployment that was sent two parts of a report about Eve and others."""
    with mail_server() as server:
        deployment = DeliveryDeployment(
            tmp_path,
            server,
            {
                "recipients": ["ann@acme.example", {"address": "bob@acme.example", "language": "de"}],
                "provisional": True,  # a row of Eve's is rejected
            },
            {
                "formats": ["html", "csv", "xlsx", "parquet"],
                "components": ["metric", "chains", "findings", "log", "quality"],
            },
        )
        deployment.make(events=EVE)
        deployment.make(events=EVE, on=TODAY - timedelta(1))
        deployment.now = DUE
        deployment.round()
        assert set(deployment.states().values()) == {"accepted"}
    return deployment


def erase(deployment: DeliveryDeployment, dispatcher: Dispatcher) -> tuple[list[date], int]:
    reports = ReportErasure(
        deployment.config,
        deployment.acme,
        dispatcher.catalog,
        dispatcher.ledger,
        deployment.now,
        lambda _: None,
    )
    days, done = pipeline.erase_contact("k-eve", reports)
    return days, len(done.made)


def totals(deployment: DeliveryDeployment) -> dict[str, int]:
    newest = deployment.dispatcher.catalog.versions("acme")
    return {str(each["report_date"]): each["total"] for each in reversed(newest)}


def test_nothing_of_a_contact_is_left_and_every_total_is(deployment: DeliveryDeployment) -> None:
    assert len(traces(deployment.folder)) > 10
    before = totals(deployment)
    assert erase(deployment, deployment.dispatcher) == ([date(2026, 6, 13), date(2026, 6, 14)], 2)
    assert traces(deployment.folder) == []
    assert totals(deployment) == before == {"2026-06-14": 1, "2026-06-15": 3}
    assert b"Bob Brown" in (deployment.folder / "out/acme/yesterday/2026-06-15/v2/log.csv").read_bytes()
    assert verify_archive(deployment.config.archive, deployment.dispatcher.catalog.listed()).faults == []
    rows = open_warehouse(deployment.config, "acme").query(select(REJECTED_EVENTS.c.raw))
    assert rows.column(0).to_pylist() == [None]


def test_it_does_not_come_back_with_the_next_load_and_changes_nothing(deployment: DeliveryDeployment) -> None:
    erase(deployment, deployment.dispatcher)
    stored = {path: path.read_bytes() for path in (deployment.folder / "lake").rglob("*.parquet")}
    deployment.make(events=EVE)
    assert traces(deployment.folder) == []
    changed = [
        path for path, data in stored.items() if path.read_bytes() != data and "load_counts" not in str(path)
    ]
    assert changed == []
    deployment.now += timedelta(hours=1)
    with mail_server() as server:
        deployment.server.port = server.port
        deployment.configure()
        deployment.round()
        assert not server.received


def test_killed_half_way_it_is_done_again(
    deployment: DeliveryDeployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(pipeline, "build_days", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            erase(deployment, deployment.dispatcher)
    assert erase(deployment, deployment.dispatcher)[1] == 2
    assert traces(deployment.folder) == []
    assert erase(deployment, deployment.dispatcher)[1] == 2  # the same versions
    assert {path.name for path in (deployment.folder / "out/acme/yesterday/2026-06-15").iterdir()} == {"v2"}


def test_the_tombstone_names_nobody_and_others_stay(deployment: DeliveryDeployment) -> None:
    erase(deployment, deployment.dispatcher)
    lake = open_warehouse(deployment.config, "acme")
    assert read_tombstones(lake).masks("k-eve")
    assert not read_tombstones(lake).masks("k-bob")
    contacts = lake.query(
        select(ASSIGNMENT_EVENTS.c.contact_id, func.count()).group_by(ASSIGNMENT_EVENTS.c.contact_id)
    )
    assert sorted(contacts.column(1).to_pylist()) == [1, 3]


def test_mails_that_wait_for_the_new_version_survive_a_second_run(deployment: DeliveryDeployment) -> None:
    erase(deployment, deployment.dispatcher)
    with mail_server() as server:
        deployment.server.port = server.port
        server.does("RCPT", "451 later")
        deployment.configure(recipients=["ann@acme.example", "cy@acme.example"], language="es")
        deployment.dispatcher.deliver_by_hand(deployment.acme, deployment.managers, [TODAY])
        erase(deployment, deployment.dispatcher)
        deployment.round(timedelta(hours=1))
        assert [each.recipient for each in server.received] == ["cy@acme.example"]
    assert traces(deployment.folder) == []


def test_what_a_killed_round_left_and_a_period_that_has_shrunk_are_forgotten_too(
    deployment: DeliveryDeployment,
) -> None:
    outbox = deployment.folder / "out" / "acme" / ".outbox"
    (outbox / f"{'0' * 64}.eml").write_bytes(b"Subject: Eve Evans")
    shutil.copytree(
        deployment.folder / "out/acme/yesterday/2026-06-15/v1",
        deployment.folder / "out/acme/yesterday/2026-06-15/v0",
    )
    deployment.dispatcher.catalog.record(
        Archive(deployment.config.archive).read(Key("acme", "yesterday", TODAY), 1), DUE, DUE
    )
    erase(deployment, deployment.dispatcher)
    assert traces(deployment.folder) == []
    assert verify_archive(deployment.config.archive, deployment.dispatcher.catalog.listed()).faults == []

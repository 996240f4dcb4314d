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
from assets.archive.verify import verify
from assets.archive.version import Key
from assets.deliver.dispatcher import Post
from assets.extract.erasure import tombstones
from assets.warehouse.base import open_warehouse
from assets.warehouse.schema import ASSIGNMENT_EVENTS, REJECTED_EVENTS
from orchestration import pipeline
from tests.deliver.delivery_deployment import DUE, TODAY, Office
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
def office(tmp_path: Path) -> Office:
    """A deployment that was sent two parts of a report about Eve and others."""
    with mail_server() as server:
        office = Office(
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
        office.make(events=EVE)
        office.make(events=EVE, on=TODAY - timedelta(1))
        office.now = DUE
        office.round()
        assert set(office.states().values()) == {"accepted"}
    return office


def erase(office: Office, post: Post) -> tuple[list[date], int]:
    days, done = pipeline.erase(
        office.acme, "k-eve", office.config, post.catalogue, office.now, lambda _: None
    )
    return days, len(done.made)


def totals(office: Office) -> dict[str, int]:
    newest = office.post.catalogue.versions("acme")
    return {str(each["report_date"]): each["total"] for each in reversed(newest)}


def test_nothing_of_a_contact_is_left_and_every_total_is(office: Office) -> None:
    assert len(traces(office.folder)) > 10
    before = totals(office)
    assert erase(office, office.post) == ([date(2026, 6, 13), date(2026, 6, 14)], 2)
    assert traces(office.folder) == []
    assert totals(office) == before == {"2026-06-14": 1, "2026-06-15": 3}
    assert b"Bob Brown" in (office.folder / "out/acme/yesterday/2026-06-15/v2/log.csv").read_bytes()
    assert verify(office.config.archive, office.post.catalogue.listed()).faults == []
    rows = open_warehouse(office.config, "acme").query(select(REJECTED_EVENTS.c.raw))
    assert rows.column(0).to_pylist() == [None]


def test_it_does_not_come_back_with_the_next_load_and_changes_nothing(office: Office) -> None:
    erase(office, office.post)
    stored = {path: path.read_bytes() for path in (office.folder / "lake").rglob("*.parquet")}
    office.make(events=EVE)
    assert traces(office.folder) == []
    changed = [
        path for path, data in stored.items() if path.read_bytes() != data and "load_counts" not in str(path)
    ]
    assert changed == []
    office.now += timedelta(hours=1)
    with mail_server() as server:
        office.server.port = server.port
        office.configure()
        office.round()
        assert not server.received


def test_killed_half_way_it_is_done_again(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(pipeline, "build_days", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            erase(office, office.post)
    assert erase(office, office.post)[1] == 2
    assert traces(office.folder) == []
    assert erase(office, office.post)[1] == 2  # the same versions
    assert {path.name for path in (office.folder / "out/acme/yesterday/2026-06-15").iterdir()} == {"v2"}


def test_the_tombstone_names_nobody_and_others_stay(office: Office) -> None:
    erase(office, office.post)
    lake = open_warehouse(office.config, "acme")
    assert tombstones(lake).masks("k-eve")
    assert not tombstones(lake).masks("k-bob")
    contacts = lake.query(
        select(ASSIGNMENT_EVENTS.c.contact_id, func.count()).group_by(ASSIGNMENT_EVENTS.c.contact_id)
    )
    assert sorted(contacts.column(1).to_pylist()) == [1, 3]


def test_mails_that_wait_for_the_new_version_survive_a_second_run(office: Office) -> None:
    erase(office, office.post)
    with mail_server() as server:
        office.server.port = server.port
        server.does("RCPT", "451 later")
        office.configure(recipients=["ann@acme.example", "cy@acme.example"], language="es")
        office.post.deliver_by_hand(office.acme, office.managers, [TODAY])
        erase(office, office.post)
        office.round(timedelta(hours=1))
        assert [each.recipient for each in server.received] == ["cy@acme.example"]
    assert traces(office.folder) == []


def test_what_a_killed_round_left_and_a_period_that_has_shrunk_are_forgotten_too(office: Office) -> None:
    outbox = office.folder / "out" / "acme" / ".outbox"
    (outbox / f"{'0' * 64}.eml").write_bytes(b"Subject: Eve Evans")
    shutil.copytree(
        office.folder / "out/acme/yesterday/2026-06-15/v1", office.folder / "out/acme/yesterday/2026-06-15/v0"
    )
    office.post.catalogue.record(
        Archive(office.config.archive).read(Key("acme", "yesterday", TODAY), 1), DUE, DUE
    )
    erase(office, office.post)
    assert traces(office.folder) == []
    assert verify(office.config.archive, office.post.catalogue.listed()).faults == []

"""A night of `run --send` in a process in which something fails, and what must hold afterwards.

A run loads, builds, archives, catalogs and mails. After a fault of it the lake, the archive, the state and the
mails are whole as they are; the next run makes everything right, to the byte. Add here what must hold.
"""

import gc
import hashlib
import re
import shutil
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from importlib import import_module
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TypeVar

import pytest
from sqlalchemy import func, select

from assets.archive.archive import Archive
from assets.archive.catalog import Catalog
from assets.archive.verify import verify_archive
from assets.config.deployment import Config
from assets.config.loader import load_config
from assets.deliver.delivery import State
from assets.deliver.ledger import Ledger
from assets.periods import Preset
from assets.render.html.page import jinja_environment
from assets.warehouse.base import Warehouse, open_warehouse
from assets.warehouse.days import read_day
from assets.warehouse.parquet_lake import Lake
from assets.warehouse.schema import (
    ASSIGNMENT_EVENTS,
    ASSIGNMENT_LOG,
    DAILY_SOURCE_AGGREGATES,
    LOAD_COUNTS,
    LOG_COUNTS,
    METADATA,
    REJECTED_EVENTS,
)
from orchestration.report_processes import cpu_count
from tests.audit.faulty_calls import call_apart
from tests.deliver.delivery_audit import broken_promises
from tests.deliver.delivery_faults import arrived
from tests.orchestration.cli.test_run_send import FIRST_NIGHT, MANAGERS
from tests.orchestration.command_line import CommandLine, Finished
from tests.orchestration.simulated_scheduler import configure, write_events
from tests.servers.mail_server import MailServer, mail_server

FIRST_DAY = date(2026, 6, 14)
_HOURS = (0.2, 0.5, 1, 2, 4, 8, 24)  # after which a delivery has an end
Files = dict[str, bytes]
_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


@dataclass(frozen=True)
class Night:
    """A folder with an inbox whose report of yesterday is due, and a mail server.

    `deployment` says where the rest is, if not in the folder, and `workspace` what is otherwise in it.
    """

    folder: Path
    server: MailServer
    deployment: Mapping[str, Any] = field(default_factory=dict)
    workspace: Mapping[str, Any] = field(default_factory=dict)
    recipients: tuple[str, ...] = tuple(MANAGERS["recipients"])

    def configure(self) -> None:
        acme = {
            "first_day": str(FIRST_DAY),
            "lookback_days": 1,
            "formats": ["csv"],
            "subscriptions": [MANAGERS | {"recipients": self.recipients}],
            **self.workspace,
        }
        smtp = self.server.settings().model_dump(mode="json")
        configure(self.folder, acme, **{"smtp": smtp, **self.deployment})

    @property
    def config(self) -> Config:
        return load_config(self.folder / "reports.yaml")

    def begin(self, since: datetime = FIRST_NIGHT - timedelta(days=1)) -> None:
        """Let the subscription be known *since* the night before."""
        Ledger(self.config.state).since("acme", "managers", ["yesterday"], since)

    def run(self, at: datetime = FIRST_NIGHT) -> Finished:
        """Do what is due *at* an instant, in this process."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("orchestration.cli.run_due.read_clock", lambda: at)
            patch.setattr("assets.config.workspace.PRESETS", (Preset.YESTERDAY,))
            patch.setattr("assets.deliver.ledger_session._SETTLE_TRIES", 2)
            return CommandLine(self.folder).call("run", "--send")

    def run_to_the_end(self) -> tuple[Finished, Files]:
        """Do what is due again, then until every delivery has its end, and remove what killed runs left.

        Return what the first run printed, and the files.
        """
        first = self.run()
        for hours in _HOURS:
            if not Ledger(self.config.state).to_attend(FIRST_NIGHT + timedelta(days=9)):
                break
            self.run(FIRST_NIGHT + timedelta(hours=hours))
        later = datetime.now(UTC) + timedelta(hours=1)
        Archive(self.config.archive).tidy(later)
        open_warehouse(self.config, "acme").tidy(later)
        return first, self.files()

    def files(self) -> Files:
        """Return the archived files, and those of a lake in the folder."""
        archive = self.config.archive
        kept = {
            str(path.relative_to(archive)): path.read_bytes()
            for path in archive.rglob("*")
            if path.is_file() and not path.name.startswith(".") and ".outbox" not in path.parts
        }
        parts = (self.folder / "lake").rglob("*.parquet*")
        return kept | {str(path.relative_to(self.folder)): path.read_bytes() for path in parts}

    def harms(self) -> list[str]:
        """Return what is not whole in the warehouse, the archive and the state."""
        config = self.config
        faults = verify_archive(config.archive, Catalog(config.state).listed()).faults
        faults += harms_of_days(open_warehouse(config, "acme"))
        if (file := self.folder / "state.sqlite").exists():
            with sqlite3.connect(file) as connection:
                faults += [text for (text,) in connection.execute("PRAGMA integrity_check") if text != "ok"]
            connection.close()
        return faults

    def broken_promises(self) -> list[str]:
        """Return what is wrong with the deliveries when all have come to an end."""
        config, sent = self.config, [each.recipient for each in self.server.received]
        if "sqlite" in config.state.get_secret_value():
            mailbox = arrived(self.server, self.folder)
            return broken_promises(self.folder / "state.sqlite", config.archive, mailbox)
        rows = Ledger(config.state).of_subscription("acme", "managers")
        if sorted(row.recipient for row in rows) != list(self.recipients):
            return [f"{rows}"]
        return [
            f"{row.recipient} was sent {sent.count(row.recipient)} mails: {row}"
            for row in rows
            if row.state not in {State.ACCEPTED, State.UNKNOWN}
            or sent.count(row.recipient) > 1 + row.unconfirmed_attempts
            or (row.state is State.ACCEPTED and not sent.count(row.recipient))
        ]

    def harms_after(self, done: object, *, may_die: bool) -> list[str]:
        """Return what is wrong with a run that ended with *done*, and with what it left."""
        found = harms_of_ending(done, may_die=may_die) + answered(self.harms)
        return [f"at once: {each}" for each in found]

    def harms_of_next(self, files: Files, seen_as: Callable[[Files], Files] = dict) -> list[str]:
        """Return what is wrong after the next runs, which must leave *files*, or what is *seen_as* the same."""
        answer = call_apart(self.run_to_the_end)
        if isinstance(answer, str):
            return [answer]
        again, left = answer
        found = harms_of_ending(again, may_die=False)
        if isinstance(again, Finished) and again.returncode not in {0, 7}:
            found.append(f"{again.returncode}: {again.stderr}")
        found += differences(seen_as(left), seen_as(files))
        found += answered(self.harms) + answered(self.broken_promises)
        return [f"in the end: {each}" for each in found]


def differences(ours: Files, theirs: Files) -> list[str]:
    """Return the names of the files that only one has, or that differ."""
    return sorted(name for name in ours.keys() | theirs.keys() if ours.get(name) != theirs.get(name))


def newest(files: Files) -> Files:
    """Return the figures of the newest versions among *files*, and the lake."""
    kept = (name for name in sorted(files) if name.endswith((".parquet", "report.json", "log.csv")))
    return {re.sub(r"/v\d+/", "/", name): files[name] for name in kept}


def answered(look: Callable[[], list[str]]) -> list[str]:
    """Return what *look* finds, in a process of its own: this one opens no database that is forked."""
    found = call_apart(look)
    return found if isinstance(found, list) else [str(found)]


def harms_of_ending(done: object, *, may_die: bool) -> list[str]:
    """Return what is wrong with how a run ended: with a traceback, or without a word."""
    if not isinstance(done, Finished):
        return [] if done is None and may_die else [f"it died: {done}"]
    is_silent = done.returncode and not re.search("ERROR|WARNING", done.stderr)
    return [f"{done.returncode}: {done.stderr}"] if "Traceback" in done.stderr or is_silent else []


def harms_of_days(warehouse: Warehouse) -> list[str]:
    """Return the days that are loaded or built, and whose rows are not those that are counted."""

    def by_day(table: Any, number: Any) -> dict[date, int]:
        query = select(table.c.local_day, number).group_by(table.c.local_day)
        return dict(zip(*(column.to_pylist() for column in warehouse.query(query).columns), strict=True))

    loads, logs, counts = LOAD_COUNTS.c, LOG_COUNTS.c, DAILY_SOURCE_AGGREGATES
    accepted = by_day(LOAD_COUNTS, func.sum(loads.accepted_count))
    unreadable = by_day(LOAD_COUNTS, func.sum(loads.unreadable_count))
    logged = by_day(LOG_COUNTS, func.sum(logs.log_count))
    stored = {
        "events": (by_day(ASSIGNMENT_EVENTS, func.count()), accepted),
        "rejected rows": (by_day(REJECTED_EVENTS, func.count()), unreadable),
        "rows of the log": (by_day(ASSIGNMENT_LOG, func.count()), logged),
        "counts": (by_day(counts, func.sum(counts.c.assignment_count)), logged),
    }
    found = [
        f"{day}: {there.get(day, 0)} {name} of {count}"
        for name, (there, expected) in stored.items()
        for day, count in expected.items()
        if there.get(day, 0) != count
    ]
    return found + (harms_of_files(warehouse) if isinstance(warehouse, Lake) else [])


def harms_of_files(lake: Lake) -> list[str]:
    """Return the files of a lake that cannot be read, or are not those of their day."""
    found = []
    for table in METADATA.sorted_tables:
        for file in lake.folder.glob(f"{table.name}/local_day=*/part.parquet"):
            try:
                read_day(table, file)
            except Exception as error:  # noqa: BLE001 - whatever it is
                found.append(f"{file}: {error}")
    for row in lake.query(select(LOAD_COUNTS.c.local_day, LOAD_COUNTS.c.events_sha256)).to_pylist():
        file = lake.folder / ASSIGNMENT_EVENTS.name / f"local_day={row['local_day']}" / "part.parquet"
        if hashlib.sha256(file.read_bytes()).hexdigest() != row["events_sha256"]:
            found.append(f"{file} has another hash than its day")
    return found


def make_due(folder: Path) -> Path:
    """Make *folder*, in which a night is due."""
    folder.mkdir()
    write_events(folder, FIRST_DAY, 2)
    with mail_server() as server:
        night = Night(folder, server)
        night.configure()
        assert call_apart(night.begin) is None
    return folder


def copied(due: Path, folder: Path, server: MailServer, **deployment: Any) -> Night:
    """Copy what is *due* to a new *folder*."""
    shutil.copytree(due, folder)
    night = Night(folder, server, deployment)
    night.configure()
    return night


def require_undisturbed(night: Night, done: object) -> None:
    """Require that a run without a fault did what is due."""
    assert isinstance(done, Finished), done
    assert done.returncode == 0, done.stderr
    assert answered(night.harms) == []
    assert sorted(each.recipient for each in night.server.received) == MANAGERS["recipients"]


def called_alone(work: Callable[..., _Result], *arguments: Any) -> _Result:
    """Return what *work* returns in a process that no test has left threads in, so that it can fork others."""
    with ProcessPoolExecutor(1, get_context("forkserver"), _import_the_rest) as pool:
        return pool.submit(work, *arguments).result()


def in_parallel(work: Callable[[_Item], str], items: Sequence[_Item]) -> dict[str, str]:
    """Call *work* with each of *items* on all cores; return what it returns by the item's text."""
    with ProcessPoolExecutor(cpu_count(), get_context("forkserver"), _import_the_rest) as pool:
        return dict(zip(map(str, items), pool.map(work, items), strict=True))


def _import_the_rest() -> None:
    """Import and compile what a run needs late, once for all processes that are forked from this one."""
    for module in ("pyarrow.dataset", "rich.live", "assets.archive.publish"):
        import_module(module)
    for template in ("index/index.html.j2", "index/redirect.html.j2", "mail/mail.html.j2"):
        jinja_environment("en").get_template(template)
    gc.freeze()

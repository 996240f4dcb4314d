"""Whole reports of a small inbox as people open them: in the system's Chromium, as PDF."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from assets.archive.publish import Draft, draft_report
from assets.config.workspace import ReportSpec
from assets.sources.synthetic import write_events
from tests.conftest import HEADER, Inbox, line

REPORT_DATE = date(2026, 11, 18)
LAST_30_DAYS = (date(2026, 10, 19), date(2026, 11, 17))
NOW = datetime(2026, 11, 20, tzinfo=UTC)
OFFLINE = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]

ODD = (
    line("o1", "2026-11-01T05:59:59.999Z", contact_id="k1", contact_name="İpek Αγγελος", conversation_id=""),
    line(
        "o2", "2026-11-01T06:00:00Z", contact_id="k2", contact_name="", assignee="", previous_assignee="Zed"
    ),
    line("o3", "2026-11-01T06:00:00Z", contact_id="", contact_name="STRASSE ẞ", conversation_id="x-7"),
    line("o4", "2026-11-02T12:00:00Z", contact_id="k2", contact_name="now named", source="<b>ai</b>"),
    line(
        "o5", "2026-11-02T12:00:01Z", contact_id="k4", contact_name='a,b "c" \\ 100%_', conversation_id="x-8"
    ),
)


@dataclass(frozen=True)
class Acme:
    """The inbox, and what the server says about it."""

    inbox: Inbox

    def draft(self, **spec: Any) -> Draft:
        given = {
            "name": "last_30_days",
            "preset": "last_30_days",
            "pdf_log_rows": 40,
            "formats": ["html", "csv"],
        } | spec
        if "first_day" in spec:
            given.pop("preset")
        return draft_report(
            self.inbox.lake, self.inbox.workspace, ReportSpec.model_validate(given), REPORT_DATE, NOW
        )


@pytest.fixture(scope="session")
def acme(tmp_path_factory: pytest.TempPathFactory) -> Acme:
    """An inbox of 4,000 events and some odd ones, loaded and built."""
    inbox = Inbox(tmp_path_factory.mktemp("acme"), first_day=date(2026, 9, 19))
    (inbox.folder / "events").mkdir()
    write_events(inbox.folder / "events" / "a.csv", last_day=LAST_30_DAYS[1], days=60, events=4_000)
    inbox.write(*ODD, name="odd.csv", header=HEADER)
    inbox.load(date(2026, 9, 19), REPORT_DATE, NOW)
    inbox.build(date(2026, 9, 19), REPORT_DATE)
    return Acme(inbox)


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


@dataclass
class Opened:
    """A page, where it lies, and whatever it complained about or asked the network for."""

    page: Page
    address: str
    complaints: list[str]
    has_script: bool = True

    def at(self, fragment: str) -> None:
        """Go to a filtered view as a link would, and wait until it is drawn."""
        self.page.goto(f"{self.address}#{fragment}")
        self.page.wait_for_selector("html[data-ready]")

    def settle(self) -> None:
        """Wait for what a change of the address sets off; without script that is nothing."""
        if self.has_script:
            self.page.evaluate("() => new Promise(done => setTimeout(done))")

    def text(self, selector: str) -> str:
        self.settle()
        return self.page.locator(selector).first.inner_text().strip()

    def cells(self, selector: str) -> list[list[str]]:
        """Return the cells of the body rows of a table."""
        self.settle()
        found: list[list[str]] = self.page.locator(f"{selector} tbody tr").evaluate_all(
            "rows => rows.map(row => [...row.children].map(cell => cell.textContent))"
        )
        return found


Open = Callable[..., Opened]


@pytest.fixture
def open_page(browser: Browser, tmp_path: Path) -> Iterator[Open]:
    """Write a draft's page beside its log and open it; at the end it has complained about nothing."""
    opened: list[Opened] = []

    def open_draft(draft: Draft, fragment: str = "", *, has_script: bool = True, **context: Any) -> Opened:
        folder = tmp_path / str(len(opened))
        folder.mkdir()
        files = draft.render(1)
        for name in ("report.html", "log.csv"):
            (folder / name).write_bytes(files[name])
        page = browser.new_context(
            viewport={"width": 1280, "height": 900}, java_script_enabled=has_script, **context
        ).new_page()
        each = Opened(page, (folder / "report.html").as_uri(), [], has_script)
        page.on("console", lambda message: each.complaints.append(message.text))
        page.on("pageerror", lambda error: each.complaints.append(str(error)))
        page.on("request", lambda asked: _note(each, asked.url))
        page.goto(each.address + (f"#{fragment}" if fragment else ""))
        if has_script and not draft.report.has_no_data:
            page.wait_for_selector("html[data-ready]")
        opened.append(each)
        return each

    yield open_draft
    for each in opened:
        each.page.context.close()
        assert each.complaints == []


def _note(opened: Opened, address: str) -> None:
    if not address.startswith(("data:", "blob:", opened.address)):
        opened.complaints.append(f"asked for {address}")

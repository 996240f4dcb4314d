"""Whole reports of a small inbox as people open them: in the system's Chromium, as PDF."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from assets.archive.publish import draft_report
from assets.archive.version_files import Draft
from assets.config.workspace import ReportSpec
from tests.conftest import Inbox, line

REPORT_DATE = date(2026, 11, 18)
LAST_30_DAYS = (date(2026, 10, 19), date(2026, 11, 17))
NOW = datetime(2026, 11, 20, tzinfo=UTC)

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
    """The inbox, and what the server says about it: each report is drafted and its page written once."""

    inbox: Inbox
    drafts: dict[str, Draft] = field(default_factory=dict)
    pages: list[tuple[Draft, dict[str, bytes]]] = field(default_factory=list)

    def draft(self, **spec: Any) -> Draft:
        return self.draft_on(REPORT_DATE, **spec)

    def draft_on(self, report_date: date, **spec: Any) -> Draft:
        given = {
            "name": "last_30_days",
            "preset": "last_30_days",
            "pdf_log_rows": 40,
            "formats": ["html", "csv"],
        } | spec
        if "first_day" in spec:
            given.pop("preset")
        if (key := repr((report_date, given))) not in self.drafts:
            wanted = ReportSpec.model_validate(given)
            self.drafts[key] = draft_report(self.inbox.lake, self.inbox.workspace, wanted, report_date, NOW)
        return self.drafts[key]

    def page(self, draft: Draft) -> dict[str, bytes]:
        """Return the page of *draft* and its log."""
        for known, files in self.pages:
            if known is draft:
                return files
        files = draft.render(1)
        self.pages.append((draft, {name: files[name] for name in ("report.html", "log.csv")}))
        return self.pages[-1][1]


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


def open_files(
    files: dict[str, bytes], folder: Path, page: Page, fragment: str = "", *, has_script: bool = True
) -> Opened:
    """Write the *files* of a report into *folder*, and open its page."""
    for name, content in files.items():
        (folder / name).write_bytes(content)
    opened = Opened(page, (folder / "report.html").as_uri(), [], has_script)
    page.on("console", lambda message: opened.complaints.append(message.text))
    page.on("pageerror", lambda error: opened.complaints.append(str(error)))
    page.on("request", lambda asked: note(opened, asked.url))
    page.goto(opened.address + (f"#{fragment}" if fragment else ""))
    if has_script:
        page.wait_for_selector("html[data-ready]")
    return opened


def note(opened: Opened, address: str) -> None:
    if not address.startswith(("data:", "blob:", opened.address)):
        opened.complaints.append(f"asked for {address}")

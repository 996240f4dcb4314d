"""A loaded inbox, its reports opened in a browser, and names that nobody should trust."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from assets.archive.version_files import Draft
from assets.sources.synthetic import write_events
from tests.conftest import HEADER, Inbox
from tests.render.opened_report import (
    LAST_30_DAYS,
    NOW,
    ODD,
    REPORT_DATE,
    Acme,
    Open,
    Opened,
    open_files,
)


@pytest.fixture(scope="session")
def acme(tmp_path_factory: pytest.TempPathFactory) -> Acme:
    """An inbox of 4,000 events with hostile names and some odd ones, loaded and built."""
    inbox = Inbox(tmp_path_factory.mktemp("acme"), first_day=date(2026, 9, 19))
    inbox.options["teams"] = {"Sales": ["u1", "u6", "u9"], "Support": ["u0", "u2", "u3", "Bob"]}
    (inbox.folder / "events").mkdir()
    path = inbox.folder / "events" / "a.csv"
    write_events(path, last_day=LAST_30_DAYS[1], days=60, events=4_000, hostile=True)
    inbox.write(*ODD, name="odd.csv", header=HEADER)
    inbox.load(date(2026, 9, 19), REPORT_DATE, NOW)
    inbox.build(date(2026, 9, 19), REPORT_DATE)
    return Acme(inbox)


@pytest.fixture
def open_page(acme: Acme, browser: Browser, tmp_path: Path) -> Iterator[Open]:
    """Write a draft's page beside its log and open it; at the end it has complained about nothing."""
    opened: list[Opened] = []

    def open_next(draft: Draft, fragment: str = "", *, has_script: bool = True, **context: Any) -> Opened:
        (folder := tmp_path / str(len(opened))).mkdir()
        page = browser.new_context(
            viewport={"width": 1280, "height": 900}, java_script_enabled=has_script, **context
        ).new_page()
        has_script &= not draft.report.has_no_data
        opened.append(open_files(acme.page(draft), folder, page, fragment, has_script=has_script))
        return opened[-1]

    yield open_next
    for each in opened:
        each.page.context.close()
        assert each.complaints == []


@pytest.fixture
def hostile_names() -> list[str]:
    return [
        "<script>document.title='owned'</script>",
        "<img src=x onerror=\"document.title='owned'\">",
        "</td></table><h1>broken</h1>",
        "{{ 7*7 }}{% raw %}",
        "$x$",
        "$_$",
        "=1+1",
        "\u202egnp.exe",
        "e" + "\u0301" * 5000,
        "x" * 5000,
        "-->",
        "]]>",
        "&lt;",
        "a'\"`b",
        "\ufffd",
        "👩‍👩‍👧",
        "عربي",
        "中文",
        "हिन्दी",
        "ไทย",
        "עברית",
    ]

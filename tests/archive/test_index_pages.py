"""The archive's pages in a browser: search, filters, what goes along to a workspace's page."""

from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page
from pydantic import SecretStr

from assets.archive.archive import Archive
from assets.archive.catalog import Catalog
from assets.archive.index_pages import write_index
from assets.archive.version import Origin
from tests.conftest import LATER
from tests.render.made_reports import FIRST, make_report


@pytest.fixture
def index(tmp_path: Path) -> Path:
    """Return the pages of two workspaces: two reports over three report dates, one in two versions."""
    archive, catalog = Archive(tmp_path), Catalog(SecretStr(f"sqlite:///{tmp_path}/state.sqlite"))
    for slug in ("acme", "beta"):
        for name in ("last_7_days", "yesterday"):
            for day in range(3):
                report_date = FIRST + timedelta(10 + day)
                for count in (3, 4)[: 1 + (day == 2)]:
                    report = make_report(
                        {"user": count},
                        workspace=slug,
                        workspace_name=slug.title(),
                        name=name,
                        report_date=report_date,
                        provisional=day == 0,
                    )
                    archived = archive.store(report, Origin({}, {}), lambda _: {"report.html": b"<p>"})
                    catalog.record(archived, report.as_of, LATER)
    return write_index(catalog, tmp_path, ["acme", "beta"])


@pytest.fixture
def page(browser: Browser) -> Page:
    return browser.new_context().new_page()


def shown(page: Page) -> int:
    return page.locator("tbody tr:not([hidden])").count()


def test_a_list_is_searched_and_filtered_and_its_address_says_how(index: Path, page: Page) -> None:
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.goto((index.parent / "acme" / "index.html").as_uri())
    assert (shown(page), page.locator("output").inner_text()) == (8, "8 of 8")
    page.locator("[name=report]").select_option("yesterday")
    assert shown(page) == 4
    page.get_by_label("State").select_option("older")
    assert shown(page) == 1
    page.get_by_label("State").select_option("provisional")
    page.get_by_label("From", exact=True).fill(str(FIRST + timedelta(10)))
    page.get_by_label("To", exact=True).fill(str(FIRST + timedelta(10)))
    assert (shown(page), page.locator("output").inner_text()) == (1, "1 of 8")
    page.reload()
    assert shown(page) == 1
    page.goto((index.parent / "acme" / "index.html").as_uri() + "#text=3+→+4")
    assert shown(page) == 2
    assert complaints == []


def test_what_is_chosen_goes_along_to_a_workspace(index: Path, page: Page) -> None:
    page.goto(index.as_uri())
    page.get_by_label("Search").fill("bet")
    assert shown(page) == 1
    page.get_by_label("Search").fill("")
    page.get_by_label("State").select_option("newest")
    page.get_by_role("link", name="Beta").click()
    page.wait_for_url("**/beta/index.html#state=newest")
    assert shown(page) == 6


def test_without_script_everything_is_shown(index: Path, browser: Browser) -> None:
    page = browser.new_context(java_script_enabled=False).new_page()
    page.goto((index.parent / "acme" / "index.html").as_uri())
    assert shown(page) == 8
    assert not page.locator("form").is_visible()

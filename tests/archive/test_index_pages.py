"""The archive's pages in a browser: cards of the newest reports, and a table that is searched and filtered."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page
from pydantic import SecretStr

from assets.archive import index_pages
from assets.archive.archive import Archive
from assets.archive.catalog import Catalog, Search
from assets.archive.index_pages import is_index_due, mark_index_due, write_index
from assets.archive.version import Origin
from assets.config.metrics import Goal, Metric
from assets.config.presentation import CompareWith
from assets.render.i18n import load_words
from assets.report.conditions import assess_goal
from assets.report.model import Comparison, Reason, ReasonCode, Report, Sibling, State
from tests.conftest import LATER
from tests.render.html.test_accessibility import violations
from tests.render.made_reports import FIRST, make_report
from tests.render.opened_report import Opened

LOGO = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="


@dataclass
class Shelf:
    """An archive below *root* with its catalog."""

    root: Path
    workspaces: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.catalog = Catalog(SecretStr(f"sqlite:///{self.root}/state.sqlite"))

    def add(self, report: Report, *names: str) -> None:
        files = dict.fromkeys(names or ("report.html", "report.pdf", "log.csv"), b"<p>")
        archived = Archive(self.root).store(report, Origin({}, {}), lambda _: files)
        self.catalog.record(archived, report.as_of, LATER)
        self.workspaces.add(report.workspace)

    def write(self) -> Path:
        return write_index(self.catalog, self.root, sorted(self.workspaces))


def named(name: str, *, language: str = "en", day: int = 0, total: int = 3, **changes: Any) -> Report:
    """Return a report whose report date is *day* days after the first one."""
    report = make_report({"user": total}, name=name, report_date=FIRST + timedelta(10 + day), **changes)
    return report.model_copy(update={"look": report.look.model_copy(update={"language": language})})


def changed(report: Report, percent: float) -> Report:
    """Return *report* with a previous period from which it differs by *percent*."""
    comparison = Comparison(
        first_day=FIRST,
        last_day=FIRST,
        day_count=1,
        total=2,
        change_pct=percent,
        by_source=(),
        by_day=(),
        notes=(),
    )
    components = report.components.model_copy(update={"comparison": State.SHOWN})
    return report.model_copy(update={"comparison": comparison, "components": components})


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path)


@pytest.fixture
def index(shelf: Shelf) -> Path:
    """Return the pages of two workspaces: two reports over three report dates, one in two versions."""
    for slug in ("acme", "beta"):
        for name in ("last_7_days", "yesterday"):
            for day in range(3):
                for count in (3, 4)[: 1 + (day == 2)]:
                    shelf.add(
                        named(
                            name,
                            day=day,
                            total=count,
                            workspace=slug,
                            workspace_name=slug.title(),
                            provisional=day == 0,
                        )
                    )
    return shelf.write()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    yield page
    page.context.close()
    assert complaints == []


def shown(page: Page) -> int:
    return page.locator("tbody tr:not([hidden])").count()


def texts(page: Page, selector: str) -> list[str]:
    return [text.strip() for text in page.locator(selector).all_inner_texts()]


def test_the_newest_report_of_each_preset_is_a_card_in_the_order_of_the_presets(
    shelf: Shelf, page: Page
) -> None:
    for name in ("last_month", "by_team", "last_7_days", "yesterday", "about_bots", "today"):
        shelf.add(named(name, day=0, total=1))
        shelf.add(named(name, day=1, total=2))
    shelf.add(named("last_7_days", day=1, total=5))
    page.goto(shelf.write().as_uri())
    titles = ["Today", "Yesterday", "Last 7 Days", "Last Month", "About Bots", "By Team"]
    assert texts(page, ".card h3") == titles
    totals = ["2 assignments"] * 2 + ["5 assignments"] + ["2 assignments"] * 3
    assert texts(page, ".card .total") == totals
    assert texts(page, "tbody th") == [*titles[:3], "Last 7 Days", *titles[3:], *titles]
    assert "Report date: Nov 12, 2026" in texts(page, ".card")[0]


def test_a_card_shows_the_change_and_what_to_be_careful_about(shelf: Shelf, page: Page) -> None:
    reasons = tuple(Reason(code=code, facts={}) for code in ReasonCode)
    shelf.add(changed(named("yesterday", provisional=True, reasons=reasons), 12.5))
    shelf.add(make_report({}, name="today", provisional=True))
    versions = {key: each for key, each in shelf.catalog.newest().items() if key.report == "yesterday"}
    assert shelf.catalog.end_search(
        Search("acme", 1, "", {}), versions, versions, datetime(2026, 12, 2, tzinfo=UTC)
    )
    page.goto(shelf.write().as_uri())
    today, yesterday = texts(page, ".card")
    assert "No data" in today
    assert "previous period" not in today
    assert "+12.5% vs. previous period" in yesterday
    assert "Provisional Days are missing. An input could not be read. " in yesterday
    assert "Outdated The data has changed since this version." in yesterday
    assert texts(page, ".card .files")[1] == "HTML · PDF · CSV · JSON"


def test_a_card_says_how_many_goals_are_missed(shelf: Shelf, page: Page) -> None:
    for name, bounds in (("today", (5, 2)), ("yesterday", (5, 4))):
        report = named(name)
        goals = (assess_goal(Goal(metric=Metric.ASSIGNMENTS, at_most=bound), report) for bound in bounds)
        shelf.add(report.model_copy(update={"goals": tuple(goals)}))
    shelf.add(named("last_month"))
    page.goto(shelf.write().as_uri())
    today, yesterday, last_month = texts(page, ".card")
    assert "1 of 2 goals missed" in today
    assert "2 goals met" in yesterday
    assert "goal" not in last_month
    assert "1 of 2 goals missed" in texts(page, "tbody tr")[0]


def test_a_card_names_the_year_before_and_a_title_of_the_configuration(shelf: Shelf, page: Page) -> None:
    report = changed(named("last_month", language="de", own_title="Yesterday"), 12.5)
    shelf.add(report.model_copy(update={"compare_with": CompareWith.PREVIOUS_YEAR}))
    shelf.add(named("yesterday", language="de"))
    page.goto(shelf.write().as_uri())
    assert texts(page, ".card h3") == ["Gestern", "Yesterday"]
    (row,) = (row for row in shelf.catalog.versions("acme") if row["report"] == "last_month")
    assert (row["change_pct"], row["compare_with"]) == (12.5, "previous_year")
    words = load_words("de")
    change = words.say("%(change)s vs. previous year") % {"change": words.change(12.5)}
    assert change in texts(page, ".card")[1]


def test_the_explorer_comes_first(shelf: Shelf, page: Page) -> None:
    shelf.add(named("today"))
    shelf.add(named("explorer"), "report.html")
    page.goto(shelf.write().as_uri())
    assert texts(page, ".card h3") == ["Explorer", "Today"]
    assert "any period from Nov 1, 2026 to Nov 7, 2026" in texts(page, ".card")[0]
    href = page.get_by_role("article").first.get_by_role("link").get_attribute("href")
    assert href == "acme/explorer/2026-11-11/v1/report.html"


def test_a_page_has_the_brand_of_the_newest_report(shelf: Shelf, page: Page) -> None:
    for day, color in ((1, "#0b7a75"), (0, "#ff0000")):
        report = named("today", day=day)
        look = report.look.model_copy(update={"color": color, "logo": LOGO if day else ""})
        shelf.add(report.model_copy(update={"look": look}))
    page.goto(shelf.write().as_uri())
    assert page.locator("h1").evaluate("each => getComputedStyle(each).color") == "rgb(11, 122, 117)"
    assert page.locator("header img").evaluate("each => each.naturalWidth") == 1


def test_a_report_of_another_release_takes_nothing_but_its_brand(shelf: Shelf) -> None:
    shelf.add(named("today"))
    (path,) = shelf.root.glob("acme/today/*/v1/report.json")
    path.write_text('{"look": {}}')
    assert "Today" in shelf.write().read_text()
    path.unlink()
    assert "Today" in shelf.write().read_text()


@pytest.mark.parametrize(
    ("languages", "expected"), [(("de", "de"), "de"), (("ar", "ar"), "ar"), (("de", "es"), "en")]
)
def test_a_page_is_in_the_language_of_its_reports_if_they_agree(
    shelf: Shelf, languages: tuple[str, str], expected: str
) -> None:
    shelf.add(named("today", language="en", day=-1))
    for name, language in zip(("today", "yesterday"), languages, strict=True):
        shelf.add(named(name, language=language))
    assert f'<html lang="{expected}"' in shelf.write().read_text()
    for name, language in zip(("today", "yesterday"), languages, strict=True):
        shelf.add(named(name, language=language, workspace="beta"))
    assert f'<html lang="{expected}"' in shelf.write().read_text(), "of all workspaces"


def test_each_report_has_a_page_that_leads_to_its_newest_version(shelf: Shelf, page: Page) -> None:
    shelf.add(named("today", day=1))
    shelf.add(named("today", day=0))
    shelf.add(named("today", day=0, total=4))
    shelf.add(named("yesterday"))
    shelf.write()
    page.goto((shelf.root / "acme" / "today" / "index.html").as_uri())
    page.wait_for_url("**/acme/today/2026-11-12/v1/report.html")
    for key, version in list(shelf.catalog.listed()):
        if key.report == "yesterday":
            shelf.catalog.forget([(key, version)])
    shelf.write()
    assert [path.parent.name for path in shelf.root.glob("acme/*/index.html")] == ["today"]


def test_a_link_to_a_report_that_was_never_made_leads_to_the_list(shelf: Shelf, page: Page) -> None:
    report = named("today")
    siblings = (Sibling(name="today"), Sibling(name="last_month"))
    shelf.add(report.model_copy(update={"look": report.look.model_copy(update={"siblings": siblings})}))
    shelf.write()
    page.goto((shelf.root / "acme" / "last_month" / "index.html").as_uri())
    page.wait_for_url("**/acme/index.html")


def test_a_new_title_brings_no_older_version_back(shelf: Shelf, page: Page) -> None:
    shelf.add(named("by_team", own_title="Alpha", total=1))
    shelf.add(named("by_team", own_title="Beta", total=2))
    page.goto(shelf.write().as_uri())
    assert texts(page, ".card h3") == ["Beta"]
    assert texts(page, ".card .total") == ["2 assignments"]


def test_a_list_is_searched_and_filtered_and_its_address_says_how(index: Path, page: Page) -> None:
    page.goto((index.parent / "acme" / "index.html").as_uri())
    assert (shown(page), page.locator("output").inner_text()) == (8, "8 of 8")
    page.locator("[name=report]").select_option("yesterday")
    assert shown(page) == 4
    page.get_by_label("Status").select_option("Superseded")
    assert shown(page) == 1
    page.get_by_label("Status").select_option("Provisional")
    page.get_by_label("From", exact=True).fill(str(FIRST + timedelta(10)))
    page.get_by_label("To", exact=True).fill(str(FIRST + timedelta(10)))
    assert (shown(page), page.locator("output").inner_text()) == (1, "1 of 8")
    page.reload()
    assert shown(page) == 1
    page.goto((index.parent / "acme" / "index.html").as_uri() + "#text=3+→+4")
    assert shown(page) == 2
    page.get_by_label("Search").fill("2026-11-13 yesterday")
    assert shown(page) == 2
    page.get_by_label("Search").fill("nothing has this")
    assert (shown(page), texts(page, ".nothing")) == (0, ["No report matches."])


def test_what_is_chosen_goes_along_to_a_workspace(index: Path, page: Page) -> None:
    page.goto(index.as_uri())
    page.get_by_label("Search").fill("bet")
    assert shown(page) == 1
    page.get_by_label("Search").fill("")
    page.get_by_label("Status").select_option("Latest")
    page.get_by_role("link", name="Beta").click()
    page.wait_for_url("**/beta/index.html#status=latest")
    assert shown(page) == 6


def test_without_script_everything_is_shown(index: Path, browser: Browser) -> None:
    page = browser.new_context(java_script_enabled=False).new_page()
    page.goto((index.parent / "acme" / "index.html").as_uri())
    assert shown(page) == 8
    assert not page.locator("form").is_visible()


@pytest.mark.parametrize("language", ["en", "de", "ar"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pages_are_accessible_and_fit_a_phone(
    shelf: Shelf, browser: Browser, language: str, scheme: Any
) -> None:
    reasons = (Reason(code=ReasonCode.REJECTED_SHARE, facts={}),)
    for slug in ("acme", "beta"):
        for name in ("explorer", "today", "handed_over_by_people_of_the_second_team"):
            for total in (3, 1_234_567):
                report = named(name, language=language, total=total, workspace=slug, reasons=reasons)
                shelf.add(changed(report.model_copy(update={"provisional": total > 3}), -3.5))
    root = shelf.write()
    for path in (root, root.parent / "acme" / "index.html"):
        page = browser.new_context(viewport={"width": 1280, "height": 900}, color_scheme=scheme).new_page()
        page.goto(path.as_uri())
        opened = Opened(page, path.as_uri(), [])
        assert violations(opened) == []
        page.set_viewport_size({"width": 390, "height": 800})
        assert violations(opened) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing sticks out"
        page.context.close()


def test_older_report_dates_are_listed_by_month_on_pages_written_when_they_change(
    shelf: Shelf, page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index_pages, "MAX_LISTED", 4)
    for day in range(-70, 0, 10):
        for name in ("yesterday", "today"):
            shelf.add(named(name, day=day))
    page.goto(shelf.write().as_uri())
    assert (texts(page, ".card h3"), shown(page)) == (["Today", "Yesterday"], 4)
    assert texts(page, ".months a") == ["Nov", "Oct", "Sep"]
    page.get_by_role("link", name="Oct").click()
    assert (shown(page), texts(page, "h2")) == (6, ["Oct 2026"])
    assert texts(page, ".neighbors a") == ["Nov 2026", "Latest reports", "Sep 2026"]
    page.get_by_label("Report").select_option("today")
    assert shown(page) == 3
    months = {path.name: path for path in (shelf.root / "acme").glob("*-*.html")}
    assert sorted(months) == ["2026-09.html", "2026-10.html", "2026-11.html"]
    before = {name: path.stat().st_ino for name, path in months.items()}
    shelf.add(named("today", day=-30, total=9))
    shelf.write()
    assert {name for name, path in months.items() if path.stat().st_ino != before[name]} == {"2026-10.html"}
    (shelf.root / "acme" / ".months.json").write_text("?")
    october = [(key, number) for key, number in shelf.catalog.listed() if key.report_date.month == 10]
    shelf.catalog.forget(october)
    shelf.write()
    assert not months["2026-10.html"].exists()
    page.goto(months["2026-11.html"].as_uri())
    assert texts(page, ".neighbors a") == ["Latest reports", "Sep 2026"]


def test_pages_are_due_from_a_change_until_all_of_them_are_written(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    for slug in ("acme", "beta"):
        shelf.add(make_report({"user": 3}, workspace=slug))
        mark_index_due(tmp_path, slug)
    (blocked := tmp_path / "acme" / "index.html").mkdir()
    with pytest.raises(IsADirectoryError):
        shelf.write()
    assert [is_index_due(tmp_path, slug) for slug in ("acme", "beta")] == [True, False]
    blocked.rmdir()
    shelf.write()
    assert not is_index_due(tmp_path, "acme")

"""The explorer says of any period what the report of that period says."""

import random
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
import tinyhtml5  # type: ignore[import-untyped]
from playwright.sync_api import Browser
from sqlalchemy import select

from assets.archive.version_files import Draft
from assets.config.presentation import Component
from assets.periods import PRESETS, Preset, preset_period
from assets.render.html.page import render_page
from assets.render.i18n import load_words
from assets.render.reasons import reason_sentences
from assets.warehouse.schema import ASSIGNMENT_LOG
from tests.conftest import Inbox, line
from tests.render.html.test_filters import a_filter, exported
from tests.render.opened_report import NOW, REPORT_DATE, Acme, Open, Opened, open_files

FIRST_DAY = date(2026, 10, 1)
CARRIED = date(2026, 9, 1)
SECTIONS = (
    "metric",
    "findings",
    "bar_chart",
    "heat_map",
    "chains",
    "hand_offs",
    "assignees",
    "ownership",
    "people",
    "teams",
)
COMPONENTS = [each for each in Component if each not in {Component.PIE_CHART, Component.TREND}]


@pytest.fixture(scope="module")
def opened_explorer(
    acme: Acme, browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Opened]:
    page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
    files = acme.page(acme.draft(name="explorer", preset="explorer"))
    yield open_files(files, tmp_path_factory.mktemp("explorer"), page)
    page.context.close()


@pytest.fixture
def explorer(opened_explorer: Opened) -> Iterator[Opened]:
    """The explorer's page with nothing picked; at the end it has complained about nothing."""
    opened_explorer.at("")
    yield opened_explorer
    assert opened_explorer.complaints == []


def drafted(acme: Acme, **spec: Any) -> Draft:
    """Return the report of a period, without what only pictures show."""
    return acme.draft(components=COMPONENTS, interactive=False, **spec)


def said_by_the_server(draft: Draft) -> dict[str, str]:
    """Return the text of each section of the report, as the template writes it."""
    page = tinyhtml5.parse(
        render_page(draft.report, draft.printed[:0], 1, draft.coded), namespace_html_elements=False
    )
    found = {each.get("id"): each for each in page.iter("section")}
    return {name: plain("".join(found[name].itertext())) for name in SECTIONS if name in found}


def said_by_the_explorer(opened: Opened) -> dict[str, str]:
    opened.settle()
    found: dict[str, str] = opened.page.evaluate(
        "names => Object.fromEntries(names.map(name => document.getElementById(name))"
        ".filter(each => each && !each.hidden).map(each => [each.id, textOf(each)]))".replace(
            "textOf(each)",
            "(copy => { copy.querySelectorAll('figure').forEach(one => one.remove()); return copy.textContent; })"
            "(each.cloneNode(true))",
        ),
        list(SECTIONS),
    )
    return {name: plain(text) for name, text in found.items()}


def differences(page: dict[str, str], server: dict[str, str]) -> list[tuple[str, str, str]]:
    """Return each section that differs, and both texts from where they do."""
    found = []
    for name in SECTIONS:
        ours, theirs = page.get(name, ""), server.get(name, "")
        if ours != theirs:
            same = next(
                (at for at, pair in enumerate(zip(ours, theirs, strict=False)) if len({*pair}) > 1), 0
            )
            found.append((name, ours[max(0, same - 40) : same + 80], theirs[max(0, same - 40) : same + 80]))
    return found


def plain(text: str) -> str:
    return re.sub(r"\s+", "", text)


@pytest.fixture
def choices() -> int:
    """The number of random choices; `make test-system` makes fifty."""
    return 20


def test_random_choices_give_what_the_reports_say(acme: Acme, explorer: Opened, choices: int) -> None:
    log = ASSIGNMENT_LOG.c
    rows = acme.inbox.lake.query(
        select(ASSIGNMENT_LOG).where(log.local_day >= FIRST_DAY).order_by(log.occurred_at, log.event_id)
    )
    rng = random.Random(20261128)
    answers = []
    for number in range(choices):
        first, last = sorted(FIRST_DAY + timedelta(rng.randrange(48)) for _ in range(2))
        filters = a_filter(rng, rows) if number % 2 else {}
        explorer.at(urlencode({"from": first, "to": last} | filters, doseq=True))
        draft = drafted(acme, first_day=first, last_day=last, filters=filters)
        answers.append(draft.report.total)
        if not draft.report.total:
            continue
        server = said_by_the_server(draft)
        if first - (last - first) - timedelta(1) < CARRIED:
            text, count = re.subn("Datafor(the.*?),isincomplete", r"\1,isnotinthispage", server["bar_chart"])
            assert count == 1
            server["bar_chart"] = text.replace("theprevious", "Theprevious")
        assert differences(said_by_the_explorer(explorer), server) == [], (first, last, filters)
        assert exported(explorer) == draft.tables["log.csv"], (first, last, filters)
    assert sum(answer > 0 for answer in answers) > 0.6 * choices, "most of the choices leave something"


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_gives_what_its_report_says(acme: Acme, explorer: Opened, preset: Preset) -> None:
    period = preset_period(preset, REPORT_DATE, acme.inbox.workspace.zone)
    explorer.page.locator("#dates").select_option(label=preset.label)
    draft = drafted(acme, name=preset.value, preset=preset)
    assert explorer.page.locator("#from").input_value() == str(period.first_day)
    assert differences(said_by_the_explorer(explorer), said_by_the_server(draft)) == []
    if draft.report.total:
        assert exported(explorer) == draft.tables["log.csv"]


def test_working_time_is_that_of_the_report(acme: Acme, open_page: Open) -> None:
    hours = {"monday-friday": ["09:00-12:30", "13:30-18:00"], "saturday": ["22:00-06:00"]}
    working = Acme(replace(acme.inbox, options={"working_hours": hours, "holidays": [date(2026, 11, 11)]}))
    opened = open_page(working.draft(name="explorer", preset="explorer"))
    opened.at(urlencode({"from": "2026-10-27", "to": "2026-11-12"}))
    server = said_by_the_server(drafted(working, first_day=date(2026, 10, 27), last_day=date(2026, 11, 12)))
    assert "workingtime" in server["ownership"]
    assert differences(said_by_the_explorer(opened), server) == []


def test_the_whole_period_and_a_range_by_hand_can_be_chosen(acme: Acme, explorer: Opened) -> None:
    page = explorer.page
    page.locator("#dates").select_option(index=0)
    whole = acme.draft(name="explorer", preset="explorer").report
    assert explorer.text(".keys strong") == f"{whole.total:,}"
    page.reload()
    page.wait_for_selector("html[data-ready]")
    assert explorer.text(".keys strong") == f"{whole.total:,}"
    page.locator("#from").fill("2026-11-02")
    assert page.locator("#dates").input_value() == "custom"
    page.locator("#sections a").last.click()
    assert "from=2026-11-02" in page.url, "a link to a section keeps the range"


def test_a_filtered_explorer_carries_nobody_elses_rows(acme: Acme) -> None:
    filtered = acme.draft(name="explorer", preset="explorer", filters={"source": ["zapier"]}).explorer
    assert filtered
    assert filtered.opening_count == 0
    assert filtered.log.sources == ["zapier"]


def test_a_month_of_one_day_is_compared_as_a_month(acme: Acme, open_page: Open) -> None:
    """On the first of a month, this month and today have the same days but not the same previous period."""
    opened = open_page(acme.draft_on(date(2026, 11, 1), name="explorer", preset="explorer"))
    for preset, before in (("This Month", "Oct 1, 2026"), ("Today", "Oct 31, 2026")):
        opened.page.locator("#dates").select_option(label=preset)
        assert before in opened.text("#comparison"), preset


def test_goals_are_recounted_for_any_period_and_are_not_about_filtered_rows(
    acme: Acme, open_page: Open
) -> None:
    goals = [
        {"metric": "assignments", "at_most": 600},
        {"metric": "reassignment_rate_pct", "at_most": 37.5},
        {"metric": "assignments_per_day", "at_least": 60, "at_most": 66.5},
    ]
    explorer = open_page(acme.draft(name="explorer", preset="explorer", goals=goals))
    statuses = set()
    for first, days in ((1, 1), (3, 7), (10, 11), (14, 30)):
        start = FIRST_DAY + timedelta(first)
        explorer.at(urlencode({"from": start, "to": start + timedelta(days - 1)}))
        draft = drafted(acme, first_day=start, last_day=start + timedelta(days - 1), goals=goals)
        statuses |= {result.is_met for result in draft.report.goals}
        assert said_by_the_explorer(explorer)["metric"] == said_by_the_server(draft)["metric"]
        assert explorer.page.locator("#trend .goal-line").count() == (2 if days > 1 else 0)
    assert statuses == {True, False}
    explorer.at("source=user")
    assert "Goal" not in explorer.text("#metric")


def test_an_opening_needs_every_day_since_the_first_one_with_data(inbox: Inbox, open_page: Open) -> None:
    inbox.first_day = date(2026, 10, 30)
    inbox.write(line("e1", "2026-11-12T10:00:00Z"))
    inbox.load(date(2026, 11, 5), REPORT_DATE, NOW)
    inbox.build(date(2026, 11, 5), REPORT_DATE)
    own = Acme(inbox)
    first, last = date(2026, 11, 12), date(2026, 11, 13)
    explorer = open_page(own.draft(name="explorer", preset="explorer"), f"from={first}&to={last}")
    server = own.draft(first_day=first, last_day=last).report
    (reason,) = reason_sentences(server, load_words("en"))
    assert "6 days before the period are not loaded (2026-10-30 to 2026-11-04)" in reason
    assert reason in explorer.text(".provisional")

"""Notes on days in the explorer: in the chart, in the list below it, and in the log, of the range that is picked."""

from dataclasses import replace
from datetime import date

from assets.config.day_notes import DayNote
from tests.render.html.test_accessibility import violations
from tests.render.html.test_filters import exported
from tests.render.opened_report import Acme, Open

NOTES = (
    DayNote(day=date(2026, 10, 7), text="not in the range"),
    DayNote(day=date(2026, 10, 29), until=date(2026, 11, 2), text="<img src=x onerror=alert(1)>"),
    DayNote(day=date(2026, 11, 2), text="Outage"),
    DayNote(day=date(2026, 11, 5), text="Fair"),
)


def test_the_explorer_shows_the_notes_of_the_range_that_is_picked(acme: Acme, open_page: Open) -> None:
    draft = acme.draft(name="explorer", preset="explorer")
    opened = open_page(replace(draft, report=draft.report.model_copy(update={"notes": NOTES})))
    opened.at("from=2026-11-01&to=2026-11-10")
    page = opened.page
    assert page.locator("#trend .day-notes li").all_inner_texts() == [
        "1 Thu, Oct 29, 2026 – Mon, Nov 2, 2026: <img src=x onerror=alert(1)>",
        "2 Mon, Nov 2, 2026: Outage",
        "3 Thu, Nov 5, 2026: Fair",
    ]
    assert page.locator("#trend svg .note-line").count() == 3
    tips = [mark.get_attribute("data-tip") or "" for mark in page.locator("#trend .mark").all()]
    assert [tip.partition(" · ")[2] for tip in tips[:3]] == [
        "<img src=x onerror=alert(1)>",
        "<img src=x onerror=alert(1)> · Outage",
        "",
    ]
    opened.at("from=2026-11-05&to=2026-11-06")
    page.get_by_label("Rows per page").select_option("500")
    rows = [day.partition("†") for day, *_ in opened.cells("#log table.log")]
    marked = [at for at, (_, mark, _) in enumerate(rows) if mark]
    days = [day[:10] for day, *_ in rows]
    assert marked == [days.index("2026-11-05")]
    mark = page.locator("#log [role=note]")
    mark.focus()
    assert (mark.get_attribute("aria-label"), page.locator(".tip").inner_text()) == ("Fair", "Fair")
    assert "†".encode() not in exported(opened)
    assert violations(opened, "#trend, #log tr:has([role=note])") == []

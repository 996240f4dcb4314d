"""The bodies of a mail: figures, findings and sources as text and as HTML, however long the names are."""

import re
from datetime import date
from pathlib import Path
from typing import Any, get_args

import pytest
from playwright.sync_api import Browser

from assets.config.presentation import CompareWith, Filters, Language
from assets.periods import Preset
from assets.render.i18n import load_words
from assets.render.mail import Bodies, Correction, MailContext, mail_bodies
from assets.report.model import (
    Comparison,
    Finding,
    KeyFigure,
    KeyFigureName,
    Note,
    Reason,
    ReasonCode,
    Report,
    Rule,
    SourceChange,
    State,
)
from tests.render.html.test_accessibility import violations
from tests.render.made_reports import make_report
from tests.render.opened_report import Opened

ADDRESS = "https://reports.example.org/acme/last_7_days/2026-11-08/v1/report.html"
FAMILY = "👩‍👩‍👧‍👦"


def speaking(report: Report, language: str) -> Report:
    return report.model_copy(update={"look": report.look.model_copy(update={"language": language})})


def comparing(before: dict[str, int], *notes: Note, **counts: int) -> Report:
    """Return a report of *counts* with a comparison, key figures and a finding."""
    report = make_report(counts)
    total, labels = sum(before.values()), {"user": "User", "bot": "Bot", "workflow": "Workflow"}
    return report.model_copy(
        update={
            "components": report.components.model_copy(update={"comparison": State.SHOWN}),
            "comparison": Comparison(
                first_day=date(2026, 10, 25),
                last_day=date(2026, 10, 31),
                day_count=7,
                total=total,
                change_pct=round(100 * (report.total - total) / total, 1),
                by_source=tuple(
                    SourceChange(source=code, label=labels[code], count=counts.get(code, 0), before=count)
                    for code, count in before.items()
                ),
                by_day=(),
                notes=notes,
            ),
            "key_figures": tuple(
                KeyFigure(name=name, value=value, previous=None, change=change, trend=())
                for name, value, change in (
                    (KeyFigureName.ASSIGNMENTS, report.total, 33.3),
                    (KeyFigureName.REASSIGNMENTS, 20, -4.8),
                    (KeyFigureName.UNASSIGNMENTS, 1_234, None),
                    (KeyFigureName.CONVERSATIONS, 31, 0.0),
                    (KeyFigureName.BOUNCE_BACKS, None, None),
                )
            ),
            "findings": (
                Finding(
                    rule=Rule.TOP_SOURCE, facts={"source": "User", "count": 40, "share": 80.0}, fragment=""
                ),
            ),
        }
    )


def cells(bodies: Bodies) -> list[list[str]]:
    """Return the cells of the table of sources, without its head."""
    table = bodies.html.partition('class="sources"')[2].partition('<table class="foot"')[0]
    rows = table.split('<th class="first"')[2:]
    texts = [re.sub(r"<[^>]*>", "|", f"<th{row}").replace("&nbsp;", "") for row in rows]
    return [[cell.strip() for cell in text.split("|") if cell.strip(" \n<")] for text in texts]


def test_a_mail_about_hundreds_of_sources_is_not_cut_off() -> None:
    names = (
        "Workflow {:04} - Übergabe an das Team für Rückfragen",
        "{:04} " + "की" * 200,
        "{:04} <&'\"" * 40,
    )
    for name in names:
        counts = {name.format(n, *[n] * 39): 300 - n for n in range(230)}
        bodies = mail_bodies(make_report(counts), MailContext(version=1))
        assert len(bodies.html.encode()) < 102_000
        assert "190 more sources" in bodies.html
        assert "190 more sources" in bodies.text


def test_the_total_row_is_the_sum_of_the_rows_above_it() -> None:
    bodies = mail_bodies(comparing({"user": 30, "bot": 5}, user=40, bot=2), MailContext(version=1))
    assert cells(bodies) == [
        ["User", "40", "95.2%", "+10"],
        ["Bot", "2", "4.8%", "-3"],
        ["Total", "42", "100.0%", "+7"],
    ]
    assert "- User: 40 (95.2%) +10\n- Bot: 2 (4.8%) -3\n- Total: 42 (100.0%) +7\n" in bodies.text


def test_a_source_that_is_gone_has_a_row_so_that_the_changes_add_up() -> None:
    bodies = mail_bodies(comparing({"user": 30, "bot": 5}, user=40), MailContext(version=1))
    assert cells(bodies)[1:] == [["Bot", "0", "0.0%", "-5"], ["Total", "40", "100.0%", "+5"]]


def test_bars_are_as_wide_as_the_counts_and_need_no_picture() -> None:
    html = mail_bodies(make_report({"user": 200, "bot": 50, "make": 1}), MailContext(version=1)).html
    assert re.findall(r'<td class="bar" [^>]*width="(\d+)%"', html) == ["100", "25", "1"]
    assert "<img" not in html


def test_key_figures_stand_beside_the_total_and_its_change() -> None:
    bodies = mail_bodies(comparing({"user": 30}, Note.FEW, user=40), MailContext(version=1))
    for body in (bodies.text, bodies.html):
        assert "40 assignments" in body
        assert "+33.3% vs. previous period" in body
        assert "Previous period: 30 (Sun, Oct 25, 2026 – Sat, Oct 31, 2026)" in body
        assert "fewer than 30" in body
        assert "Key findings" in body
    assert "Reassignments: 20 (-4.8%)\nUnassignments: 1,234\nConversations: 31 (0.0%)\n" in bodies.text
    assert re.findall(r'<span class="value"[^>]*>([^<]*)', bodies.html) == ["20", "1,234", "31"]


def test_a_comparison_with_the_year_before_says_so() -> None:
    report = comparing({"user": 30}, user=40).model_copy(update={"compare_with": CompareWith.PREVIOUS_YEAR})
    bodies = mail_bodies(report, MailContext(version=1))
    for body in (bodies.text, bodies.html):
        assert "+33.3% vs. previous year" in body
        assert "Previous year: 30 (" in body
        assert "previous period" not in body.lower()


def test_a_previous_period_that_is_not_loaded_is_no_figure() -> None:
    report = comparing({"user": 30}, user=40)
    comparison = report.comparison
    assert comparison
    missing = {"total": None, "change_pct": None, "by_source": (), "notes": (Note.NOT_LOADED,)}
    report = report.model_copy(update={"comparison": comparison.model_copy(update=missing)})
    bodies = mail_bodies(report, MailContext(version=1))
    assert (
        "Data for the previous period, Sun, Oct 25, 2026 – Sat, Oct 31, 2026, is incomplete." in bodies.text
    )
    assert cells(bodies) == [["User", "40", "100.0%"], ["Total", "40", "100.0%"]]


def test_a_button_opens_the_report_where_it_has_an_address() -> None:
    report = make_report({"user": 1})
    bodies = mail_bodies(report, MailContext(version=1, place=ADDRESS))
    assert re.search(
        rf'<td [^>]*bgcolor="#332288"[^>]*><a href="{ADDRESS}"[^>]*>Open report</a>', bodies.html
    )
    assert f"Open report: {ADDRESS}\n" in bodies.text
    bodies = mail_bodies(report, MailContext(version=1, place="acme/last_7_days/2026-11-08/v1"))
    assert "Open report" not in bodies.html + bodies.text
    assert "All files: acme/last_7_days/2026-11-08/v1\n" in bodies.text


def test_a_button_of_a_bright_brand_can_be_read() -> None:
    report = make_report({"user": 1})
    look = report.look.model_copy(update={"color": "#ffd400"})
    html = mail_bodies(report.model_copy(update={"look": look}), MailContext(version=1, place=ADDRESS)).html
    assert re.findall('bgcolor="(#[^"]*)"', html)[:2] == ["#ffd400", "#1f2933"]


def test_a_report_without_data_shows_why_and_no_figures() -> None:
    reason = Reason(code=ReasonCode.INPUT_GAVE_NOTHING, facts={"count": 1, "first": "a.csv"})
    bodies = mail_bodies(make_report({}, provisional=True, reasons=(reason,)), MailContext(version=1))
    assert bodies.subject.endswith(": No data")
    for body in (bodies.text, bodies.html):
        assert "Provisional." in body
        assert "a.csv" in body
        assert "No data" in body
        assert "Assignments by source" not in body


def test_a_correction_names_the_largest_changes_first() -> None:
    changes = (*((f"s{n:02}", 100, 100 + n) for n in range(1, 60)), ("total", 1_000, 2_770))
    context = MailContext(version=2, figures=False, correction=Correction(1, changes))
    bodies = mail_bodies(make_report({"user": 2_770}, workspace_name="Acme"), context)
    assert bodies.subject == "Correction: Acme: Last 7 Days, Nov 1\u2009–\u20097: 1,000 → 2,770"
    assert "corrects version 1, which was sent to you earlier" in bodies.text
    listed = bodies.text.partition("What changed\n\n")[2].splitlines()
    assert listed[:3] == [
        "- Total: 1,000 → 2,770 (+1,770)",
        "- s59: 100 → 159 (+59)",
        "- s58: 100 → 158 (+58)",
    ]
    assert listed[40:42] == ["- 20 more changes", ""]


def test_filters_are_listed_up_to_ten_values_each() -> None:
    report = make_report({"user": 1}, filters=Filters(source=("user", "bot"), contact=tuple("abcdefghijkl")))
    text = mail_bodies(report, MailContext(version=1)).text
    assert "Source: user, bot\nContact: a, b, c, d, e, f, g, h, i, j, 2 more\n" in text


LONG = ("Support " * 20, FAMILY * 20, "ह्हि" * 30, "=?utf-8?" * 20, "e" + "\u0301" * 500, "", "Acme")


@pytest.mark.parametrize("language", get_args(Language))
@pytest.mark.parametrize("correction", [None, Correction(1, (("total", 1_234_567, 7_654_321),))])
@pytest.mark.parametrize("years", [(2026, 2026), (2025, 2026), (2025, 2025)])
def test_a_subject_is_short_whatever_the_names(
    language: str, correction: Correction | None, years: tuple[int, int]
) -> None:
    report = speaking(make_report({"user": 7_654_321}), language)
    days = {"first_day": date(years[0], 9, 28), "last_day": date(years[1], 12, 27)}
    report = report.model_copy(update={"period": report.period.model_copy(update=days)})
    total = load_words(language).number(7_654_321)
    for name in LONG:
        for title in ("last_7_days", "a_report_with_a_name_of_sixty_four_letters_as_long_as_it_can_be"):
            named = report.model_copy(update={"workspace_name": name, "name": title})
            subject = mail_bodies(named, MailContext(version=2, correction=correction)).subject
            assert len(subject) < 70
            assert total in subject.split(": ")[-1].split("：")[-1]
            assert not re.search(r"(\u200d|…[\u0300-\u036f\u0900-\u097f]|\u200d…)$", subject)


def test_a_subject_is_cut_between_letters_as_people_see_them() -> None:
    subject = mail_bodies(make_report({"user": 3}, workspace_name=FAMILY * 9), MailContext(version=1)).subject
    assert subject == f"{FAMILY * 4}…: Last 7 Days, Nov 1\u2009–\u20097: 3 assignments"
    short = mail_bodies(make_report({"user": 1}, workspace_name="Acme"), MailContext(version=1)).subject
    assert short == "Acme: Last 7 Days, Nov 1\u2009–\u20097: 1 assignment"


@pytest.mark.parametrize("language", ["en", "de", "ar"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_mail_is_accessible_and_fits_a_phone(
    browser: Browser, tmp_path: Path, language: str, scheme: Any
) -> None:
    report = speaking(comparing({"user": 30, "bot": 5}, user=40, bot=2), language)
    report = report.model_copy(update={"provisional": True, "preset": Preset.LAST_7_DAYS})
    bodies = mail_bodies(report, MailContext(version=1, attached=("a.pdf", "b.csv"), place=ADDRESS))
    (tmp_path / "mail.html").write_text(bodies.html, encoding="utf-8")
    page = browser.new_context(viewport={"width": 390, "height": 800}, color_scheme=scheme).new_page()
    opened = Opened(page, (tmp_path / "mail.html").as_uri(), [])
    page.goto(opened.address)
    assert violations(opened) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing sticks out"
    assert (
        page.evaluate("getComputedStyle(document.body).backgroundColor")
        == {
            "light": "rgb(255, 255, 255)",
            "dark": "rgb(20, 24, 29)",
        }[scheme]
    )

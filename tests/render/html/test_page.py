"""The page of a report as it is written: what it says, and that no name is run."""

import re
from datetime import timedelta
from pathlib import Path

from playwright.sync_api import Browser

from assets.config.presentation import Filters
from assets.render.html.page import render_print
from assets.report.model import Reason, ReasonCode, State
from tests.render.made_reports import FIRST, log_of, make_report


def test_a_name_keeps_its_full_stop_among_words_from_right_to_left() -> None:
    report = make_report({"user": 3}, workspace_name="Acme Inc.")
    arabic = report.model_copy(update={"look": report.look.model_copy(update={"language": "ar"})})
    assert "<bdi>\u2068Acme Inc.\u2069</bdi>" in render_print(arabic, log_of([]), 1)


def test_a_browser_runs_nothing_of_a_hostile_name(
    browser: Browser, tmp_path: Path, hostile_names: list[str]
) -> None:
    report = make_report({"user": len(hostile_names)}, rows_shown=len(hostile_names))
    page = render_print(report, log_of(hostile_names), 1)
    without_policy = re.sub(r"<meta http-equiv=[^>]*>", "", page)
    for number, document in enumerate((page, without_policy)):
        (path := tmp_path / f"{number}.html").write_text(document, encoding="utf-8")
        opened = browser.new_page()
        opened.goto(path.as_uri())
        dom = opened.content()
        opened.close()
        assert "<title>Contact Assignments: Acme &lt;b&gt;Support&lt;/b&gt;, Last 7 Days</title>" in dom
        assert "<h1>broken</h1>" not in dom
        assert dom.count("<tr>") == page.count("<tr>")


def test_both_messages_of_the_original_are_shown() -> None:
    report = make_report({}, filters=Filters(source=("user",)))
    states = dict.fromkeys(("metric", "bar_chart", "pie_chart", "trend", "log"), State.NO_DATA) | {
        "quality": State.NOT_APPLICABLE
    }
    page = render_print(
        report.model_copy(update={"components": report.components.model_copy(update=states)}), log_of([]), 1
    )
    assert page.count("The selected filter(s) have no applicable data") == 5
    assert page.count("The selected filter(s) are not applicable here: Data quality.") == 1


def test_a_provisional_report_names_the_missing_days() -> None:
    days = tuple(FIRST + timedelta(n) for n in (3, 4))
    reason = Reason(code=ReasonCode.DAYS_MISSING, facts={"count": 2, "days": 7})
    report = make_report({"user": 3}, provisional=True, reasons=(reason,), missing_days=days)
    page = render_print(report, log_of([]), 1)
    assert "2 of 7 days are not loaded: 2026-11-04, 2026-11-05." in page


def test_an_empty_report_has_no_share_and_no_chart() -> None:
    page = render_print(make_report({}), log_of([]), 1)
    assert "No assignments in this period." in page
    assert "NaN" not in page

"""Notes on days in everything that people read."""

import subprocess
from datetime import date
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook

from assets.config.day_notes import DayNote
from assets.render.charts.report_charts import draw_charts
from assets.render.html.page import render_print
from assets.render.mail import MailContext, mail_bodies
from assets.render.pdf.document import render_pdf
from assets.render.xlsx import workbook_bytes
from assets.report.model import Report
from tests.render.made_reports import FIRST, log_of, make_report

CAMPAIGN = DayNote(day=date(2026, 10, 30), until=date(2026, 11, 2), text="Campaign <b>week</b>")
OUTAGE = DayNote(day=FIRST, text="=outage()")
LAST_DAY = DayNote(day=date(2026, 11, 7), text="Fair")


@pytest.fixture
def noted() -> Report:
    return make_report({"user": 3}, rows_shown=3, notes=(CAMPAIGN, OUTAGE, LAST_DAY))


def test_the_page_lists_notes_below_the_chart_and_in_the_definitions(noted: Report) -> None:
    page = render_print(noted, log_of([]), 1)
    campaign = "Fri, Oct 30, 2026 – Mon, Nov 2, 2026: <bdi>Campaign &lt;b&gt;week&lt;/b&gt;</bdi>"
    trend, definitions = (page.partition(f'<section id="{name}"')[2] for name in ("trend", "definitions"))
    assert f"<li><b>1</b> {campaign}</li>" in trend.partition("</section>")[0]
    assert f"<li>{campaign}</li>" in definitions.partition("</section>")[0]
    assert page.count("=outage()") == 2


def test_a_page_without_chart_names_notes_at_its_head() -> None:
    page = render_print(make_report({"user": 3}, days=1, notes=(OUTAGE,)), log_of([]), 1)
    assert "<li>Sun, Nov 1, 2026: <bdi>=outage()</bdi></li>" in page.partition("</header>")[0]


def test_the_chart_has_a_line_over_the_days_of_each_note_and_numbers_that_do_not_touch(noted: Report) -> None:
    drawn = [draw_charts(noted.model_copy(update={"notes": notes}))["trend"] for notes in ((), noted.notes)]
    lines, texts = (
        [(chart.svg if chart else "").count(part) for chart in drawn] for part in ('stroke="#52606d"', "<g ")
    )
    assert lines == [0, 3]
    assert texts[1] - texts[0] == 2, "notes 1 and 2 begin on the first day that is shown"


def test_the_printed_log_marks_the_first_row_of_a_noted_day(noted: Report, tmp_path: Path) -> None:
    (path := tmp_path / "report.pdf").write_bytes(render_pdf(noted, log_of(["Ann", "Bob", "Cem"]), 1, b""))
    text = subprocess.run(
        ["pdftotext", "-layout", path, "-"], capture_output=True, check=True, text=True
    ).stdout
    marked = [row for row in text.splitlines() if row.startswith("2026-11-01") and "†" in row]
    assert len(marked) == 1
    assert "00:00:00" in marked[0]
    assert "Campaign <b>week</b>" in text


def test_the_workbook_has_a_sheet_of_notes(noted: Report) -> None:
    book: Any = load_workbook(BytesIO(workbook_bytes(noted, log_of(["a"] * 3))))
    rows = [[cell and str(cell) for cell in row] for row in book["Notes on days"].iter_rows(values_only=True)]
    assert rows[1:] == [
        ["From", "To", "Note"],
        ["2026-10-30 00:00:00", "2026-11-02 00:00:00", CAMPAIGN.text],
        ["2026-11-01 00:00:00", None, "=outage()"],
        ["2026-11-07 00:00:00", None, "Fair"],
    ]
    assert book["Notes on days"]["C4"].data_type == "s"


def test_a_mail_has_notes_in_one_line(noted: Report) -> None:
    many = noted.model_copy(update={"notes": (*noted.notes, *[LAST_DAY] * 4)})
    bodies = mail_bodies(many, MailContext(version=1))
    (row,) = (row for row in bodies.text.splitlines() if row.startswith("Notes on days"))
    assert row.startswith(
        "Notes on days: Fri, Oct 30, 2026 – Mon, Nov 2, 2026: Campaign <b>week</b> · Sun, Nov 1,"
    )
    assert row.endswith(" · 2 more")
    assert "Campaign &lt;b&gt;week&lt;/b&gt; · Sun, Nov 1, 2026: =outage()" in bodies.html
    assert "Campaign" not in mail_bodies(many, MailContext(version=1, figures=False)).text

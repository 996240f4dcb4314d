"""The PDF of a report: complete, safe whatever the names, and silent."""

import logging
import re
import subprocess
import zlib
from pathlib import Path

import numpy as np
import pydyf
import pytest
from PIL import Image, ImageChops, ImageFilter
from weasyprint import Document
from weasyprint.urls import FatalURLFetchingError

from assets.config.presentation import Component
from assets.events import SOURCE_LABELS
from assets.render.charts.report_charts import draw_charts
from assets.render.html.page import render_print
from assets.render.pdf.document import lay_out, render_pdf, with_due_contents
from assets.report.model import Report
from tests.render.made_reports import log_of, make_report, showing

TWELVE = {code: 100 + n for n, code in enumerate(SOURCE_LABELS)} | {"ai_agent": 9, "自动": 8, "x_" * 40: 7}


def text_of(pdf: bytes, tmp_path: Path) -> str:
    (path := tmp_path / "report.pdf").write_bytes(pdf)
    done = subprocess.run(
        ["pdftotext", "-layout", str(path), "-"], capture_output=True, check=True, text=True
    )
    return done.stdout


def printed(report: Report, names: list[str]) -> bytes:
    return render_pdf(report, log_of(names), 3, b"")


def test_the_pdf_says_total_period_zone_and_every_row(tmp_path: Path) -> None:
    names = [f"Contact {n:03d}" for n in range(120)]
    said = text_of(printed(make_report({"user": 1234}, rows_shown=120), names), tmp_path)
    assert "1,234" in said
    assert "Sun, Nov 1, 2026" in said
    assert "Time zone: America/New_York · Data as of Mon, Nov 30, 2026, 19:00" in said
    assert re.sub(r"\s+", " ", said).count("The latest 120 of 1,234 rows.") == 1
    assert all(name in said for name in names)
    pages = said.split("\f")[:-1]
    assert len(pages) > 3
    log_pages = [page for page in pages if "Contact 0" in page or "Contact 1" in page]
    assert all("Previous Assignee" in page for page in log_pages), "the header repeats on every page"
    assert all(
        f"{number}/{len(pages)}" in page.replace(" / ", "/") for number, page in enumerate(pages, start=1)
    )


@pytest.mark.parametrize(
    ("pages", "with_contents", "seems_long", "tried"),
    [
        (4, 4, False, [False]),
        (4, 5, False, [False]),
        (5, 5, False, [False, True]),
        (5, 6, True, [True]),
        (5, 5, True, [True, False]),
        (4, 5, True, [True, False]),
    ],
)
def test_a_report_has_contents_by_its_length_whatever_it_seems(
    pages: int, with_contents: int, tried: list[bool], *, seems_long: bool
) -> None:
    asked = []

    def lay_out_report(*, has_contents: bool) -> Document:
        asked.append(has_contents)
        return lay_out(
            "<p style='break-after: page'>x</p>" * (with_contents if has_contents else pages), "pdf/ua-1"
        )

    document = with_due_contents(lay_out_report, seems_long=seems_long)
    assert len(document.pages) == (with_contents if pages > 4 else pages)
    assert asked == tried


@pytest.mark.parametrize("language", ["en", "ar"])
@pytest.mark.parametrize("total", [16_085, 500_241, 12_345_678, 1_234_567_890])
def test_the_total_stands_whole_in_its_card(total: int, language: str, tmp_path: Path) -> None:
    report = make_report({"user": total - 1, "robot": 1}, components=showing(Component.METRIC))
    report = report.model_copy(update={"look": report.look.model_copy(update={"language": language})})
    (path := tmp_path / "report.pdf").write_bytes(printed(report, []))
    done = subprocess.run(
        ["pdftotext", "-bbox", "-l", "1", str(path), "-"], capture_output=True, check=True, text=True
    )
    words = re.findall(r'xMin="([\d.]+)".* xMax="([\d.]+)".*>(.*)</word>', done.stdout)
    left, right = next((float(left), float(right)) for left, right, word in words if word == f"{total:,}")
    width = 595 - 2 * 37
    assert 37 <= left < right <= 37 + width / 4 or 558 - width / 4 <= left < right <= 558


def test_the_pdf_has_bookmarks_metadata_and_embedded_fonts(tmp_path: Path) -> None:
    (path := tmp_path / "report.pdf").write_bytes(printed(make_report(TWELVE, rows_shown=1), ["王小明 عربي"]))
    subprocess.run(["qpdf", "--check", str(path)], check=True, capture_output=True)
    info = subprocess.run(["pdfinfo", str(path)], check=True, capture_output=True, text=True).stdout
    assert "Title:           Contact Assignments: Acme <b>Support</b>, Last 7 Days" in info
    assert "Author:          Assignment Reports" in info
    fonts = subprocess.run(["pdffonts", str(path)], check=True, capture_output=True, text=True).stdout
    families = [line.split() for line in fonts.splitlines()[2:]]
    assert families
    assert all(columns[-5] == "yes" for columns in families), fonts
    outlines = subprocess.run(
        ["qpdf", "--json", str(path)], check=True, capture_output=True, text=True
    ).stdout
    assert '"title": "Contact Assignments Log"' in outlines


def test_no_log_line_comes_from_the_pdf_engine(
    caplog: pytest.LogCaptureFixture, hostile_names: list[str]
) -> None:
    with caplog.at_level(logging.WARNING):
        printed(make_report(TWELVE, rows_shown=len(hostile_names)), hostile_names)
    assert [record.getMessage() for record in caplog.records] == []


def test_every_hostile_name_is_printed_and_none_is_run(tmp_path: Path, hostile_names: list[str]) -> None:
    report = make_report({"user": len(hostile_names)}, rows_shown=len(hostile_names))
    pdf = printed(report, hostile_names)
    said = text_of(pdf, tmp_path)
    for text in ("<script>", "{{ 7*7 }}", "$x$", "=1+1", "&lt;"):
        assert text in said
    for word in (b"/JavaScript", b"/Launch", b"/EmbeddedFile"):
        assert word not in pdf


@pytest.mark.parametrize("address", ["file:///etc/hostname", "http://127.0.0.1:9/x.png", "ftp://127.0.0.1/x"])
def test_the_pdf_engine_may_fetch_nothing(address: str) -> None:
    with pytest.raises(FatalURLFetchingError, match="a report must not fetch"):
        lay_out(f'<img src="{address}">', "pdf/ua-1")


def test_the_pdf_engine_compresses_as_well_as_pays() -> None:
    cells = b"\n".join(b"<</S/TD/P %d 0 R/K %d>>" % (number // 9, number) for number in range(4_000))
    written = pydyf.Stream([cells], compress=True).data
    assert zlib.compress(cells, 7) in written
    assert zlib.compress(cells, 9) not in written


def test_the_charts_of_the_pdf_look_like_those_of_the_page(tmp_path: Path) -> None:
    report = make_report({"user": 90, "עברית": 60, "हिन्दी": 5, "عربي": 4, "自动": 3}, days=31)
    days = tuple(
        day.model_copy(update={"count": at * 37 % 90, "is_loaded": at not in {5, 6, 20}})
        for at, day in enumerate(report.by_day)
    )
    report = report.model_copy(update={"by_day": days})
    page = render_print(report, log_of([]), 1)
    drawn = [chart for chart in draw_charts(report).values() if chart]
    assert len(drawn) == 2
    shown = page
    for each in drawn:
        shown = shown.replace(each.mark, each.address)
    ways = {
        "page": lay_out(shown, "pdf/ua-1"),
        "pdf": lay_out(page, "pdf/ua-1", {each.mark: each.painted for each in drawn}),
    }
    seen = {}
    for way, document in ways.items():
        document.write_pdf(path := tmp_path / f"{way}.pdf")
        picture = tmp_path / way
        subprocess.run(["pdftoppm", "-r", "110", "-singlefile", str(path), str(picture)], check=True)
        with Image.open(picture.with_suffix(".ppm")) as opened:
            seen[way] = opened.convert("RGB").filter(ImageFilter.BoxBlur(2))
    different = int(np.asarray(ImageChops.difference(seen["page"], seen["pdf"])).max())
    assert 0 < different < 64, "drawn another way, and the same but for the edges"

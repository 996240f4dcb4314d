"""What is set row by row looks as WeasyPrint and Pango set it."""

import re
import subprocess
from collections import Counter
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pikepdf
import pyarrow as pa
import pydyf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from weasyprint import HTML
from weasyprint.formatting_structure import boxes
from weasyprint.pdf.stream import Stream

from assets.render.pdf import document
from assets.render.pdf.document import render_pdf
from assets.render.pdf.typesetter import Lettering, Typesetter
from assets.report import model
from assets.report.log_table import HEADER
from assets.report.model import Report
from tests.render.made_reports import LOG_ONLY, log_of, make_report

LATIN = "".join(map(chr, (*range(0x21, 0x7F), *range(0xC0, 0x180))))
WORD = re.compile(r'xMin="([\d.]+)" yMin="([\d.]+)" xMax="([\d.]+)" yMax="[\d.]+">(.*?)</word>')
LINE = 11.6  # points


def lettering(html: str) -> Lettering:
    """Return the lettering of the first text of a page."""
    document = HTML(string=html).render()
    page_box = document.pages[0]._page_box
    text = next(each for each in page_box.descendants() if isinstance(each, boxes.TextBox))
    kinds = ("ExtGState", "XObject", "Pattern", "Shading", "ColorSpace")
    resources = pydyf.Dictionary({kind: pydyf.Dictionary() for kind in kinds})
    return Lettering(Stream(document.fonts, (0, 0, 1, 1), resources, {}, None, {}, None), text.style)


@pytest.fixture(scope="module")
def noto() -> Lettering:
    return lettering('<p style="font: 8pt Noto Sans">x</p>')


def glyphs(ops: bytes) -> str:
    """Return the glyphs and kernings of a text that is shown by one operator."""
    (shown,) = re.findall(rb"\[(.*)\] TJ", ops)
    return re.sub("(<>|0$)", "", shown.decode().replace(">0<", ""))


@settings(max_examples=300)
@given(words=st.lists(st.text(LATIN, min_size=1, max_size=12), min_size=1, max_size=4))
def test_a_text_put_together_from_pairs_is_the_one_that_pango_sets(noto: Lettering, words: list[str]) -> None:
    text = " ".join(words)
    plain, whole = noto.plain_line(text), noto.line(text)
    if plain:
        assert plain.width == pytest.approx(whole.width, abs=0.002)
        assert glyphs(plain.ops) == glyphs(whole.ops)


def test_ligatures_and_other_scripts_are_left_to_pango(noto: Lettering) -> None:
    assert noto.plain_line("Ann Other") is not None
    assert noto.plain_line("Toffee") is None
    assert Typesetter(noto).set("Toffee").ops == noto.line("Toffee").ops
    assert Typesetter(noto).set("عربي 中文").width == pytest.approx(noto.line("عربي 中文").width)


def test_a_text_too_long_for_its_line_is_broken(noto: Lettering) -> None:
    width = noto.line("one two").width + 0.1
    assert list(noto.broken("one two three", width)) == ["one two", "three"]
    cell = Typesetter(noto, width).set("one   two\nthree")
    assert cell.lines == 2
    assert cell.width <= width
    assert Typesetter(noto, width).set("x" * 50).lines > 3
    assert Typesetter(noto, width).set(" \n ") == Typesetter(noto, width).set("")


def words_of(pdf: bytes, tmp_path: Path, page: int) -> list[tuple[str, float, float, float]]:
    """Return the words of a page, and where they stand in points."""
    (path := tmp_path / "words.pdf").write_bytes(pdf)
    command = ["pdftotext", "-bbox", "-f", str(page), "-l", str(page), str(path), "-"]
    done = subprocess.run(command, capture_output=True, check=True, text=True)
    found = WORD.findall(done.stdout)
    words = [(text, float(x), float(y), float(end)) for x, y, end, text in found]
    return sorted(words, key=lambda each: (each[0], round(each[2] / LINE), each[1]))


@pytest.fixture
def without_internals(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Have WeasyPrint as it would be in a version with other internals."""
    monkeypatch.setattr(document, "unexpected_internals", lambda: ("weasyprint.pdf.anchors:add_outlines",))
    document._can_set_rows.cache_clear()
    yield
    document._can_set_rows.cache_clear()


def printed(names: list[str], language: str) -> tuple[Report, pa.Table]:
    report = make_report({"user": len(names)}, rows_shown=len(names), components=LOG_ONLY)
    look = report.look.model_copy(update={"language": language})
    return report.model_copy(update={"look": look}), log_of(names)


NAMES = ["Ann Other", "AVA To", "a much longer name that wraps over lines", "conv-1", "x" * 60, "Zoë"]


@pytest.mark.parametrize("language", ["en", "ar"])
def test_rows_stand_where_weasyprints_own_table_has_them(
    tmp_path: Path, language: str, request: pytest.FixtureRequest
) -> None:
    report, log = printed(NAMES, language)
    found = words_of(render_pdf(report, log, 3, b""), tmp_path, 2)
    request.getfixturevalue("without_internals")
    expected = words_of(render_pdf(report, log, 3, b""), tmp_path, 2)
    assert [text for text, *_ in found] == [text for text, *_ in expected]
    for (text, *place), (_, *other) in zip(found, expected, strict=True):
        assert place == pytest.approx(other, abs=0.6), text


@pytest.mark.usefixtures("without_internals")
def test_a_weasyprint_with_other_internals_prints_its_own_table_and_says_so_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    report, log = printed(NAMES, "en")
    for _ in range(2):
        with pikepdf.open(BytesIO(render_pdf(report, log, 3, b""))) as pdf:
            assert len(pdf.pages) == 2
    (warning,) = caplog.records
    assert "weasyprint.pdf.anchors:add_outlines is unknown; install WeasyPrint 70" in warning.getMessage()


def cells_of(pdf: pikepdf.Pdf) -> dict[int, Counter[str]]:
    """Return how many cells each page has, by what its parent tree says of its marks."""
    numbers = pdf.Root.StructTreeRoot.ParentTree.Nums
    trees = {int(key): tree for key, tree in zip(list(numbers)[::2], list(numbers)[1::2], strict=True)}
    found = {}
    for at, page in enumerate(pdf.pages):
        elements = trees[int(page.StructParents)]
        marks = {int(mark) for mark in re.findall(rb"/MCID (\d+)", contents(page))}
        assert marks == set(range(len(elements))), f"page {at}: every mark has its element"
        for mark, element in enumerate(elements):
            if element.S == "/TD" and "/Pg" in element:
                assert element.Pg.objgen == page.objgen
                assert mark == element.K or not isinstance(element.K, int)
        found[at] = Counter(str(element.S) for element in elements)
    return found


def contents(page: pikepdf.Page) -> bytes:
    streams: Any = page.Contents
    return b"\n".join(
        each.read_bytes() for each in (streams if isinstance(streams, pikepdf.Array) else [streams])
    )


def test_each_cell_is_an_element_for_screen_readers() -> None:
    names = [f"Contact {n}" for n in range(100)]
    report = make_report({"user": 100}, rows_shown=100, components=LOG_ONLY)
    pdf = pikepdf.open(BytesIO(render_pdf(report, log_of(names), 3, b"")))
    cells = cells_of(pdf)
    assert sum(counted["/TD"] for counted in cells.values()) == 100 * len(HEADER)
    assert [at for at, counted in cells.items() if counted["/TD"]] == list(range(1, len(pdf.pages)))
    assert len(pdf.pages) > 3
    links = [annotation.objgen for page in pdf.pages for annotation in page.get("/Annots", [])]
    assert len(links) == len(set(links)) > 0, "a link stands on one page"


def test_a_very_long_log_is_untagged_and_carries_its_csv(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model, "TAGGED_ROWS", 99)
    names = [f"Contact {n}" for n in range(100)]
    report = make_report({"user": 100}, rows_shown=100, components=LOG_ONLY)
    pdf = pikepdf.open(BytesIO(render_pdf(report, log_of(names), 3, b"a\r\n")))
    assert list(pdf.attachments) == ["log.csv"]
    xmp = pdf.Root.Metadata.read_bytes().decode()
    assert re.search(r"pdfaid:conformance\W*B\b", xmp)
    assert "pdfuaid" not in xmp
    assert b"/TD <<" not in b"".join(contents(page) for page in pdf.pages)
    assert b"/Artifact BMC\nBT" in contents(pdf.pages[-1])


def test_each_day_of_a_long_log_has_a_bookmark() -> None:
    times = [f"2026-11-{1 + n // 40:02d} 00:00:00-04:00" for n in range(120)]
    log = log_of(["Ann"] * 120).set_column(0, HEADER[0], pa.array(times))
    made = make_report({"user": 120}, rows_shown=120, components=LOG_ONLY)
    pdf = pikepdf.open(BytesIO(render_pdf(made, log, 3, b"")))
    with pdf.open_outline() as outline:
        (report,) = outline.root
        marks = report.children[-1].children
    assert [mark.title for mark in marks] == ["Sun, Nov 1, 2026", "Mon, Nov 2, 2026", "Tue, Nov 3, 2026"]
    pages = [mark.destination[0] for mark in marks if isinstance(mark.destination, pikepdf.Array)]
    assert [pdf.pages.index(pikepdf.Page(page)) for page in pages] == [1, 2, 4]


def test_a_long_footer_leaves_the_page_number_on_one_line(tmp_path: Path) -> None:
    report = make_report({"user": 1}, rows_shown=1, components=LOG_ONLY)
    report = report.model_copy(
        update={"look": report.look.model_copy(update={"footer": "Confidential " * 15})}
    )
    found = words_of(render_pdf(report, log_of(["Ann"]), 3, b""), tmp_path, 2)
    assert {"2", "/"} <= {text for text, *_ in found}


def test_a_page_number_reads_as_the_language_does(noto: Lettering) -> None:
    arabic = Typesetter(lettering('<p style="font: 8pt Noto Sans; direction: rtl">x</p>'))
    assert arabic.set("4 / 196").ops != Typesetter(noto).set("4 / 196").ops
    assert arabic.set("\u20684 / 196\u2069").ops == Typesetter(noto).set("4 / 196").ops

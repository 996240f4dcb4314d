"""The PDF of whole reports: tagged, complete, the same bytes, in every language."""

import logging
import re
import subprocess
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any, get_args

import pikepdf
import pytest

from assets.config.presentation import Component, Language
from assets.render.i18n import load_words
from assets.report.model import Total
from tests.render.opened_report import Acme


def elements(node: Any) -> Iterator[pikepdf.Dictionary]:
    """Yield every element of a structure tree."""
    kids = node.get("/K", [])
    for kid in kids if isinstance(kids, pikepdf.Array) else [kids]:
        if isinstance(kid, pikepdf.Dictionary) and "/S" in kid:
            yield kid
            yield from elements(kid)


def text_of(pdf: bytes, tmp_path: Path) -> str:
    (path := tmp_path / "report.pdf").write_bytes(pdf)
    done = subprocess.run(["pdftotext", "-raw", str(path), "-"], capture_output=True, check=True, text=True)
    return done.stdout


def words_off_the_page(pdf: bytes, tmp_path: Path) -> list[str]:
    """Return the words that are nearer than 7 mm to the left or right edge of their page, or beyond it."""
    (path := tmp_path / "report.pdf").write_bytes(pdf)
    done = subprocess.run(["pdftotext", "-bbox", str(path), "-"], capture_output=True, check=True, text=True)
    found = []
    for page in done.stdout.split("<page ")[1:]:
        width = float(re.findall(r'width="([\d.]+)"', page)[0])
        for left, right, word in re.findall(
            r'<word xMin="([\d.-]+)".*? xMax="([\d.-]+)".*?>(.*)</word>', page
        ):
            if float(left) < 20 or float(right) > width - 20:
                found.append(word)
    return found


def test_the_pdf_is_tagged_for_screen_readers(acme: Acme) -> None:
    pdf = pikepdf.open(BytesIO(acme.draft(formats=["pdf"]).render(2)["report.pdf"]))
    assert "<pdfuaid:part>1</pdfuaid:part>" in str(pdf.Root.Metadata.read_bytes().decode()) or (
        b'pdfuaid:part="1"' in pdf.Root.Metadata.read_bytes()
    )
    assert bool(pdf.Root.MarkInfo.Marked)
    assert str(pdf.Root.Lang) == "en"
    assert bool(pdf.Root.ViewerPreferences.DisplayDocTitle)
    found = list(elements(pdf.Root.StructTreeRoot))
    kinds = [str(element.S) for element in found]
    figures = [element for element in found if str(element.S) == "/Figure"]
    texts = [str(each.get("/Alt", "nothing")).split(":")[0] for each in figures]
    assert "nothing" not in texts
    charts = ["Share by source", "Assignments by day", "Contacts held at the end"]
    assert texts[-4:] == [*charts, "Median waiting time by hour of the day"]
    sources = len(acme.draft().report.by_source)
    assert len(texts) == 8 + sources + 4, "a trend for each key figure, a bar for each source, four charts"
    headers = [str(element.A.Scope) for element in found if str(element.S) == "/TH"]
    assert headers.count("/Column") > 60
    assert headers.count("/Row") > 60
    tables = [element for element in found if str(element.S) == "/Table"]
    rows = {"/THead", "/TBody", "/TFoot", "/TR"}
    assert all({str(kid.S) for kid in table.K} <= rows for table in tables)
    assert kinds.count("/Table") >= 9
    assert kinds.count("/H1") == 1
    assert kinds.count("/H2") > 10


def test_the_log_is_inside_where_asked(acme: Acme) -> None:
    draft = acme.draft(components=["metric", "log"], attach_log=True, formats=["pdf"])
    first, second = (draft.render(2)["report.pdf"] for _ in range(2))
    assert first == second
    pdf = pikepdf.open(BytesIO(first))
    assert list(pdf.attachments) == ["log.csv"]
    assert pdf.attachments["log.csv"].get_file().read_bytes() == draft.tables["log.csv"]
    xmp = pdf.Root.Metadata.read_bytes().decode()
    assert re.search(r"pdfaid:part\W*3\b", xmp)
    assert re.search(r"pdfaid:conformance\W*A\b", xmp)
    assert {(str(each.UF), str(each.AFRelationship)) for each in pdf.Root.AF} == {("log.csv", "/Data")}


@pytest.fixture
def components(language: str) -> list[Component]:
    """What is printed in *language*: all where its script or direction is another, else what is looked at."""
    return list(Component) if language in {"ar", "zh-CN"} else [Component.METRIC, Component.LOG]


@pytest.mark.parametrize("language", get_args(Language))
def test_every_printed_row_is_there_in_every_language(
    acme: Acme,
    language: str,
    components: list[Component],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """`make test-system` prints every component in every language."""
    draft = acme.draft(
        formats=["pdf"],
        language=language,
        components=components,
        paper="Letter",
        brand={"footer": 'Confidential "Ltd" \\ 保密'},
    )
    with caplog.at_level(logging.WARNING):
        pdf = draft.render(7)["report.pdf"]
    assert [record.getMessage() for record in caplog.records] == []
    assert words_off_the_page(pdf, tmp_path) == []
    said = re.sub(r"[\u2068\u2069\u200e\s]+", " ", text_of(pdf, tmp_path))
    squeezed = said.replace(" ", "")
    for row in draft.printed.slice(0, 40).to_pylist():
        assert row["Timestamp"].replace(" ", "") in squeezed, row
        assert row["Contact ID"] in said
    spoken = load_words(language)
    assert spoken.number(draft.report.total) in said
    if spoken.direction == "ltr":  # what is written from right to left is stored in the order of the page
        assert spoken.say("Contact Assignments Log").replace(" ", "") in squeezed
        assert spoken.say("version %(number)s").replace("%(number)s", "7").replace(" ", "") in squeezed
        assert 'Confidential"Ltd"\\保密' in squeezed
    with pikepdf.open(BytesIO(pdf)) as opened:
        assert [round(float(each)) for each in opened.pages[0].mediabox[2:]] == [612, 792]


def test_the_first_page_of_a_sparse_report_has_what_was_asked_for(acme: Acme, tmp_path: Path) -> None:
    draft = acme.draft(components=["bar_chart", "findings"], formats=["pdf"])
    files = draft.render(1)
    assert list(files) == ["report.pdf"]
    said = text_of(files["report.pdf"], tmp_path)
    assert "Key findings" in said
    assert "Reconciliation" not in said
    assert "Contact Assignments Log" not in said
    assert draft.report.is_reconciled
    proved = {line.name for line in draft.report.proof}
    assert proved == {Total.SOURCES, Total.DAYS, Total.AGGREGATES, Total.ACCEPTED}, "shown or not"

"""The title of a report: translated where it is the name of a preset, else shown as it is; never run."""

import html
import re
import subprocess
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook
from pydantic import SecretStr

from assets.archive.archive import Archive
from assets.archive.catalog import Catalog
from assets.archive.index_pages import write_index
from assets.archive.version import Origin
from assets.render.html.page import render_print
from assets.render.i18n import load_words
from assets.render.mail import MailContext, mail_bodies
from assets.render.pdf.document import render_pdf
from assets.render.xlsx import workbook_bytes
from assets.report.model import Report, Sibling
from tests.conftest import LATER
from tests.render.made_reports import LOG_ONLY, log_of, make_report

HOSTILE = 'Q3 <b onclick="x">&amp; "Übergaben"</b>'


def titled(language: str = "en", **changes: Any) -> Report:
    report = make_report({"user": 3}, **changes)
    return report.model_copy(update={"look": report.look.model_copy(update={"language": language})})


def shown_titles(report: Report) -> list[str]:
    """Return the texts that end with the title, or have it before a comma: the heads of page and mail."""
    page, mail = render_print(report, log_of([]), 1), mail_bodies(report, MailContext(version=1))
    elements = [
        re.search(r"<title>.*?</title>", page),
        *(re.search(r"<h1.*?</h1>", text, re.DOTALL) for text in (page, mail.html)),
    ]
    texts = [html.unescape(re.sub(r"<[^>]*>", "", found[0])) for found in elements if found]
    return [*texts, mail.subject]


@pytest.mark.parametrize(
    ("name", "own_title", "shown"),
    [
        ("last_7_days", "", "Letzte 7 Tage"),
        ("today", "", "Heute"),
        ("today", "Today", "Today"),
        ("mine", "User", "User"),
        ("user", "", "User"),
        ("handed_over_by_people", "", "Handed Over By People"),
        ("mine", "<b>Q3</b> & co", "<b>Q3</b> & co"),
    ],
)
def test_only_the_name_of_a_preset_is_translated(name: str, own_title: str, shown: str) -> None:
    report = titled("de", name=name, own_title=own_title)
    texts = shown_titles(report)
    assert len(texts) == 4
    assert [text for text in texts if not re.search(rf"(^|[, ]){re.escape(shown)}(,|$)", text)] == []


def test_a_title_is_nowhere_markup(tmp_path: Path) -> None:
    report = titled(name="mine", own_title=HOSTILE)
    mail = mail_bodies(report, MailContext(version=1))
    assert HOSTILE in mail.text
    catalog = Catalog(SecretStr(f"sqlite:///{tmp_path}/state.sqlite"))
    archived = Archive(tmp_path).store(report, Origin({}, {}), lambda _: {"report.html": b"<p>"})
    catalog.record(archived, report.as_of, LATER)
    index = write_index(catalog, tmp_path, ["acme"]).read_text(encoding="utf-8")
    for document in (render_print(report, log_of([]), 1), mail.html, index):
        assert "<b onclick" not in document
        assert HOSTILE in html.unescape(document)
    book = load_workbook(BytesIO(workbook_bytes(report, log_of([]))))
    assert book.properties.title == f"Contact Assignments: {report.workspace_name}, {HOSTILE}"
    assert HOSTILE in {cell.value for row in book["Figures"] for cell in row}


def test_a_title_is_the_title_of_the_pdf(tmp_path: Path) -> None:
    report = titled("de", own_title=HOSTILE, components=LOG_ONLY)
    (path := tmp_path / "report.pdf").write_bytes(render_pdf(report, log_of([]), 1, b""))
    facts = subprocess.run(["pdfinfo", str(path)], capture_output=True, check=True, text=True).stdout
    assert facts.splitlines()[0].endswith(f", {HOSTILE}")


def test_links_to_other_reports_have_their_titles() -> None:
    german = load_words("de")
    siblings = [Sibling(name="today"), Sibling(name="mine", own_title="Today"), Sibling(name="user")]
    read_back = [Sibling.model_validate_json(sibling.model_dump_json()) for sibling in siblings]
    assert [german.say(sibling.title) for sibling in read_back] == ["Heute", "Today", "User"]


def test_a_report_archived_without_a_title_is_read() -> None:
    report = titled()
    added = {"own_title", "week_start", "compare_with"}
    assert added <= report.model_dump().keys()
    old = Report.model_validate_json(report.model_dump_json(exclude=added))
    assert old == report
    assert old.title == "Last 7 Days"

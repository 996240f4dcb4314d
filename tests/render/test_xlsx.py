import re
import zipfile
from datetime import datetime, timedelta
from io import BytesIO
from typing import Any

import pyarrow as pa
import pytest
from openpyxl import load_workbook

from assets.render import xlsx
from assets.render.xlsx import log_row_count, workbook_bytes
from assets.report.log_table import HEADER
from tests.render.made_reports import log_of, make_report

HOSTILE = [
    "=1+1",
    "+1",
    "-",
    "http://example.test/x",
    "<b>",
    "x" * 40_000,
    "",
    "中文 عربي 👩‍👩‍👧",
    "007",
]


def test_the_log_is_typed_and_every_text_is_text() -> None:
    data = workbook_bytes(make_report({"user": len(HOSTILE)}), log_of(HOSTILE))
    book = load_workbook(BytesIO(data))
    assert book.sheetnames == ["Figures", "Log"]
    sheet: Any = book["Log"]
    rows = list(sheet.iter_rows())
    assert [cell.value for cell in rows[0]] == [HEADER[0], "UTC offset", *HEADER[1:]]
    assert (sheet.freeze_panes, sheet.auto_filter.ref) == ("A2", f"A1:I{len(HOSTILE) + 1}")
    for number, (name, row) in enumerate(zip(HOSTILE, rows[1:], strict=True)):
        assert abs(row[0].value - datetime(2026, 11, 1, 0, 0, number)) < timedelta(milliseconds=1)  # noqa: DTZ001
        assert row[1].value == "-04:00"
        assert {cell.data_type for cell in row[1:]} <= {"s", "n"}
        assert (row[4].value or "") == name[:32_767]
        assert row[4].hyperlink is None
    assert b"<f>" not in b"".join(
        zipfile.ZipFile(BytesIO(data)).read(n) for n in zipfile.ZipFile(BytesIO(data)).namelist()
    )


def test_a_cell_holds_what_excel_counts() -> None:
    data = workbook_bytes(make_report({"user": 2}), log_of(["😀" * 20_000, "a\ufffeb _x0041_ <&>"]))
    book: Any = load_workbook(BytesIO(data))
    long, odd = (row[4] for row in book["Log"].iter_rows(min_row=2, values_only=True))
    assert long == "😀" * 16_383
    assert odd == "a\ufffdb _x005F_x0041_ <&>", (
        "Excel and LibreOffice read _x0041_; openpyxl, what is written"
    )


def test_the_figures_are_those_of_the_report() -> None:
    report = make_report({"user": 3, "workflow": 1})
    book: Any = load_workbook(BytesIO(workbook_bytes(report, log_of(["a"] * 4))))
    rows = [[cell.value for cell in row] for row in book["Figures"].iter_rows()]
    assert ["Assignments", 4, None] in rows
    assert ["User", 3, 0.75] in rows
    assert ["Workflow", 1, 0.25] in rows
    assert ["Log rows", 4, None] in rows


@pytest.mark.parametrize("count", [0, 1, 5, 7, 12])
def test_rows_run_on_over_sheets_and_are_counted(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    monkeypatch.setattr(xlsx, "SHEET_ROWS", 6)
    monkeypatch.setattr(xlsx, "_READ_BYTES", 7)
    data = workbook_bytes(make_report({"user": count}), log_of([f"n{n}" for n in range(count)]))
    assert log_row_count(data) == count
    book: Any = load_workbook(BytesIO(data))
    names = [row[4] for sheet in book.worksheets[1:] for row in sheet.iter_rows(min_row=2, values_only=True)]
    assert names == [f"n{n}" for n in range(count)]
    assert len(book.worksheets) == 1 + max(1, -(-count // 5))


def test_the_same_report_gives_the_same_bytes() -> None:
    first, second = (workbook_bytes(make_report({"user": 2}), log_of(["a", "b"])) for _ in range(2))
    assert first == second
    stamps = {entry.date_time for entry in zipfile.ZipFile(BytesIO(first)).infolist()}
    assert len(stamps) == 1
    core = zipfile.ZipFile(BytesIO(first)).read("docProps/core.xml").decode()
    assert re.findall(r">(\d{4}-[^<]+)<", core) == ["2026-12-01T00:00:00Z"] * 2


def test_a_hundred_thousand_rows_are_all_there() -> None:
    names = pa.array([f"n{n % 100}" for n in range(100_000)])
    assert log_row_count(workbook_bytes(make_report({"user": 100_000}), log_of(names.to_pylist()))) == 100_000

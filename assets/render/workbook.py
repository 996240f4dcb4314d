"""The report as an Excel workbook: one sheet of figures, then the log, typed and ready to filter.

Every text is written as text: nothing in it can become a formula or a link.
"""

import zipfile
from datetime import datetime
from io import BytesIO

import pyarrow as pa
import pyarrow.compute as pc
import xlsxwriter
from xlsxwriter.workbook import Workbook
from xlsxwriter.worksheet import Worksheet

from assets.report.model import Report

SHEET_ROWS = 1_048_576
_LONGEST_TEXT = 32_767
_EPOCH_SERIAL = 25_569  # 1970-01-01 as Excel counts days
_DAY_MICROSECONDS = 86_400_000_000
_OFFSET_LENGTH = len("+00:00")
_WIDTHS = (22, 11, 16, 16, 28, 20, 20, 26, 20)
_CHUNK_ROWS = 10_000
_READ_BYTES = 1 << 20
_FIGURES = "xl/worksheets/sheet1.xml"
_ROW_TAG = b"<row "


def workbook_bytes(report: Report, printed: pa.Table) -> bytes:
    """Return *report* and its whole log (*printed*: the eight columns) as .xlsx; rows run on over sheets."""
    buffer = BytesIO()
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(buffer, options) as workbook:
        workbook.set_properties(
            {
                "title": f"Contact Assignments: {report.workspace_name}, {report.title}",
                "author": "Assignment Reports",
                "created": report.as_of.replace(tzinfo=None),
            }
        )
        _write_figures(workbook, report)
        pieces = range(0, max(1, printed.num_rows), SHEET_ROWS - 1)
        for number, start in enumerate(pieces, start=1):
            name = "Log" if number == 1 else f"Log {number}"
            _write_log(workbook, name, printed.slice(start, SHEET_ROWS - 1))
    return buffer.getvalue()


def _write_figures(workbook: Workbook, report: Report) -> None:
    sheet = workbook.add_worksheet("Figures")
    bold, count = workbook.add_format({"bold": True}), workbook.add_format({"num_format": "#,##0"})
    share = workbook.add_format({"num_format": "0.0%"})
    date = workbook.add_format({"num_format": "yyyy-mm-dd", "align": "left"})
    sheet.set_column(0, 0, 44)
    sheet.set_column(1, 2, 16)
    facts = (
        ("Workspace", report.workspace_name),
        ("Report", report.title),
        ("First day", str(report.period.first_day)),
        ("Last day", str(report.period.last_day)),
        ("Time zone", report.period.timezone),
        ("As of", report.as_of_local),
        ("State", "provisional" if report.provisional else "complete"),
    )
    row = 0
    for name, fact in facts:
        sheet.write_string(row, 0, name, bold)
        sheet.write_string(row, 1, fact)
        row += 1
    sheet.write_string(row, 0, "Assignments", bold)
    sheet.write_number(row, 1, report.total, count)
    row = _write_header(sheet, row + 2, ("Source", "Count", "Share"), bold)
    for each in report.by_source:
        sheet.write_string(row, 0, each.label)
        sheet.write_number(row, 1, each.count, count)
        sheet.write_number(row, 2, (each.share_pct or 0) / 100, share)
        row += 1
    row = _write_header(sheet, row + 1, ("Day", "Count"), bold)
    for day in report.by_day:
        sheet.write_datetime(row, 0, datetime.combine(day.day, datetime.min.time()), date)
        if day.is_loaded:
            sheet.write_number(row, 1, day.count, count)
        else:
            sheet.write_string(row, 1, "not loaded")
        row += 1
    row = _write_header(sheet, row + 1, ("Counted as", "Total"), bold)
    for line in report.proof:
        sheet.write_string(row, 0, line.label)
        sheet.write_number(row, 1, line.total, count)
        row += 1


def _write_header(sheet: Worksheet, row: int, names: tuple[str, ...], style: object) -> int:
    for column, name in enumerate(names):
        sheet.write_string(row, column, name, style)
    return row + 1


def _write_log(workbook: Workbook, name: str, printed: pa.Table) -> None:
    """Write one sheet; the first column is a time that Excel can calculate with, the second its offset."""
    sheet = workbook.add_worksheet(name)
    for column, width in enumerate(_WIDTHS):
        sheet.set_column(column, column, width)
    timestamp, *others = printed.column_names
    _write_header(sheet, 0, (timestamp, "UTC offset", *others), workbook.add_format({"bold": True}))
    sheet.freeze_panes(1, 0)
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(0)
    sheet.autofilter(0, 0, printed.num_rows, len(others) + 1)
    time = workbook.add_format({"num_format": "yyyy-mm-dd hh:mm:ss.000"})
    row = 1
    for batch in printed.to_batches(max_chunksize=_CHUNK_ROWS):
        for serial, *texts in zip(_serials(batch.column(0)), *_texts(batch), strict=True):
            sheet.write_number(row, 0, serial, time)
            for column, text in enumerate(texts, start=1):
                sheet.write_string(row, column, text)
            row += 1


def _serials(timestamps: pa.Array) -> list[float]:
    """Return the wall clock of printed timestamps as Excel's days."""
    wall = pc.utf8_slice_codeunits(timestamps, 0, -_OFFSET_LENGTH).cast(pa.timestamp("us"))
    days = pc.divide(pc.cast(wall.cast(pa.int64()), pa.float64()), _DAY_MICROSECONDS)
    serials: list[float] = pc.add(days, _EPOCH_SERIAL).to_pylist()
    return serials


def _texts(batch: pa.RecordBatch) -> list[list[str]]:
    """Return the offset and the other columns, no text longer than a cell may hold."""
    offsets = pc.utf8_slice_codeunits(batch.column(0), -_OFFSET_LENGTH)
    columns = (offsets, *batch.columns[1:])
    return [pc.utf8_slice_codeunits(column, 0, _LONGEST_TEXT).to_pylist() for column in columns]


def log_row_count(workbook: bytes) -> int:
    """Count the rows of the log in the bytes of a workbook, the headers left out."""
    with zipfile.ZipFile(BytesIO(workbook)) as archive:
        sheets = sorted(name for name in archive.namelist() if name.startswith("xl/worksheets/sheet"))
        return sum(_count_rows(archive, name) - 1 for name in sheets if name != _FIGURES)


def _count_rows(archive: zipfile.ZipFile, name: str) -> int:
    count, rest = 0, b""
    with archive.open(name) as sheet:
        while block := sheet.read(_READ_BYTES):
            count += (rest + block).count(_ROW_TAG)
            rest = block[-len(_ROW_TAG) + 1 :]
    return count

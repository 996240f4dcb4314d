"""Render the report as an Excel workbook: sheets of figures, then the log with types and filters.

`xlsx_figures.py` writes the figures. Every text is written as text: none can become a formula or a link.
"""

import re
import zipfile
from collections.abc import Iterator
from io import BytesIO

import pyarrow as pa
import pyarrow.compute as pc
import xlsxwriter
from xlsxwriter.workbook import Workbook

from assets.render.xlsx_figures import MAX_TEXT_LENGTH, write_figures
from assets.report.model import Report

SHEET_ROWS = 1_048_576
LOG_SHEET = "Log"
_EPOCH_SERIAL = 25_569  # 1970-01-01 as Excel counts days
_DAY_MICROSECONDS = 86_400_000_000
_OFFSET_LENGTH = len("+00:00")
_WIDTHS = (22, 11, 16, 16, 28, 20, 20, 26, 20)
_CHUNK_ROWS = 20_000
_LEVEL = 4
_LARGE_BYTES = 1 << 28
_LETTERS = "ABCDEFGHI"
_UNWRITABLE = r"[\x00-\x08\x0b\x0c\x0e-\x1f\x{fffe}\x{ffff}]"
_SPECIAL = rf"[&<>]|{_UNWRITABLE}|_x[0-9a-fA-F]{{4}}_"
_SAMPLE = re.compile(r'<row r="2" spans="[^"]*"><c r="A2" s="(\d+)"><v>0</v></c></row>')
_DIMENSION = re.compile("<dimension [^>]*>")
_LOG_NAME = re.compile(rf"{LOG_SHEET}( \d+)?")
_READ_BYTES = 1 << 20
_SHEET = re.compile(r'<sheet name="([^"]*)" sheetId="(\d+)"')
_ROW_TAG = b"<row "


def workbook_bytes(report: Report, printed: pa.Table) -> bytes:
    """Return *report* and its whole log (*printed*: the eight columns) as .xlsx, on several sheets if needed.

    XlsxWriter writes the workbook with one sample row per sheet of the log, which the rows then replace.
    """
    template, buffer = BytesIO(), BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    starts = range(0, max(1, printed.num_rows), SHEET_ROWS - 1)
    sheets = [printed.slice(start, SHEET_ROWS - 1) for start in starts]
    with xlsxwriter.Workbook(template, options) as workbook:
        workbook.set_properties(
            {
                "title": f"Contact Assignments: {report.workspace_name}, {report.title}",
                "author": "Assignment Reports",
                "created": report.as_of.replace(tzinfo=None),
            }
        )
        write_figures(workbook, report)
        first = len(workbook.worksheets()) + 1
        for number, rows in enumerate(sheets, start=1):
            _write_header_of_log(workbook, LOG_SHEET if number == 1 else f"{LOG_SHEET} {number}", rows)
    rows_by_name = {_part(number): rows for number, rows in enumerate(sheets, start=first)}
    with (
        zipfile.ZipFile(template) as sample,
        zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=_LEVEL) as workbook_file,
    ):
        for name in sample.namelist():
            rows = rows_by_name.get(name)
            with workbook_file.open(
                name, "w", force_zip64=rows is not None and rows.nbytes > _LARGE_BYTES
            ) as file:
                content = sample.read(name)
                file.writelines([content] if rows is None else _with_rows(content.decode(), rows))
    return buffer.getvalue()


def _write_header_of_log(workbook: Workbook, name: str, rows: pa.Table) -> None:
    """Write one sheet with its header and, if it has *rows*, a sample row.

    The first column is a time that Excel can calculate with, the second its UTC offset.
    """
    sheet = workbook.add_worksheet(name)
    for column, width in enumerate(_WIDTHS):
        sheet.set_column(column, column, width)
    timestamp, *others = rows.column_names
    sheet.write_row(0, 0, (timestamp, "UTC offset", *others), workbook.add_format({"bold": True}))
    sheet.freeze_panes(1, 0)
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(0)
    sheet.autofilter(0, 0, rows.num_rows, len(others) + 1)
    if rows.num_rows:
        sheet.write_number(1, 0, 0, workbook.add_format({"num_format": "yyyy-mm-dd hh:mm:ss.000"}))


def _with_rows(sheet: str, rows: pa.Table) -> Iterator[bytes]:
    """Yield the XML of *sheet* with *rows* instead of its sample row."""
    sample = _SAMPLE.search(sheet)
    if sample is None:
        yield sheet.encode()
        return
    dimension = f'<dimension ref="A1:{_LETTERS[-1]}{rows.num_rows + 1}"/>'
    yield _DIMENSION.sub(dimension, sheet[: sample.start()]).encode()
    first = 2
    for batch in rows.to_batches(max_chunksize=_CHUNK_ROWS):
        yield _row_xml(batch, first, style=sample[1])
        first += batch.num_rows
    yield sheet[sample.end() :].encode()


def _row_xml(batch: pa.RecordBatch, first: int, style: str) -> bytes:
    """Return the XML of rows numbered from *first* on: a time, then inline texts."""
    numbers = pa.array(range(first, first + batch.num_rows)).cast(pa.string())
    parts: list[object] = ['<row r="', numbers, '"><c r="A', numbers, f'" s="{style}"><v>']
    parts += [_excel_days(batch.column(0)).cast(pa.string()), "</v></c>"]
    for letter, texts in zip(_LETTERS[1:], _texts_as_xml(batch), strict=True):
        parts += [
            f'<c r="{letter}',
            numbers,
            '" t="inlineStr"><is><t xml:space="preserve">',
            texts,
            "</t></is></c>",
        ]
    joined = pc.binary_join_element_wise(*parts, "</row>", "")
    _, _, data = joined.buffers()
    return bytes(memoryview(data)[: pc.sum(pc.binary_length(joined)).as_py()])


def _excel_days(timestamps: pa.Array) -> pa.Array:
    """Return the local times of printed timestamps as Excel's serial days."""
    local_times = pc.utf8_slice_codeunits(timestamps, 0, -_OFFSET_LENGTH).cast(pa.timestamp("us"))
    days = pc.divide(pc.cast(local_times.cast(pa.int64()), pa.float64()), _DAY_MICROSECONDS)
    return pc.add(days, _EPOCH_SERIAL)


def _texts_as_xml(batch: pa.RecordBatch) -> list[pa.Array]:
    """Return the offset and the other columns as XML, shortened to the limit of a cell."""
    offsets = pc.utf8_slice_codeunits(batch.column(0), -_OFFSET_LENGTH)
    return [_escape_xml(_cut_to_cell(column)) for column in (offsets, *batch.columns[1:])]


def _cut_to_cell(texts: pa.Array) -> pa.Array:
    """Return *texts* shortened to the limit of a cell, which counts characters beyond U+FFFF twice."""
    if not pc.any(pc.greater(pc.utf8_length(texts), MAX_TEXT_LENGTH // 2)).as_py():
        return texts
    encoded_texts = (text.encode("utf-16-le")[: 2 * MAX_TEXT_LENGTH] for text in texts.to_pylist())
    return pa.array([encoded.decode("utf-16-le", "ignore") for encoded in encoded_texts], pa.string())


def _escape_xml(texts: pa.Array) -> pa.Array:
    if not pc.any(pc.match_substring_regex(texts, _SPECIAL)).as_py():
        return texts
    for plain, escaped in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        texts = pc.replace_substring(texts, plain, escaped)
    # A text that looks like an escaped character is read as one: escape its first underscore.
    texts = pc.replace_substring_regex(texts, "_(x[0-9a-fA-F]{4}_)", r"_x005F_\1")
    return pc.replace_substring_regex(texts, _UNWRITABLE, "\ufffd")


def log_row_count(workbook: bytes) -> int:
    """Return the number of log rows in the bytes of a workbook, without headers."""
    with zipfile.ZipFile(BytesIO(workbook)) as archive:
        sheets = _SHEET.findall(archive.read("xl/workbook.xml").decode())
        logs = [_part(number) for name, number in sheets if _LOG_NAME.fullmatch(name)]
        return sum(_count_rows(archive, name) - 1 for name in logs)


def _part(number: int | str) -> str:
    return f"xl/worksheets/sheet{number}.xml"


def _count_rows(archive: zipfile.ZipFile, name: str) -> int:
    count, rest = 0, b""
    with archive.open(name) as sheet:
        while block := sheet.read(_READ_BYTES):
            count += (rest + block).count(_ROW_TAG)
            rest = block[-len(_ROW_TAG) + 1 :]
    return count

"""The sheets of figures of a workbook: the tables of `report_tables.py`, with a chart of the sources."""

import re
import unicodedata
from dataclasses import dataclass
from datetime import date, datetime, time

from xlsxwriter.format import Format
from xlsxwriter.workbook import Workbook
from xlsxwriter.worksheet import Worksheet

from assets.render.i18n import Words, load_words
from assets.render.report_tables import figure_sheets
from assets.render.table_cells import Cell, Number, Sheet, Table, Unit
from assets.render.untrusted_text import cut_text
from assets.report.model import Report

MAX_TEXT_LENGTH = 32_767
_MAX_NAME_LENGTH = 31
_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_NOT_IN_NAMES = re.compile(r"[\[\]:*?/\\]")
_MIN_WIDTH, _MAX_WIDTH = 11, 60
_PAPERS = {"Letter": 1, "A4": 9}
_CHART_ROWS = 30
_SHADES = {"type": "2_color_scale", "min_color": "#ffffff", "max_color": "#9fb4c0"}


@dataclass(frozen=True, slots=True)
class _Styles:
    """The formats of a workbook's cells."""

    title: Format
    header: Format
    figure_header: Format
    date: Format
    numbers: dict[Unit, Format]


def write_figures(workbook: Workbook, report: Report) -> None:
    """Add the sheets of figures of *report* to *workbook*, in the report's language."""
    words = load_words(report.look.language)
    styles = _add_styles(workbook, words)
    for sheet in figure_sheets(report, words):
        worksheet = workbook.add_worksheet(_sheet_name(sheet.title))
        _set_up(worksheet, sheet, report, words)
        row = 0
        for table in sheet.tables:
            row = _write_table(workbook, worksheet, table, row, styles) + 1


def _add_styles(workbook: Workbook, words: Words) -> _Styles:
    header = {"bold": True, "bottom": 1, "text_wrap": True, "valign": "bottom"}
    number_formats = {
        Unit.COUNT: "#,##0",
        Unit.SIGNED: _signed("#,##0"),
        Unit.SHARE: "0.0%",
        Unit.CHANGE: _signed("0.0%"),
        Unit.POINTS: _points_format(words),
        Unit.TENTHS: "#,##0.0",
        Unit.DURATION: "[h]:mm:ss",
    }
    return _Styles(
        title=workbook.add_format({"bold": True, "font_size": 13}),
        header=workbook.add_format(header),
        figure_header=workbook.add_format(header | {"align": "right"}),
        date=workbook.add_format({"num_format": "yyyy-mm-dd", "align": "left"}),
        numbers={
            unit: workbook.add_format({"num_format": text, "align": "right"})
            for unit, text in number_formats.items()
        },
    )


def _signed(number_format: str) -> str:
    return f"+{number_format};-{number_format};{number_format}"


def _points_format(words: Words) -> str:
    """Return the number format of a change in percentage points, with the language's word for them."""
    before, after = (
        f'"{part}"' if part else "" for part in words.say("%(change)s points").split("%(change)s")
    )
    return ";".join(f"{before}{sign}0.0{after}" for sign in ("+", "-", ""))


def _sheet_name(title: str) -> str:
    """Return *title* as Excel accepts it: up to 31 characters, without those that stand in references."""
    return cut_text(_NOT_IN_NAMES.sub(" ", title), _MAX_NAME_LENGTH).strip("'")


def _set_up(worksheet: Worksheet, sheet: Sheet, report: Report, words: Words) -> None:
    """Set widths, panes and paper of a sheet; only a single table's header stays in view."""
    for column, width in enumerate(_widths(sheet.tables)):
        worksheet.set_column(column, column, width)
    if len(sheet.tables) == 1:
        worksheet.freeze_panes(len(sheet.tables[0].notes) + 2, 1)
    else:
        worksheet.freeze_panes(1, 0)
    if words.direction == "rtl":
        worksheet.right_to_left()
    worksheet.set_paper(_PAPERS[report.look.paper])
    worksheet.set_landscape()
    worksheet.fit_to_pages(1, 0)


def _widths(tables: tuple[Table, ...]) -> list[int]:
    """Return the width of each column; long texts to the right of names run on over empty cells."""
    widths: list[int] = []
    for table in tables:
        for row in [table.header, *table.rows]:
            for column, cell in enumerate(row):
                widths += [_MIN_WIDTH] * (column + 1 - len(widths))
                if table.header or column == 0:
                    widths[column] = max(widths[column], min(_MAX_WIDTH, _width_of(cell)))
    return widths


def _width_of(cell: Cell) -> int:
    text = cell if isinstance(cell, str) else ""
    return 2 + sum(1 + (unicodedata.east_asian_width(character) in "WF") for character in text)


def _write_table(workbook: Workbook, worksheet: Worksheet, table: Table, row: int, styles: _Styles) -> int:
    """Write *table* from *row* on, and return the row after it."""
    for text, style in ((table.title, styles.title), *((note, None) for note in table.notes)):
        _write_text(worksheet, row, 0, text, style)
        row += 1
    if table.header:
        for column, name in enumerate(table.header):
            is_figure = any(isinstance(cells[column], Number) for cells in table.rows)
            style = styles.figure_header if is_figure else styles.header
            _write_text(worksheet, row, column, name, style)
        row += 1
    for index, cells in enumerate(table.rows):
        for column, cell in enumerate(cells):
            _write_cell(worksheet, row + index, column, cell, styles)
    if table.is_shaded and table.rows:
        worksheet.conditional_format(row, 1, row + len(table.rows) - 1, len(table.header) - 1, _SHADES)
    if table.colors:
        _insert_chart(workbook, worksheet, table, row)
    return row + len(table.rows)


def _write_cell(worksheet: Worksheet, row: int, column: int, cell: Cell, styles: _Styles) -> None:
    match cell:
        case Number(value, unit):
            worksheet.write_number(row, column, value, styles.numbers[unit])
        case date():
            worksheet.write_datetime(row, column, datetime.combine(cell, time()), styles.date)
        case _:
            _write_text(worksheet, row, column, cell)


def _write_text(worksheet: Worksheet, row: int, column: int, text: str, style: Format | None = None) -> None:
    """Write *text* as a cell can hold it: a formula or an address stays text."""
    if text:
        cell = cut_text(_UNWRITABLE.sub("\ufffd", text), MAX_TEXT_LENGTH // 2)
        worksheet.write_string(row, column, cell, style)
    else:
        worksheet.write_blank(row, column, None, style)


def _insert_chart(workbook: Workbook, worksheet: Worksheet, table: Table, first: int) -> None:
    """Insert a bar chart of the first two columns beside *table*, whose rows begin at *first*."""
    count = min(len(table.colors), _CHART_ROWS)
    chart = workbook.add_chart({"type": "bar"})
    name, last = worksheet.get_name(), first + count - 1
    chart.add_series(
        {
            "name": table.title,
            "categories": [name, first, 0, last, 0],
            "values": [name, first, 1, last, 1],
            "points": [{"fill": {"color": color}} for color in table.colors[:count]],
            "data_labels": {"value": True},
            "gap": 40,
        }
    )
    chart.set_title({"name": table.title, "name_font": {"size": 12}})
    chart.set_legend({"none": True})
    chart.set_x_axis({"visible": False, "major_gridlines": {"visible": False}})
    chart.set_y_axis({"reverse": True})
    chart.set_size({"width": 560, "height": 100 + 28 * count})
    worksheet.insert_chart(first - 1, len(table.header) + 1, chart, {"description": table.title})

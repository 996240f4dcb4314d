"""The printed log: WeasyPrint lays out a sample row on two pages, and all rows are written like it.

A row of WeasyPrint's own tables costs 5 ms and 150 kB, a row written here some microseconds and its bytes in
the file: docs/decisions/2026-11-23-printed-log.md.
"""

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pydyf
from weasyprint import Document
from weasyprint.document import Page
from weasyprint.draw.color import get_color
from weasyprint.formatting_structure import boxes
from weasyprint.pdf.anchors import add_outlines
from weasyprint.pdf.stream import Stream

from assets.render.day_notes import NOTE_MARK
from assets.render.i18n import load_words
from assets.render.labels import log_text
from assets.render.pdf.tagging import find_dictionaries, tag_rows
from assets.render.pdf.typesetter import Cell, Lettering, Typesetter, move_operator

_BATCH_ROWS = 20_000
_DATE_LENGTH = len("2000-01-01")
_OFFSET_LENGTH = len("+00:00")
_ROUNDING = 0.01


@dataclass(frozen=True, slots=True)
class _Place:
    """The position of a page's sample row, in pixels from the page's top left, and its boxes."""

    top: float
    height: float
    left: float
    right: float
    floor: float
    is_rtl: bool
    cells: Sequence[boxes.TableCellBox]
    texts: Sequence[boxes.TextBox]

    @classmethod
    def taken_from(cls, page: Page) -> "_Place":
        """Return the place of the sample row, and remove the row from the page."""
        page_box = page._page_box  # noqa: SLF001 - nothing public has the positions
        bodies = (box for box in page_box.descendants() if box.element_tag == "tbody")
        group = next(box for box in bodies if box.element.get("class") == "rows sample")
        (row,) = group.children
        group.children = []
        texts = [box for box in row.descendants() if isinstance(box, boxes.TextBox)]
        floor = page_box.content_box_y() + page_box.height
        is_rtl = row.style["direction"] == "rtl"
        left, right = row.position_x, row.position_x + row.width
        return cls(row.position_y, row.height, left, right, floor, is_rtl, row.children, texts)

    @property
    def baseline(self) -> float:
        """Return the distance from the row's top to the baseline of its first line."""
        return float(self.texts[0].position_y + self.texts[0].baseline - self.top)

    @property
    def rule_width(self) -> float:
        """Return the width of the line under the row."""
        return float(self.cells[0].style["border_bottom_width"])

    @property
    def starts(self) -> list[float]:
        """Return where the texts of each column begin: at the left of its cell, or at the right in RTL."""
        return [cell.content_box_x() + (cell.width if self.is_rtl else 0) for cell in self.cells]


class _RowSetter:
    """Typesets rows like the sample row at *place*."""

    def __init__(self, stream: Stream, place: _Place, language: str, *, is_tagged: bool) -> None:
        time, offset, *_ = place.texts
        self._place = place
        self._words = load_words(language)
        self._is_tagged = is_tagged
        self._gap = offset.position_x - time.position_x - time.width
        self._time = Typesetter(Lettering(stream, time.style))
        self._offset = Typesetter(Lettering(stream, offset.style))
        lettering = Lettering(stream, place.texts[-1].style)
        self._others = [
            Typesetter(lettering, cell.width, ends_there=place.is_rtl) for cell in place.cells[1:]
        ]
        self._line_height = lettering.line_height
        self._around = cache(self._around_time)
        self.begin = self._time.lettering.begin

    def batches(self, rows: pa.Table) -> Iterator["_Rows"]:
        """Yield *rows* typeset, in batches."""
        for start in range(0, rows.num_rows, _BATCH_ROWS):
            yield self._set_batch(rows.slice(start, _BATCH_ROWS))

    def _set_batch(self, rows: pa.Table) -> "_Rows":
        """Typeset each distinct text of each column, and compose the rows of them."""
        starts = self._place.starts
        steps = [b"", *(move_operator(right - left, 0) + b"\n" for left, right in pairwise(starts))]
        end = b"\nEMC" if self._is_tagged else b""
        operators, pictures = [], []
        lines = np.ones(rows.num_rows, np.int64)
        for number, column in enumerate(rows.columns):
            encoded = column.combine_chunks().dictionary_encode()
            codes = encoded.indices.to_numpy()
            cells = [self._set_cell(number, text) for text in encoded.dictionary.to_pylist()]
            ops = [steps[number] + cell.ops + end for cell in cells]
            operators.append(np.array(ops, np.object_)[codes])
            np.maximum(lines, np.array([cell.lines for cell in cells])[codes], out=lines)
            for code, cell in enumerate(cells):
                if cell.pictures:
                    pictures += [
                        (row, number, cell.pictures) for row in np.flatnonzero(codes == code).tolist()
                    ]
        heights = self._place.height + self._line_height * np.arange(lines.max(initial=1))
        x_back = starts[0] - starts[-1]
        returns = np.array([move_operator(x_back, -height) for height in heights], np.object_)
        return _Rows(operators, returns[lines - 1], heights[lines - 1], pictures)

    def _set_cell(self, number: int, text: str) -> Cell:
        if number:
            return self._others[number - 1].set(log_text(number, text, self._words))
        time_length = len(text.removesuffix(NOTE_MARK)) - _OFFSET_LENGTH
        time = self._time.set(text[:time_length])
        before, after = self._around(time.width, text[time_length:])
        return Cell(before + time.ops + after)

    def _around_time(self, width: float, offset: str) -> tuple[bytes, bytes]:
        """Return the operators before and after a time of *width*: the moves, and its UTC *offset*.

        The offset may have the mark of a day with a note.
        """
        offset_cell, offset_x = self._offset.set(offset), width + self._gap
        start = -(offset_x + offset_cell.width) if self._place.is_rtl else 0
        after = (
            b"",
            move_operator(offset_x, 0),
            self._offset.lettering.begin,
            offset_cell.ops,
            self.begin,
            move_operator(-start - offset_x, 0),
        )
        return (move_operator(start, 0) + b"\n" if start else b""), b"\n".join(after)


@dataclass(frozen=True, slots=True)
class _Rows:
    """Typeset rows: operators by column, moves to the next row, heights, and images by row and column."""

    columns: list[np.ndarray[Any, Any]]
    returns: np.ndarray[Any, Any]
    heights: np.ndarray[Any, Any]
    pictures: list[tuple[int, int, bytes]]


class _PageOfRows:
    """The rows on one page, below the header; tagged unless *first_mark* is None."""

    def __init__(self, place: _Place, first_mark: int | None) -> None:
        self.first_mark = first_mark
        self.rows = 0
        self._place = place
        self._used = 0.0
        self._texts: list[bytes] = []
        self._rules: list[bytes] = []
        self._pictures: list[bytes] = []

    @property
    def room(self) -> float:
        """Return the height left for rows, in pixels."""
        return self._place.floor - self._place.top - self._used + _ROUNDING

    @property
    def marks(self) -> range:
        """Return the numbers of the cells' marks, row by row."""
        first = self.first_mark or 0
        return range(first, first + self.rows * len(self._place.cells))

    def add(self, rows: _Rows, start: int, end: int) -> None:
        """Add the rows from *start* to before *end*."""
        columns = [column[start:end] for column in (*rows.columns, rows.returns)]
        if self.first_mark is not None:
            first = self.marks.stop
            numbers = range(first, first + (end - start) * len(rows.columns))
            marks = np.array([b"/TD <</MCID %d>> BDC" % number for number in numbers], np.object_)
            by_column = marks.reshape(end - start, -1).T
            columns = [ops for pair in zip(by_column, columns, strict=False) for ops in pair] + columns[-1:]
        self._texts += np.column_stack(columns).ravel().tolist()
        bottoms = self._place.top + self._used + np.cumsum(rows.heights[start:end])
        left, right, half = self._place.left, self._place.right, self._place.rule_width / 2
        self._rules += [
            b"%.3f %.3f m %.3f %.3f l" % (left, y - half, right, y - half) for y in bottoms.tolist()
        ]
        for row, column, picture in rows.pictures:
            if start <= row < end:
                y = bottoms[row - start] - rows.heights[row] + self._place.baseline
                self._pictures.append(
                    b"q 1 0 0 1 %.3f %.3f cm %b Q" % (self._place.starts[column], y, picture)
                )
        self._used = bottoms[-1] - self._place.top
        self.rows += end - start

    def drawn(self, begin: bytes, rule: bytes) -> bytes:
        """Return the operators of the page.

        *rule* selects the line under a row, *begin* the color and font of its first text.
        """
        start = b"1 0 0 -1 %.3f %.3f Tm" % (self._place.starts[0], self._place.top + self._place.baseline)
        rules = b"\n".join((rule, *self._rules, b"S"))
        texts = b"\n".join((b"BT", begin, start, *self._texts, b"ET"))
        if self.first_mark is None:
            texts = _mark_artifact(texts)
        return b"\n".join(
            (b"q", _mark_artifact(rules), texts, _mark_artifact(b"\n".join(self._pictures)), b"Q")
        )


def _mark_artifact(ops: bytes) -> bytes:
    """Return *ops* marked as an artifact, which screen readers skip."""
    return b"/Artifact BMC\n" + ops + b"\nEMC"


@dataclass(frozen=True, slots=True)
class _PageNumber:
    """The position at which the page number ends, and its style."""

    right: float
    baseline: float
    style: Any

    @classmethod
    def taken_from(cls, page: Page) -> "_PageNumber":
        """Return the place of the page number and remove it: WeasyPrint counts only its own pages."""
        margins = (box for box in page._page_box.children if isinstance(box, boxes.MarginBox))  # noqa: SLF001
        (line,) = next(box for box in margins if box.at_keyword == "@bottom-right").children
        (text,) = line.children
        line.children = []
        return cls(text.position_x + text.width, text.position_y + text.baseline, text.style)


class PrintedLog:
    """The pages of a log, which replace the last two pages of a document with a sample row each.

    *rows* are the eight columns; with *is_tagged*, each cell is tagged for screen readers.
    """

    def __init__(self, document: Document, rows: pa.Table, language: str, *, is_tagged: bool) -> None:
        *others, self._first, self._next = document.pages
        self._numbers = [_PageNumber.taken_from(page) for page in document.pages]
        self._places = [_Place.taken_from(page) for page in (self._first, self._next)]
        self._rows = rows
        self._language = language
        self._is_tagged = is_tagged
        self._pages: list[tuple[range, bytes]] = []
        self.document = document.copy([*others, self])

    def __getattr__(self, name: str) -> Any:
        """Return attributes of the first page: WeasyPrint uses this as a page; only `paint` differs."""
        return getattr(self._first, name)

    def paint(self, stream: Stream, scale: float) -> None:
        """Paint the first page, and create the contents of the others."""
        self._first.paint(stream, scale)
        self._scale = scale
        self._number = Typesetter(Lettering(stream, self._numbers[0].style), ends_there=True)
        self._number.set("0123456789 / 0")  # fonts are finished before the number of pages is known
        self._furniture = stream.clone(tags=None)
        self._furniture.transform(d=-1, f=self._next.height * scale)
        self._furniture.stream.append(b"/Artifact BMC")
        self._next.paint(self._furniture, scale)
        self._furniture.stream.append(b"EMC")
        setter = _RowSetter(stream, self._places[0], self._language, is_tagged=self._is_tagged)
        rule = _rule_operators(stream, self._places[0].cells[0].style)
        first_mark = len(stream._tags) if self._is_tagged else None  # noqa: SLF001 - of the heading and the header
        for page in self._fill_pages(setter, first_mark):
            operators = b"q %.4f 0 0 %.4f 0 0 cm\n%b\nQ" % (scale, scale, page.drawn(setter.begin, rule))
            if not self._pages:
                stream.stream.append(operators)
            self._pages.append((page.marks, zlib.compress(operators) if self._pages else b""))

    def _fill_pages(self, setter: _RowSetter, first_mark: int | None) -> Iterator[_PageOfRows]:
        """Yield each page when it is full, and finally the last one."""
        page = _PageOfRows(self._places[0], first_mark)
        for rows in setter.batches(self._rows):
            ends, start = np.cumsum(rows.heights), 0
            while start < len(ends):
                used_height = ends[start - 1] if start else 0
                end = int(np.searchsorted(ends, used_height + page.room, side="right"))
                if end == start and rows.heights[start] > max(page.room, self._next_page().room):
                    end += 1  # the row is higher than a page
                if end > start:
                    page.add(rows, start, end)
                if end < len(ends):
                    yield page
                    page = self._next_page()
                start = end
        yield page

    def _next_page(self) -> _PageOfRows:
        return _PageOfRows(self._places[1], 0 if self._is_tagged else None)

    def finish(self, pdf: pydyf.PDF) -> None:
        """Add the pages after the first, all page numbers, the bookmarks, and the tags of cells."""
        pages = [pdf.objects[number] for number in pdf.pages["Kids"][::3]]
        first = pages[-1]
        if len(self._pages) > 1:
            pdf.add_object(self._furniture)
        for _, content in self._pages[1:]:
            body = pydyf.Stream([content], {"Filter": "/FlateDecode"})
            pdf.add_object(body)
            contents = pydyf.Array([self._furniture.reference, body.reference])
            shared_entries = {
                key: value for key, value in first.items() if key not in {"Annots", "StructParents"}
            }
            page = pydyf.Dictionary(shared_entries | {"Contents": contents})
            pdf.add_page(page)
            pages.append(page)
        for page_number, page in enumerate(pages, start=1):
            self._add_number(pdf, page, page_number, len(pages))
        self._add_bookmarks(pdf, first)
        if self._is_tagged:
            tag_rows(pdf, pages[-len(self._pages) :], [marks for marks, _ in self._pages])

    def _add_bookmarks(self, pdf: pydyf.PDF, first: pydyf.Dictionary) -> None:
        """Add a bookmark for each day below that of the log, if there are several days."""
        days = pc.utf8_slice_codeunits(self._rows.column(0), 0, _DATE_LENGTH).combine_chunks()
        distinct_days = days.dictionary_encode().dictionary
        if len(distinct_days) < 2:  # noqa: PLR2004 - a single day needs no bookmark
            return
        (log,) = (
            dictionary
            for dictionary in find_dictionaries(pdf)
            if "Title" in dictionary and dictionary["Dest"][0] == first.reference
        )
        last_rows = np.cumsum([len(marks) // self._rows.num_columns for marks, _ in self._pages])
        pages_before = len(pdf.page_references) - len(self._pages)
        words = load_words(self._language)
        bookmarks: list[tuple[str, tuple[int, float, float], list[object], str]] = [
            (
                words.day(date.fromisoformat(day.as_py())),
                (pages_before + int(np.searchsorted(last_rows, row, side="right")), 0, log["Dest"][3]),
                [],
                "open",
            )
            for day, row in zip(
                distinct_days, (days.index(day).as_py() for day in distinct_days), strict=True
            )
        ]
        outlines, count = add_outlines(pdf, bookmarks, parent=log)
        log |= {"First": outlines[0].reference, "Last": outlines[-1].reference, "Count": -count}

    def _add_number(self, pdf: pydyf.PDF, page: pydyf.Dictionary, page_number: int, pages: int) -> None:
        place = self._numbers[min(page_number, len(self._numbers)) - 1]
        operators = (
            b"q %.4f 0 0 %.4f 0 0 cm BT" % (self._scale, self._scale),
            self._number.lettering.begin,
            b"1 0 0 -1 %.3f %.3f Tm" % (place.right, place.baseline),
            self._number.set(f"{page_number} / {pages}").ops,
            b"ET Q",
        )
        number = pydyf.Stream([_mark_artifact(b"\n".join(operators))])
        pdf.add_object(number)
        contents = page["Contents"]
        previous = contents if isinstance(contents, pydyf.Array) else [contents]
        page["Contents"] = pydyf.Array([*previous, number.reference])


def _rule_operators(stream: Stream, style: Any) -> bytes:
    """Return the operators that select the color and width of the line under cells of *style*."""
    scratch = stream.clone(tags=None)
    scratch.set_color(get_color(style, "border_bottom_color"), stroke=True)
    scratch.set_line_width(style["border_bottom_width"])
    return b"\n".join(scratch.stream)

"""The printed log: WeasyPrint lays out one row on a first and on a second page; all are set like them.

A row of WeasyPrint's own tables costs 5 ms and 150 kB; set so, some microseconds and what it adds to the
file: docs/decisions/2026-11-23-printed-log.md.
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
    """Where the only row on a page stands, in pixels from the page's top left, and what it is made of."""

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
        """Measure the row, and take it away."""
        page_box = page._page_box  # noqa: SLF001 - nothing else tells what is where
        bodies = (each for each in page_box.descendants() if each.element_tag == "tbody")
        group = next(each for each in bodies if each.element.get("class") == "rows sample")
        (row,) = group.children
        group.children = []
        texts = [each for each in row.descendants() if isinstance(each, boxes.TextBox)]
        floor = page_box.content_box_y() + page_box.height
        is_rtl = row.style["direction"] == "rtl"
        left, right = row.position_x, row.position_x + row.width
        return cls(row.position_y, row.height, left, right, floor, is_rtl, row.children, texts)

    @property
    def baseline(self) -> float:
        """How far below the top of the row its first line stands."""
        return float(self.texts[0].position_y + self.texts[0].baseline - self.top)

    @property
    def rule_width(self) -> float:
        """How thick the line under the row is."""
        return float(self.cells[0].style["border_bottom_width"])

    @property
    def starts(self) -> list[float]:
        """Where the texts of each column begin: at the left of its cell, or at the right."""
        return [each.content_box_x() + (each.width if self.is_rtl else 0) for each in self.cells]


class _RowSetter:
    """Sets rows like the one at *place*."""

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
        """Set *rows*, some thousands at a time."""
        for start in range(0, rows.num_rows, _BATCH_ROWS):
            yield self._set_batch(rows.slice(start, _BATCH_ROWS))

    def _set_batch(self, rows: pa.Table) -> "_Rows":
        """Set each distinct text of each column, and put the rows together from them."""
        starts = self._place.starts
        steps = [b"", *(move_operator(right - left, 0) + b"\n" for left, right in pairwise(starts))]
        end = b"\nEMC" if self._is_tagged else b""
        drawn, pictures = [], []
        lines = np.ones(rows.num_rows, np.int64)
        for number, column in enumerate(rows.columns):
            found = column.combine_chunks().dictionary_encode()
            codes = found.indices.to_numpy()
            cells = [self._set_cell(number, text) for text in found.dictionary.to_pylist()]
            ops = [steps[number] + each.ops + end for each in cells]
            drawn.append(np.array(ops, np.object_)[codes])
            np.maximum(lines, np.array([each.lines for each in cells])[codes], out=lines)
            for code, each in enumerate(cells):
                if each.pictures:
                    pictures += [
                        (row, number, each.pictures) for row in np.flatnonzero(codes == code).tolist()
                    ]
        heights = self._place.height + self._line_height * np.arange(lines.max(initial=1))
        back = starts[0] - starts[-1]
        returns = np.array([move_operator(back, -height) for height in heights], np.object_)
        return _Rows(drawn, returns[lines - 1], heights[lines - 1], pictures)

    def _set_cell(self, number: int, text: str) -> Cell:
        if number:
            return self._others[number - 1].set(log_text(number, text, self._words))
        time = self._time.set(text[:-_OFFSET_LENGTH])
        before, after = self._around(time.width, text[-_OFFSET_LENGTH:])
        return Cell(before + time.ops + after)

    def _around_time(self, width: float, offset: str) -> tuple[bytes, bytes]:
        """Return what stands before and after a time of *width*: the way, and its *offset* from UTC."""
        small, to_small = self._offset.set(offset), width + self._gap
        start = -(to_small + small.width) if self._place.is_rtl else 0
        after = (
            b"",
            move_operator(to_small, 0),
            self._offset.lettering.begin,
            small.ops,
            self.begin,
            move_operator(-start - to_small, 0),
        )
        return (move_operator(start, 0) + b"\n" if start else b""), b"\n".join(after)


@dataclass(frozen=True, slots=True)
class _Rows:
    """Rows that are set: the operators of each column, the way to the next row, heights, and pictures."""

    columns: list[np.ndarray[Any, Any]]
    returns: np.ndarray[Any, Any]
    heights: np.ndarray[Any, Any]
    pictures: list[tuple[int, int, bytes]]


class _PageOfRows:
    """What is drawn on one page below its header; with tags where the first mark has a number."""

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
        """Pixels that are left for rows."""
        return self._place.floor - self._place.top - self._used + _ROUNDING

    @property
    def marks(self) -> range:
        """Numbers of the marks around the cells, row by row."""
        first = self.first_mark or 0
        return range(first, first + self.rows * len(self._place.cells))

    def add(self, rows: _Rows, start: int, end: int) -> None:
        """Add the rows from *start* to before *end*."""
        columns = [each[start:end] for each in (*rows.columns, rows.returns)]
        if self.first_mark is not None:
            first = self.marks.stop
            numbers = range(first, first + (end - start) * len(rows.columns))
            marks = np.array([b"/TD <</MCID %d>> BDC" % number for number in numbers], np.object_)
            by_column = marks.reshape(end - start, -1).T
            columns = [each for pair in zip(by_column, columns, strict=False) for each in pair] + columns[-1:]
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
        behind = b"\n".join((rule, *self._rules, b"S"))
        texts = b"\n".join((b"BT", begin, start, *self._texts, b"ET"))
        if self.first_mark is None:
            texts = _mark_artifact(texts)
        return b"\n".join(
            (b"q", _mark_artifact(behind), texts, _mark_artifact(b"\n".join(self._pictures)), b"Q")
        )


def _mark_artifact(ops: bytes) -> bytes:
    """Return *ops* as what a screen reader passes over."""
    return b"/Artifact BMC\n" + ops + b"\nEMC"


@dataclass(frozen=True, slots=True)
class _PageNumber:
    """Where the number of a page ends, and its style."""

    right: float
    baseline: float
    style: Any

    @classmethod
    def taken_from(cls, page: Page) -> "_PageNumber":
        """Find the number, and take it away: WeasyPrint counts its own pages only."""
        margins = (each for each in page._page_box.children if isinstance(each, boxes.MarginBox))  # noqa: SLF001
        (line,) = next(each for each in margins if each.at_keyword == "@bottom-right").children
        (text,) = line.children
        line.children = []
        return cls(text.position_x + text.width, text.position_y + text.baseline, text.style)


class PrintedLog:
    """The pages of a log, in the place of the last two pages of a document, which have a row of it each.

    *rows* are the eight columns; where *is_tagged*, each cell is there for screen readers.
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
        """Be the first page in all that WeasyPrint asks of a page but how it is painted."""
        return getattr(self._first, name)

    def paint(self, stream: Stream, scale: float) -> None:
        """Paint the first page, and make the contents of the others."""
        self._first.paint(stream, scale)
        self._scale = scale
        self._number = Typesetter(Lettering(stream, self._numbers[0].style), ends_there=True)
        self._number.set("0123456789 / 0")  # fonts are closed before the number of pages is known
        self._furniture = stream.clone(tags=None)
        self._furniture.transform(d=-1, f=self._next.height * scale)
        self._furniture.stream.append(b"/Artifact BMC")
        self._next.paint(self._furniture, scale)
        self._furniture.stream.append(b"EMC")
        setter = _RowSetter(stream, self._places[0], self._language, is_tagged=self._is_tagged)
        rule = _rule_operators(stream, self._places[0].cells[0].style)
        first_mark = len(stream._tags) if self._is_tagged else None  # noqa: SLF001 - of the heading and the header
        for page in self._fill_pages(setter, first_mark):
            drawn = b"q %.4f 0 0 %.4f 0 0 cm\n%b\nQ" % (scale, scale, page.drawn(setter.begin, rule))
            if not self._pages:
                stream.stream.append(drawn)
            self._pages.append((page.marks, zlib.compress(drawn) if self._pages else b""))

    def _fill_pages(self, setter: _RowSetter, first_mark: int | None) -> Iterator[_PageOfRows]:
        """Yield each page when it is full, at last the one with the rest."""
        page = _PageOfRows(self._places[0], first_mark)
        for rows in setter.batches(self._rows):
            ends, start = np.cumsum(rows.heights), 0
            while start < len(ends):
                before = ends[start - 1] if start else 0
                end = int(np.searchsorted(ends, before + page.room, side="right"))
                if end == start and rows.heights[start] > max(page.room, self._next_page().room):
                    end += 1  # a row higher than a page
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
        """Add the pages after the first, the number of each page, and the cells for screen readers."""
        pages = [pdf.objects[number] for number in pdf.pages["Kids"][::3]]
        first = pages[-1]
        if len(self._pages) > 1:
            pdf.add_object(self._furniture)
        for _, content in self._pages[1:]:
            body = pydyf.Stream([content], {"Filter": "/FlateDecode"})
            pdf.add_object(body)
            contents = pydyf.Array([self._furniture.reference, body.reference])
            shared = {key: value for key, value in first.items() if key not in {"Annots", "StructParents"}}
            page = pydyf.Dictionary(shared | {"Contents": contents})
            pdf.add_page(page)
            pages.append(page)
        for at, page in enumerate(pages, start=1):
            self._add_number(pdf, page, at, len(pages))
        self._add_bookmarks(pdf, first)
        if self._is_tagged:
            tag_rows(pdf, pages[-len(self._pages) :], [marks for marks, _ in self._pages])

    def _add_bookmarks(self, pdf: pydyf.PDF, first: pydyf.Dictionary) -> None:
        """Add the page of each day below the bookmark of the log, where there are several days."""
        days = pc.utf8_slice_codeunits(self._rows.column(0), 0, _DATE_LENGTH).combine_chunks()
        found = days.dictionary_encode().dictionary
        if len(found) < 2:  # noqa: PLR2004 - one day needs no mark of its own
            return
        (log,) = (
            each for each in find_dictionaries(pdf) if "Title" in each and each["Dest"][0] == first.reference
        )
        last_rows = np.cumsum([len(marks) // self._rows.num_columns for marks, _ in self._pages])
        before = len(pdf.page_references) - len(self._pages)
        spoken = load_words(self._language)
        bookmarks: list[tuple[str, tuple[int, float, float], list[object], str]] = [
            (
                spoken.day(date.fromisoformat(day.as_py())),
                (before + int(np.searchsorted(last_rows, row, side="right")), 0, log["Dest"][3]),
                [],
                "open",
            )
            for day, row in zip(found, (days.index(day).as_py() for day in found), strict=True)
        ]
        outlines, count = add_outlines(pdf, bookmarks, parent=log)
        log |= {"First": outlines[0].reference, "Last": outlines[-1].reference, "Count": -count}

    def _add_number(self, pdf: pydyf.PDF, page: pydyf.Dictionary, at: int, pages: int) -> None:
        place = self._numbers[min(at, len(self._numbers)) - 1]
        drawn = (
            b"q %.4f 0 0 %.4f 0 0 cm BT" % (self._scale, self._scale),
            self._number.lettering.begin,
            b"1 0 0 -1 %.3f %.3f Tm" % (place.right, place.baseline),
            self._number.set(f"{at} / {pages}").ops,
            b"ET Q",
        )
        number = pydyf.Stream([_mark_artifact(b"\n".join(drawn))])
        pdf.add_object(number)
        contents = page["Contents"]
        before = contents if isinstance(contents, pydyf.Array) else [contents]
        page["Contents"] = pydyf.Array([*before, number.reference])


def _rule_operators(stream: Stream, style: Any) -> bytes:
    """Return the operators that select the line under the cells of *style*."""
    scratch = stream.clone(tags=None)
    scratch.set_color(get_color(style, "border_bottom_color"), stroke=True)
    scratch.set_line_width(style["border_bottom_width"])
    return b"\n".join(scratch.stream)

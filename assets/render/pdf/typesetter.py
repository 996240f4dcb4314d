"""Typeset texts as PDF operators: WeasyPrint's text shaping without its boxes, once per distinct text.

A Latin text on one line is composed of letter pairs that Pango has shaped once; Pango shapes any other text
as a whole, with fallback fonts, directions and line breaks.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from math import inf
from typing import Any, NamedTuple

from weasyprint.draw.text import draw_emojis, draw_first_line
from weasyprint.matrix import Matrix
from weasyprint.pdf.stream import Stream
from weasyprint.text.constants import PANGO_WRAP_MODE
from weasyprint.text.ffi import FROM_UNITS, ffi, pango
from weasyprint.text.line_break import Layout, _font_style_cache_key, create_layout, line_size, strut

_LATIN = re.compile("[!-~\u00c0-\u017f]+(?: [!-~\u00c0-\u017f]+)*")
_SPACES = re.compile("[ \t\r\n\f]+")
_ISOLATION = "\u2068\u2069"
_END = "\0"
_NOT_SEPARABLE = "?"
_PER_MILLE = 1000
_CACHE_SIZE = 65_536
_Pair = tuple[str, str]


class Cell(NamedTuple):
    """A typeset text: operators that draw it and return to its origin, number of lines, width in pixels.

    `pictures` are the operators of emoji images, which do not belong into a text object.
    """

    ops: bytes = b""
    lines: int = 1
    width: float = 0
    pictures: bytes = b""


def move_operator(x: float, y: float) -> bytes:
    """Return the operator that moves the start of a line by pixels; *y* points up."""
    return f"{x:.3f} {y:.3f} Td".encode()


class Typesetter:
    """Typesets texts in one *lettering*, on lines of at most *width* pixels.

    Lines begin at the origin, or end there with *ends_there*.
    """

    def __init__(self, lettering: "Lettering", width: float = inf, *, ends_there: bool = False) -> None:
        self.lettering = lettering
        self._width = width
        self._ends_there = ends_there
        self._set_whole = lru_cache(_CACHE_SIZE)(self._set_by_pango)

    def set(self, text: str) -> Cell:
        """Return *text* as a cell, its white space collapsed as in HTML."""
        unisolated = text.strip(_ISOLATION)
        is_left_to_right = self.lettering.is_left_to_right or unisolated != text
        line = (
            self.lettering.plain_line(unisolated)
            if is_left_to_right and _LATIN.fullmatch(unisolated)
            else None
        )
        return self._align_line(line) if line and line.width <= self._width else self._set_whole(text)

    def _set_by_pango(self, text: str) -> Cell:
        text = _SPACES.sub(" ", text).strip(" ")
        if not text.strip(_ISOLATION):
            return Cell()
        lines = [
            self._align_line(self.lettering.line(text_of_line))
            for text_of_line in self.lettering.broken(text, self._width)
        ]
        height = self.lettering.line_height
        down = b"\n" + move_operator(0, -height) + b"\n"
        up = b"\n" + move_operator(0, height * (len(lines) - 1)) if len(lines) > 1 else b""
        return Cell(
            down.join(line.ops for line in lines) + up,
            len(lines),
            max(line.width for line in lines),
            b"\n".join(
                _shift_pictures(line.pictures, 0, number * height) for number, line in enumerate(lines)
            ).strip(),
        )

    def _align_line(self, line: Cell) -> Cell:
        if not self._ends_there:
            return line
        ops = b"\n".join((move_operator(-line.width, 0), line.ops, move_operator(line.width, 0)))
        return Cell(ops, 1, line.width, _shift_pictures(line.pictures, -line.width, 0))


def _shift_pictures(pictures: bytes, x: float, y: float) -> bytes:
    return b"q 1 0 0 1 %.3f %.3f cm %b Q\n" % (x, y, pictures) if pictures else b""


class Lettering:
    """Typesets lines in one computed *style* with the fonts of *stream*; a line begins in the main font."""

    def __init__(self, stream: Stream, style: Any) -> None:
        self.line_height, _ = strut(style)
        self._style = style
        self.is_left_to_right = style["direction"] == "ltr"
        self._left_to_right = style.copy()
        self._left_to_right["direction"] = "ltr"
        self._scratch = stream.clone(tags=None)
        self._letters: dict[str, _Glyph] = {}
        self._glyph_of: dict[_Pair, str] = {}
        self._advance_of: dict[_Pair, float] = {}
        self._letters_of_style = _letters_of_style(_font_style_cache_key(style, include_size=True))
        layout = create_layout("x", style, None, None, 0)
        run = layout.get_first_line()[0].runs[0]
        self._font, self._size = self._scratch.add_font(run.data.item.analysis.font)
        color = self._record_operators(lambda: self._scratch.set_color(style["color"]))
        self.begin = color + b"\n" + self._record_operators(self._select_font)

    def plain_line(self, text: str) -> Cell | None:
        """Return a Latin *text* on one line, or None if its letters do not have a glyph each."""
        pairs = list(zip(text, text[1:] + _END, strict=True))
        try:
            glyphs = "".join(map(self._glyph_of.__getitem__, pairs))
        except KeyError:
            for pair in pairs:
                if pair not in self._glyph_of:
                    self._learn_pair(pair)
            glyphs = "".join(map(self._glyph_of.__getitem__, pairs))
        if _NOT_SEPARABLE in glyphs:
            return None
        return Cell(b"[<%b>] TJ" % glyphs.encode(), 1, sum(map(self._advance_of.__getitem__, pairs)))

    def line(self, text: str) -> Cell:
        """Return *text* on one line, shaped by Pango."""
        layout = create_layout(text, self._style, None, None, 0)
        width, _ = line_size(layout.get_first_line()[0], self._style)
        emojis: list[Any] = []

        def draw() -> None:
            self._select_font()
            line = _Line(text, self._style, layout, 0)
            emojis.extend(draw_first_line(self._scratch, line, "clip", "none", Matrix()))
            self._select_font()

        _, _, ops = self._record_operators(draw).partition(b" Tm\n")
        pictures = self._record_operators(lambda: draw_emojis(self._scratch, self._style, 0, 0, emojis))
        return Cell(ops.replace(b">0<", b""), 1, width, pictures)

    def broken(self, text: str, width: float) -> Iterator[str]:
        """Yield the lines of *text*, broken between words, and within a word that is too long."""
        layout = create_layout(text, self._style, None, width, 0)
        pango.pango_layout_set_wrap(layout.layout, PANGO_WRAP_MODE["WRAP_WORD_CHAR"])
        encoded, number = text.encode(), 0
        while (line := pango.pango_layout_get_line_readonly(layout.layout, number)) != ffi.NULL:
            yield encoded[line.start_index : line.start_index + line.length].decode().strip(" ")
            number += 1

    def _learn_pair(self, pair: _Pair) -> None:
        """Store the glyph and advance of the first letter of *pair* before the second."""
        single_glyphs = [self._glyph_of_letter(letter) for letter in pair if letter != _END]
        if pair not in self._letters_of_style:
            self._letters_of_style[pair] = self._set_pair(pair, single_glyphs)
        self._glyph_of[pair], self._advance_of[pair] = self._letters_of_style[pair]

    def _set_pair(self, pair: _Pair, single_glyphs: "list[_Glyph]") -> tuple[str, float]:
        """Shape two letters with Pango; return the glyph of the first, with its kerning, and its advance."""
        pair_glyphs = self._shape_text("".join(pair).rstrip(_END))
        is_separable = [glyph_.code for glyph_ in pair_glyphs] == [
            glyph_.code for glyph_ in single_glyphs
        ] and not any(glyph_.is_moved or glyph_.font != self._font for glyph_ in pair_glyphs)
        if not is_separable or [glyph_.advance for glyph_ in pair_glyphs[1:]] != [
            glyph_.advance for glyph_ in single_glyphs[1:]
        ]:
            return _NOT_SEPARABLE, 0
        glyph = pair_glyphs[0]
        kerning = int(self._font.widths[glyph.code] - glyph.advance * _PER_MILLE / self._size)
        return f"{glyph.code:04x}" + (f">{kerning}<" if kerning else ""), glyph.advance

    def _glyph_of_letter(self, letter: str) -> "_Glyph":
        """Return the glyph of *letter* by itself, and register it in its font."""
        if letter not in self._letters:
            self._letters[letter] = glyph = self._shape_text(letter)[0]
            self.line(f"x{letter}x")  # a lone space is not drawn
            glyph.font.to_unicode[glyph.code] = letter
        return self._letters[letter]

    def _shape_text(self, text: str) -> list["_Glyph"]:
        layout = create_layout(text, self._left_to_right, None, None, 0)
        run = layout.get_first_line()[0].runs[0]
        glyphs = []
        while run != ffi.NULL:
            item, run = run.data, run.next
            font, _ = self._scratch.add_font(item.item.analysis.font)
            for info in item.glyphs.glyphs[0 : item.glyphs.num_glyphs]:
                geometry = info.geometry
                is_moved = bool(geometry.x_offset or geometry.y_offset)
                glyphs.append(_Glyph(font, info.glyph, geometry.width * FROM_UNITS, is_moved))
        return glyphs

    def _select_font(self) -> None:
        self._scratch.set_font_size(self._font.hash, self._size)

    def _record_operators(self, draw: Callable[[], None]) -> bytes:
        """Return the operators that *draw* adds."""
        self._scratch.stream.clear()
        draw()
        operators = self._scratch.stream
        return b"\n".join(
            operator if isinstance(operator, bytes) else str(operator).encode() for operator in operators
        )


@cache
def _letters_of_style(_style: str) -> dict[_Pair, tuple[str, float]]:
    """Return the cache of letter pairs of one style, which all documents share."""
    return {}


@dataclass(frozen=True, slots=True)
class _Glyph:
    """A glyph shaped by Pango; its advance is in pixels."""

    font: Any
    code: int
    advance: float
    is_moved: bool


@dataclass(slots=True)
class _Line:
    """The attributes of a text box that WeasyPrint's drawing reads."""

    text: str
    style: Any
    pango_layout: Layout
    baseline: float

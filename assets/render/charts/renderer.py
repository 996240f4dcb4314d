"""A matplotlib renderer that draws a figure once and writes it twice: as SVG and as PDF operators.

WeasyPrint gets the operators instead of the SVG, whose paths it would parse number by number.
"""

import re
from dataclasses import dataclass
from typing import Any

from matplotlib.backend_bases import FigureCanvasBase, RendererBase
from matplotlib.backends.backend_pdf import PdfFile
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.path import Path
from matplotlib.transforms import Affine2D, Transform

_POINTS = 72.0  # per inch, and the width of a hatch's tile
_PIXELS = 96.0  # per inch, in CSS
_EXTRA_DECIMALS = re.compile(rb"(?<=\.\d\d)\d+")  # a hundredth of a point is 4 micrometres
_OPERATOR = re.compile(rb"([^a-z]*)([a-z])\n?")
_CAPS = {"butt": 0, "round": 1, "projecting": 2}
_JOINS = {"miter": 0, "round": 1, "bevel": 2}


@dataclass(frozen=True, slots=True)
class Painted:
    """A drawing with the interface of a WeasyPrint image; `width` and `height` are in points."""

    operators: bytes
    width: float
    height: float

    def get_intrinsic_size(self, _resolution: float, _font_size: float) -> tuple[float, float, float]:
        """Return width and height in pixels, and their ratio."""
        scale = _PIXELS / _POINTS
        return self.width * scale, self.height * scale, self.width / self.height

    def draw(self, stream: Any, width: float, height: float, _style: Any) -> None:
        """Append the drawing to *stream*, whose y axis points down."""
        stream.transform(a=width / self.width, d=-height / self.height, f=height)
        stream.stream.append(self.operators)


def draw_figure(figure: Figure) -> tuple[str, Painted]:
    """Lay out and draw *figure*; return it as SVG and as PDF operators."""
    writer = _Writer(*(inches * _POINTS for inches in figure.get_size_inches()))
    figure.dpi = _POINTS
    _Canvas(figure, writer)
    figure.draw(writer)
    return writer.svg, writer.painted


class _Canvas(FigureCanvasBase):
    """Measures texts for the layout with the renderer that draws them."""

    def __init__(self, figure: Figure, writer: "_Writer") -> None:
        super().__init__(figure)
        self._writer = writer

    def get_renderer(self) -> "_Writer":
        return self._writer


class _Writer(RendererBase):
    """Writes opaque paths, and letters as outlines; in points, with y pointing up."""

    def __init__(self, width: float, height: float) -> None:
        super().__init__()
        self._size = width, height
        self._operators: list[bytes] = []
        self._elements: list[str] = []
        self._names: dict[tuple[str, str], str] = {}
        self._glyphs: dict[str, Any] = {}
        self._letters: dict[str, tuple[bytes, str]] = {}

    @property
    def painted(self) -> Painted:
        """Return the drawing for a PDF."""
        return Painted(b"\n".join(self._operators), *self._size)

    @property
    def svg(self) -> str:
        """Return the drawing as an SVG document."""
        width, height = (f"{length:.2f}" for length in self._size)
        size = f'width="{width}pt" height="{height}pt" viewBox="0 0 {width} {height}"'
        definitions = (f'<{tag} id="{name}"{rest}' for (tag, rest), name in self._names.items())
        return "\n".join(
            (
                f'<svg xmlns="http://www.w3.org/2000/svg" {size}><defs>',
                *definitions,
                f'</defs><g transform="matrix(1 0 0 -1 0 {height})">',
                *self._elements,
                "</g></svg>",
            )
        )

    def flipy(self) -> bool:
        return False

    def get_canvas_width_height(self) -> tuple[float, float]:
        return self._size

    def get_text_width_height_descent(self, s: str, prop: Any, ismath: Any) -> tuple[float, float, float]:
        return self._text2path.get_text_width_height_descent(s, prop, ismath)

    def draw_text(  # noqa: PLR0913, PLR0917 - matplotlib's
        self, gc: Any, x: float, y: float, s: str, prop: Any, angle: float, *_: Any, **__: Any
    ) -> None:
        """Draw the outlines of letters, each always with the same bytes, which compress well."""
        letters: Any = self._text2path
        font = letters._get_font(prop)  # noqa: SLF001 - as matplotlib's own renderers do
        placed, _glyphs, _boxes = letters.get_glyphs_with_font(font, s, self._glyphs)
        size = prop.get_size_in_points() / letters.FONT_SCALE
        values = Affine2D().scale(size).rotate_deg(angle).translate(x, y).to_values()
        matrix = " ".join(f"{value:.5f}" for value in values)
        self._operators += [b"q", _color_operator(gc.get_rgb(), "rg"), f"{matrix} cm".encode()]
        self._elements.append(f'<g transform="matrix({matrix})" fill="{to_hex(gc.get_rgb())}">')
        for glyph, right, up, _scale in placed:
            outline, name = self._glyph_outline(glyph)
            self._operators += [f"q 1 0 0 1 {right:.1f} {up:.1f} cm".encode(), outline, b"f Q"]
            self._elements.append(f'<use href="#{name}" x="{right:.1f}" y="{up:.1f}"/>')
        self._operators.append(b"Q")
        self._elements.append("</g>")

    def _glyph_outline(self, glyph: str) -> tuple[bytes, str]:
        if glyph not in self._letters:
            outline = _path_operators(Path(*self._glyphs[glyph]), Affine2D())
            self._letters[glyph] = outline, self._define_element("path", f' d="{_svg_steps(outline)}"/>')
        return self._letters[glyph]

    def draw_path(self, gc: Any, path: Path, transform: Transform, rgbFace: Any = None) -> None:  # noqa: N803 - matplotlib's name
        outline, box, clip = _path_operators(path, transform), gc.get_clip_rectangle(), ""
        is_filled = rgbFace is not None and not (len(rgbFace) == 4 and rgbFace[3] == 0)  # noqa: PLR2004 - red, green, blue, alpha
        is_stroked = gc.get_linewidth() > 0 and gc.get_rgb()[3] > 0
        self._operators.append(b"q")
        if box is not None:
            left, bottom, width, height = (f"{bound:.4f}" for bound in box.bounds)
            self._operators.append(f"{left} {bottom} {width} {height} re W n".encode())
            clip = self._clip_attribute(f'<rect x="{left}" y="{bottom}" width="{width}" height="{height}"/>')
        shape = f'<path d="{_svg_steps(outline)}"'
        if is_filled or is_stroked:
            self._operators += [_color_operator(rgbFace, "rg")] if is_filled else []
            self._operators += _pen_operators(gc) if is_stroked else []
            self._operators += [outline, b"B" if is_filled and is_stroked else b"f" if is_filled else b"S"]
            fill, stroke = (
                to_hex(rgbFace) if is_filled else "none",
                _stroke_attributes(gc) if is_stroked else "",
            )
            self._elements.append(f'{shape} fill="{fill}"{stroke}{clip}/>')
        if gc.get_hatch():
            lines, color, width = (
                _hatch_lines(gc, path, transform),
                gc.get_hatch_color(),
                gc.get_hatch_linewidth(),
            )
            self._operators += [
                outline,
                b"W n",
                _color_operator(color, "RG"),
                f"{width:.4f} w".encode(),
                lines,
                b"S",
            ]
            stroke = f'stroke="{to_hex(color)}" stroke-width="{width:.4f}"'
            hatch_clip = self._clip_attribute(f"{shape}/>")
            self._elements.append(f'<g{hatch_clip}><path d="{_svg_steps(lines)}" {stroke}{clip}/></g>')
        self._operators.append(b"Q")

    def _clip_attribute(self, area: str) -> str:
        """Return the attribute that clips an element to *area*."""
        return f' clip-path="url(#{self._define_element("clipPath", f">{area}</clipPath>")})"'

    def _define_element(self, tag: str, rest: str) -> str:
        """Return the id of an element; equal elements are defined once."""
        return self._names.setdefault((tag, rest), f"d{len(self._names)}")


def _path_operators(path: Path, transform: Transform) -> bytes:
    (outline,) = PdfFile.pathOperations(path, transform)  # type: ignore[no-untyped-call]
    operators: bytes = _EXTRA_DECIMALS.sub(b"", outline.pdfRepr())
    return operators


def _svg_steps(outline: bytes) -> str:
    """Return *outline* as an SVG path: the letter of each step before its numbers, `Z` to close."""
    return _OPERATOR.sub(rb"\2\1", outline).decode().upper().replace("H", "Z").replace("\n", " ")


def _color_operator(color: Any, operator: str) -> bytes:
    red, green, blue = color[:3]
    return f"{red:.4f} {green:.4f} {blue:.4f} {operator}".encode()


def _pen_operators(gc: Any) -> list[bytes]:
    pattern, offset = _dash_pattern(gc)
    cap, join = _CAPS[gc.get_capstyle()], _JOINS[gc.get_joinstyle()]
    pen = f"{gc.get_linewidth():.4f} w {cap} J {join} j [{pattern}] {offset:.4f} d"
    return [_color_operator(gc.get_rgb(), "RG"), pen.encode()]


def _stroke_attributes(gc: Any) -> str:
    """Return the pen as SVG attributes."""
    pattern, offset = _dash_pattern(gc)
    dashes = f' stroke-dasharray="{pattern}" stroke-dashoffset="{offset:.4f}"' if pattern else ""
    cap, join = gc.get_capstyle().replace("projecting", "square"), gc.get_joinstyle()
    pen = f'stroke-width="{gc.get_linewidth():.4f}" stroke-linecap="{cap}" stroke-linejoin="{join}"'
    return f' stroke="{to_hex(gc.get_rgb())}" {pen}{dashes}'


def _dash_pattern(gc: Any) -> tuple[str, float]:
    offset, dashes = gc.get_dashes()
    return " ".join(f"{dash:.4f}" for dash in dashes or ()), offset or 0


def _hatch_lines(gc: Any, path: Path, transform: Transform) -> bytes:
    """Return the lines of the hatch in all tiles that *path* covers."""
    tile, box = gc.get_hatch_path(), path.get_extents(transform)
    columns = range(int(box.x0 // _POINTS), int(box.x1 // _POINTS) + 1)
    rows = range(int(box.y0 // _POINTS), int(box.y1 // _POINTS) + 1)
    tiles = (Affine2D().scale(_POINTS).translate(x * _POINTS, y * _POINTS) for x in columns for y in rows)
    return b"\n".join(_path_operators(tile, tile_transform) for tile_transform in tiles)

"""A chart of matplotlib's as operators of a PDF page, which WeasyPrint takes in place of the chart's SVG.

It draws the same; it only spares WeasyPrint from reading each outline of each letter, number by number.
"""

import re
from dataclasses import dataclass
from typing import Any

from matplotlib.backend_bases import RendererBase
from matplotlib.backends.backend_pdf import PdfFile
from matplotlib.figure import Figure
from matplotlib.path import Path
from matplotlib.transforms import Affine2D, Transform

_POINTS = 72.0  # per inch, and the width of a hatch's tile
_PIXELS = 96.0  # per inch, in CSS
_TOO_FINE = re.compile(rb"(?<=\.\d\d)\d+")  # a hundredth of a point is 4 micrometres
_CAPS = {"butt": 0, "round": 1, "projecting": 2}
_JOINS = {"miter": 0, "round": 1, "bevel": 2}


@dataclass(frozen=True, slots=True)
class Painted:
    """A picture as WeasyPrint wants an image to be; *width* and *height* are in points."""

    operators: bytes
    width: float
    height: float

    def get_intrinsic_size(self, _resolution: float, _font_size: float) -> tuple[float, float, float]:
        """Return width and height in pixels, and their ratio."""
        scale = _PIXELS / _POINTS
        return self.width * scale, self.height * scale, self.width / self.height

    def draw(self, stream: Any, width: float, height: float, _style: Any) -> None:
        """Draw it on a page whose y runs down."""
        stream.transform(a=width / self.width, d=-height / self.height, f=height)
        stream.stream.append(self.operators)


def painted(figure: Figure) -> Painted:
    """Return *figure*, which is laid out already, as operators."""
    width, height = (inches * _POINTS for inches in figure.get_size_inches())
    painter = _Painter(width, height)
    resolution, figure.dpi = figure.dpi, _POINTS
    figure.draw(painter)
    figure.dpi = resolution
    return Painted(b"\n".join(painter.operators), width, height)


class _Painter(RendererBase):
    """Writes what matplotlib draws: paths, opaque, with letters as outlines."""

    def __init__(self, width: float, height: float) -> None:
        super().__init__()
        self.operators: list[bytes] = []
        self._size = width, height
        self._glyphs: dict[str, Any] = {}
        self._letters: dict[str, bytes] = {}

    def flipy(self) -> bool:
        return False

    def get_canvas_width_height(self) -> tuple[float, float]:
        return self._size

    def get_text_width_height_descent(self, s: str, prop: Any, ismath: Any) -> tuple[float, float, float]:
        return self._text2path.get_text_width_height_descent(s, prop, ismath)

    def draw_text(  # noqa: PLR0913, PLR0917 - matplotlib's
        self, gc: Any, x: float, y: float, s: str, prop: Any, angle: float, *_: Any, **__: Any
    ) -> None:
        """Draw the outlines of letters, each written the same wherever it stands: such bytes pack well."""
        letters: Any = self._text2path
        font = letters._get_font(prop)  # noqa: SLF001 - as matplotlib's own renderers do
        placed, _glyphs, _boxes = letters.get_glyphs_with_font(font, s, self._glyphs)
        size = prop.get_size_in_points() / letters.FONT_SCALE
        at = Affine2D().scale(size).rotate_deg(angle).translate(x, y).to_values()
        place = " ".join(f"{each:.5f}" for each in at)
        self.operators += [b"q", _color(gc.get_rgb(), "rg"), f"{place} cm".encode()]
        for glyph, right, up, _scale in placed:
            self.operators += [f"q 1 0 0 1 {right:.1f} {up:.1f} cm".encode(), self._letter(glyph), b"f Q"]
        self.operators.append(b"Q")

    def _letter(self, glyph: str) -> bytes:
        if glyph not in self._letters:
            self._letters[glyph] = _outline(Path(*self._glyphs[glyph]), Affine2D())
        return self._letters[glyph]

    def draw_path(self, gc: Any, path: Path, transform: Transform, rgbFace: Any = None) -> None:  # noqa: N803 - matplotlib's name
        outline = _outline(path, transform)
        is_filled = rgbFace is not None and not (len(rgbFace) == 4 and rgbFace[3] == 0)  # noqa: PLR2004 - red, green, blue, alpha
        is_stroked = gc.get_linewidth() > 0 and gc.get_rgb()[3] > 0
        self.operators += [b"q", *_clip(gc)]
        if is_filled or is_stroked:
            self.operators += [_color(rgbFace, "rg")] if is_filled else []
            self.operators += _pen(gc) if is_stroked else []
            self.operators += [outline, b"B" if is_filled and is_stroked else b"f" if is_filled else b"S"]
        if gc.get_hatch():
            self.operators += [outline, b"W n", *_hatch(gc, path, transform)]
        self.operators.append(b"Q")


def _outline(path: Path, transform: Transform) -> bytes:
    (outline,) = PdfFile.pathOperations(path, transform)  # type: ignore[no-untyped-call]
    written: bytes = _TOO_FINE.sub(b"", outline.pdfRepr())
    return written


def _clip(gc: Any) -> list[bytes]:
    box = gc.get_clip_rectangle()
    return [] if box is None else ["{:.4f} {:.4f} {:.4f} {:.4f} re W n".format(*box.bounds).encode()]


def _color(color: Any, operator: str) -> bytes:
    red, green, blue = color[:3]
    return f"{red:.4f} {green:.4f} {blue:.4f} {operator}".encode()


def _pen(gc: Any) -> list[bytes]:
    offset, dashes = gc.get_dashes()
    pattern = " ".join(f"{each:.4f}" for each in dashes or ())
    cap, join = _CAPS[gc.get_capstyle()], _JOINS[gc.get_joinstyle()]
    pen = f"{gc.get_linewidth():.4f} w {cap} J {join} j [{pattern}] {offset or 0:.4f} d"
    return [_color(gc.get_rgb(), "RG"), pen.encode()]


def _hatch(gc: Any, path: Path, transform: Transform) -> list[bytes]:
    """Return the lines of the hatch in as many tiles as *path* covers."""
    tile, box = gc.get_hatch_path(), path.get_extents(transform)
    across = range(int(box.x0 // _POINTS), int(box.x1 // _POINTS) + 1)
    up = range(int(box.y0 // _POINTS), int(box.y1 // _POINTS) + 1)
    tiles = (Affine2D().scale(_POINTS).translate(x * _POINTS, y * _POINTS) for x in across for y in up)
    width = f"{gc.get_hatch_linewidth():.4f} w".encode()
    lines = [_outline(tile, each) for each in tiles]
    return [_color(gc.get_hatch_color(), "RG"), width, *lines, b"S"]

"""The style and script of a page: the files of `templates/`, and the rules of a report's look."""

from collections.abc import Iterable
from functools import cache

from assets.render.charts.palette import PREVIOUS, TOTAL
from assets.render.source_rows import SourceRow
from assets.render.template_files import TEMPLATES
from assets.report.model import Look

INK = "#1f2933"
_MIN_CONTRAST = 4.5  # WCAG 2.2, 1.4.3


def render_stylesheet(medium: str, look: Look | None = None) -> str:
    """Return the style of a page for *medium* ("screen" or "print"), with the rules of a report's *look*."""
    files = "".join(
        (TEMPLATES / "styles" / f"{name}.css").read_text(encoding="utf-8") for name in ("report", medium)
    )
    rules = _page_rules(look) if look and medium == "print" else ""
    return brand_rule(look.color if look else INK) + files + rules


def brand_rule(color: str) -> str:
    """Return the color variables: a brand's *color* (#rrggbb) for lines and for text, and those of totals."""
    ink = text_color(color)
    return f":root {{ --accent: {color}; --accent-ink: {ink}; --total: {TOTAL}; --previous: {PREVIOUS}; }}\n"


def text_color(color: str) -> str:
    """Return *color* (#rrggbb) if it can be read on white, and white on it, else the color of text."""
    return color if _contrast_on_white(color) >= _MIN_CONTRAST else INK


def source_swatches(rows: Iterable[SourceRow]) -> str:
    """Return a CSS class for the color of each source: the content policy forbids inline styles."""
    return "".join(f".s{index} {{ background: {row.color}; }}\n" for index, row in enumerate(rows))


def _page_rules(look: Look) -> str:
    """Return the page size, and the brand's footer with every character escaped."""
    footer = "".join(f"\\{ord(character):x} " for character in look.footer)
    footer_rule = f'@bottom-left {{ content: string(title) " · {footer}"; }}' if footer else ""
    log = f"@page log {{ size: {look.paper} landscape; margin: 14mm 11mm; }}"
    return f"@page {{ size: {look.paper}; {footer_rule} }}\n{log}\n"


def _contrast_on_white(color: str) -> float:
    """Return the contrast of *color* (#rrggbb) with white: WCAG 2.2, relative luminance."""
    parts = [int(color[index : index + 2], 16) / 255 for index in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]  # noqa: PLR2004
    return 1.05 / (0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2] + 0.05)


@cache
def join_scripts() -> str:
    """Return the page's script: the files of `templates/script`, in order of their names."""
    files = sorted((TEMPLATES / "script").glob("*.js"))
    return "".join(("'use strict';\n", *(path.read_text(encoding="utf-8") for path in files)))

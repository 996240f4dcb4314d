"""Check of the internals of WeasyPrint and pydyf that the printed log depends on.

Saves: the printed log takes some microseconds per row, where WeasyPrint's own table takes 5 ms and 150 kB
(docs/decisions/2026-11-23-printed-log.md). Versions: WeasyPrint 70, pydyf 0.13. Where one of these names is
missing, or has other parameters, the log is printed as WeasyPrint's table.
"""

import inspect
from functools import cache, reduce
from importlib import import_module

_PARAMETERS = {
    "pydyf:Dictionary": "values",
    "pydyf:PDF.add_object": "self object_",
    "pydyf:Stream": "stream extra compress",
    "weasyprint.document:Document.copy": "self pages",
    "weasyprint.document:Page.paint": "self stream scale",
    "weasyprint.draw.color:get_color": "style key",
    "weasyprint.draw.text:draw_emojis": "stream style x y emojis",
    "weasyprint.draw.text:draw_first_line": "stream textbox text_overflow block_ellipsis matrix",
    "weasyprint.formatting_structure.boxes:MarginBox": "at_keyword style",
    "weasyprint.formatting_structure.boxes:TableCellBox": "args kwargs",
    "weasyprint.formatting_structure.boxes:TextBox": "element_tag style element text",
    "weasyprint.matrix:Matrix": "a b c d e f matrix",
    "weasyprint.pdf.anchors:add_outlines": "pdf bookmarks parent",
    "weasyprint.pdf.stream:Stream.clone": "self kwargs",
    "weasyprint.pdf.stream:Stream.transform": "self a b c d e f",
    "weasyprint.text.line_break:_font_style_cache_key": "style include_size",
    "weasyprint.text.line_break:create_layout": "text style context max_width justification_spacing",
    "weasyprint.text.line_break:line_size": "line style",
    "weasyprint.text.line_break:strut": "style",
}
"""The functions and classes that the printed log uses, as `module:name`, and their parameters."""


@cache
def unexpected_internals() -> tuple[str, ...]:
    """Return the names that are missing or have other parameters in the installed versions."""
    return tuple(name for name, parameters in _PARAMETERS.items() if _parameters_of(name) != parameters)


def _parameters_of(name: str) -> str | None:
    module, _, path = name.partition(":")
    try:
        target = reduce(getattr, path.split("."), import_module(module))
    except (ImportError, AttributeError):
        return None
    return " ".join(inspect.signature(target).parameters)  # type: ignore[arg-type]

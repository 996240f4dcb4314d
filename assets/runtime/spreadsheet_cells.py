r"""Protection of text cells that a spreadsheet would change: an invisible zero-width space before them.

Protected are cells that would run as a formula (`=1+1`, `-Bob-`) and those that would become another number
or a date: leading zeros, more than 15 digits, exponents, digits with separators. The page's script writes the
same cells: `PROTECTED` in `templates/script/6-table.js`.
"""

from typing import Any

import pyarrow.compute as pc

INVISIBLE = "\u200b"
PLACEHOLDER = "-"
_FORMULA = r"[\s\x{200b}\x{feff}\x{a0}\x{3000}]*[=+\-@\x{ff1d}\x{ff0b}\x{ff0d}\x{ff20}|%\t\r\n]"
_NUMBER = r"0\d+$|\d{16,}$|\d+(?:\.\d+)?[eE][+-]?\d+$|\d+(?:[.,:/-]\d+)+$"
_CHANGED = rf"^(?:{_FORMULA}|{_NUMBER})"
_PROTECTED = rf"^\x{{200b}}(?:{_FORMULA}|{_NUMBER})"


def protect_cells(cells: Any) -> Any:
    """Return text *cells* (an array, chunked or not) with the ones protected that a spreadsheet would change.

    The placeholder "-" stays as it is.
    """
    is_changed = pc.and_(pc.match_substring_regex(cells, _CHANGED), pc.not_equal(cells, PLACEHOLDER))
    if not pc.any(is_changed).as_py():
        return cells
    return pc.if_else(is_changed, pc.binary_join_element_wise(INVISIBLE, cells, ""), cells)


def unprotect_cells(cells: Any) -> Any:
    """Return the text cells that `protect_cells` made *cells* of; no other zero-width space is removed."""
    is_protected = pc.and_(
        pc.match_substring_regex(cells, _PROTECTED), pc.not_equal(cells, INVISIBLE + PLACEHOLDER)
    )
    return pc.if_else(is_protected, pc.utf8_slice_codeunits(cells, 1), cells)

"""Cleaning of untrusted text, so that every store accepts it: unprintable characters become U+FFFD.

How text is shown and escaped belongs where it is shown.
"""

import re

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

REPLACEMENT = "\ufffd"
Octets = npt.NDArray[np.uint8]
_SPACES = r"[\t\n\r\x{2028}\x{2029}]+"
_PLANE_ENDS = "".join(rf"\x{{{plane:x}fffe}}\x{{{plane:x}ffff}}" for plane in range(1, 17))
_UNPRINTABLE = rf"[\x00-\x1f\x7f-\x{{9f}}\x{{fdd0}}-\x{{fdef}}\x{{fffe}}\x{{ffff}}{_PLANE_ENDS}]"
_RARE_LEADS = (b"\xc2", b"\xe2\x80", b"\xef", *(bytes([lead]) for lead in range(0xF0, 0xF5)))
_ODD_SPACES = r"[\x{a0}\x{1680}\x{2000}-\x{200a}\x{202f}\x{205f}\x{3000}]"
_DIRECTION_MARKS = r"[\x{200e}\x{200f}\x{202a}-\x{202e}\x{2066}-\x{2069}\x{feff}]"
_ROUNDED = r"^\d{15}0{1,4}$"
_LEAST_LONG_IDS = 8
_WRITTEN_AS_FLOAT, _EXPONENTS = (b".0", b"NaN"), (b"E+", b"e+")
_SPACE, _DELETE = 0x20, 0x7F
_RARE_BYTES = re.compile(
    rb"\xc2[\x80-\x9f]|\xe2\x80[\xa8\xa9]|\xef\xb7[\x90-\xaf]|\xef\xbf[\xbd-\xbf]|[\xf0-\xf4].\xbf[\xbe\xbf]",
    re.DOTALL,
)
_WHITE_SPACE = [chr(code) for code in range(0x3001) if chr(code).isspace()]
_SPACE_FIRST, _SPACE_LAST = (
    np.isin(np.arange(256), [each.encode()[at] for each in _WHITE_SPACE]) for at in (0, -1)
)


def clean_text(cells: pa.Array) -> pa.Array:
    """Return *cells* without surrounding white space, null where nothing is left.

    Line breaks and tabs become one space, other unprintable characters U+FFFD.
    """
    octets = _text_buffer(cells)
    if _may_need_cleaning(octets):
        spaced = pc.replace_substring_regex(cells, _SPACES, " ")
        cells = pc.replace_substring_regex(spaced, _UNPRINTABLE, REPLACEMENT)
    elif not _may_need_trimming(cells, octets):
        return cells
    return null_if(cells, [""])


def null_if(cells: pa.Array, values: list[str]) -> pa.Array:
    """Return *cells* without surrounding white space, null where the text is one of *values*."""
    trimmed = pc.utf8_trim_whitespace(cells)
    return pc.if_else(pc.is_in(trimmed, pa.array(values)), pa.scalar(None, pa.string()), trimmed)


def normalize_unicode(cells: pa.Array) -> pa.Array:
    """Return *cells* in Unicode's NFC, because macOS writes a letter and its accent apart."""
    octets = _text_buffer(cells)
    return cells if not len(octets) or octets.max() < _DELETE else pc.utf8_normalize(cells, "NFC")


def plain_spaces(cells: pa.Array) -> pa.Array:
    """Return *cells* with no-break and thin spaces as plain ones, and without marks of writing direction."""
    octets = _text_buffer(cells)
    if not len(octets) or octets.max() < _DELETE:
        return cells
    spaced = pc.replace_substring_regex(cells, _ODD_SPACES, " ")
    return pc.replace_substring_regex(spaced, _DIRECTION_MARKS, "")


def whole_ids(cells: pa.Array) -> pa.Array:
    """Return ids with 21.0 as 21 where all of them are whole numbers, and with NaN as null.

    Programs write an integer column with gaps that way.
    """
    if not _hold_any(cells, _WRITTEN_AS_FLOAT, rare=b".N"):
        return cells
    ids = null_if(cells, ["NaN", ""])
    are_whole = pc.all(pc.match_substring_regex(ids, r"^-?\d+(\.0+)?$"), skip_nulls=True).as_py()
    return pc.replace_substring_regex(ids, r"\.0+$", "") if are_whole else cells


def rounded_ids(cells: pa.Array) -> pa.Array | None:
    """Return for each id whether a spreadsheet rounded it to 15 digits, or None where none was rounded.

    An id such as `1.7E+15` was. Longer numbers were where all of them, at least eight, have only zeros from
    the 16th digit on and differ in the 15th, which times in whole seconds do not.
    """
    if _hold_any(cells, _EXPONENTS, rare=b"+"):
        return pc.fill_null(pc.match_substring_regex(cells, r"^\d(\.\d+)?[eE]\+\d+$"), False)  # noqa: FBT003 - a value
    if not re.match(_ROUNDED, pc.first(cells).as_py() or ""):
        return None
    ids = pc.unique(cells.drop_null())
    are_rounded = len(ids) >= _LEAST_LONG_IDS and pc.all(pc.match_substring_regex(ids, _ROUNDED)).as_py()
    has_15_digits = are_rounded and len(pc.unique(pc.utf8_slice_codeunits(ids, 14, 15))) > 1
    return cells.is_valid() if has_15_digits else None


def may_be_altered(cells: pa.Array) -> bool:
    """Return whether `whole_ids` or `rounded_ids`, which look at all cells of a batch, may alter *cells*."""
    return _hold_any(cells, (*_WRITTEN_AS_FLOAT, *_EXPONENTS), rare=b".N+") or bool(
        pc.any(pc.match_substring_regex(cells, _ROUNDED)).as_py()
    )


def _hold_any(cells: pa.Array, parts: tuple[bytes, ...], rare: bytes) -> bool:
    """Return whether *cells* hold one of *parts*, each with a *rare* character, which is found faster."""
    octets = _text_buffer(cells)
    if not any((octets == character).any() for character in rare):
        return False
    text = octets.tobytes()
    return any(part in text for part in parts)


def _text_buffer(cells: pa.Array) -> Octets:
    """Return the bytes of all *cells*, and possibly some around them."""
    data = cells.buffers()[2]
    return np.frombuffer(data or b"", dtype=np.uint8)


def _may_need_cleaning(octets: Octets) -> bool:
    """Return whether a cell may hold a character to replace: a scan costs a hundredth of replacing."""
    if not len(octets) or (octets.min() >= _SPACE and octets.max() < _DELETE):
        return False
    if ((octets < _SPACE) | (octets == _DELETE)).any():
        return True
    text = octets.tobytes()
    return any(lead in text for lead in _RARE_LEADS) and _RARE_BYTES.search(text) is not None


def _may_need_trimming(cells: pa.Array, octets: Octets) -> bool:
    """Return whether a cell is empty, or begins or ends with a byte that white space can have there."""
    if cells.null_count == len(cells):
        return False
    offsets = np.frombuffer(cells.buffers()[1], np.int32)[cells.offset : cells.offset + len(cells) + 1]
    firsts, ends = offsets[:-1], offsets[1:]
    if cells.null_count:
        is_there = cells.is_valid().to_numpy(zero_copy_only=False)
        firsts, ends = firsts[is_there], ends[is_there]
    if (firsts == ends).any():
        return True
    if octets.min() > _SPACE and octets.max() < _DELETE:
        return False
    return bool(_SPACE_FIRST[octets[firsts]].any() or _SPACE_LAST[octets[ends - 1]].any())


def has_replacement(cells: pa.Array) -> pa.Array | None:
    """Return for each cell whether it holds U+FFFD, set here or by the source, or None where no cell does."""
    octets = _text_buffer(cells)
    if not len(octets) or octets.max() < _DELETE or REPLACEMENT.encode() not in octets.tobytes():
        return None
    return pc.fill_null(pc.match_substring(cells, REPLACEMENT), False)  # noqa: FBT003 - a value

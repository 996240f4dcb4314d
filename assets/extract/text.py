"""Text from strangers, made storable once: what nobody can print becomes U+FFFD.

What is shown of it, and how it is escaped, is decided where it is shown.
"""

import re

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

REPLACEMENT = "\ufffd"
_SPACES = r"[\t\n\r\x{2028}\x{2029}]+"
_PLANE_ENDS = "".join(rf"\x{{{plane:x}fffe}}\x{{{plane:x}ffff}}" for plane in range(1, 17))
_UNPRINTABLE = rf"[\x00-\x1f\x7f-\x{{9f}}\x{{fdd0}}-\x{{fdef}}\x{{fffe}}\x{{ffff}}{_PLANE_ENDS}]"
_RARE_LEADS = (b"\xc2", b"\xe2\x80", b"\xef", *(bytes([lead]) for lead in range(0xF0, 0xF5)))
_SPACE, _DELETE = 0x20, 0x7F
_RARE_BYTES = re.compile(
    rb"\xc2[\x80-\x9f]|\xe2\x80[\xa8\xa9]|\xef\xb7[\x90-\xaf]|\xef\xbf[\xbd-\xbf]|[\xf0-\xf4].\xbf[\xbe\xbf]",
    re.DOTALL,
)


def clean(cells: pa.Array) -> pa.Array:
    """Return *cells* with line breaks and tabs as one space, and other unprintable characters as U+FFFD."""
    if not _may_need_cleaning(cells):
        return cells
    spaced = pc.replace_substring_regex(cells, _SPACES, " ")
    return pc.replace_substring_regex(spaced, _UNPRINTABLE, REPLACEMENT)


def _may_need_cleaning(cells: pa.Array) -> bool:
    """Look at the bytes at once; replacing costs a hundred times as much and is hardly ever needed."""
    data = cells.buffers()[2]
    if data is None:
        return False
    octets = np.frombuffer(data, dtype=np.uint8)
    if ((octets < _SPACE) | (octets == _DELETE)).any():
        return True
    text = data.to_pybytes()
    return any(lead in text for lead in _RARE_LEADS) and _RARE_BYTES.search(text) is not None


def has_replacement(cells: pa.Array) -> pa.Array:
    """Tell for each cell whether a character of it was replaced, here or before it came."""
    data = cells.buffers()[2]
    if data is None or REPLACEMENT.encode() not in data.to_pybytes():
        return pa.repeat(False, len(cells))  # noqa: FBT003 - a value
    return pc.match_substring(cells, REPLACEMENT)

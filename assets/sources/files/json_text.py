r"""Repair of JSON text: `"\ud800"` is valid JSON, but no text that a database accepts."""

import re

import pyarrow as pa
import pyarrow.compute as pc

from assets.runtime.sql_files import read_sql

FIELDS = read_sql(__file__, "json_fields")
"""DuckDB macros for a field that may be missing, null or of any type: only a text or a number is a value."""

UNWRAP = read_sql(__file__, "json_records")
"""DuckDB macros for lines of JSON; NULL for a line that is not JSON."""

_HALF = r"\\u[dD][89a-fA-F]"
_ESCAPE = re.compile(r"\\[^u]|\\u[dD][89abAB]..\\u[dD][c-fC-F]..|\\u[dD][89a-fA-F]..")
_HALF_LENGTH = len(r"\ud800")


def whole_escapes(texts: pa.Array) -> pa.Array:
    """Return *texts* (JSON) with each lone surrogate as U+FFFD."""
    halves = pc.match_substring_regex(texts, _HALF)
    if not pc.any(halves).as_py():
        return texts
    repaired = pa.array([_ESCAPE.sub(_replace_half, text.as_py()) for text in texts.filter(halves)])
    return pc.replace_with_mask(texts, halves, repaired)


def _replace_half(escape: re.Match[str]) -> str:
    return r"\ufffd" if len(escape[0]) == _HALF_LENGTH else escape[0]

"""Make untrusted text safe to show: limit its length and its stacked combining marks."""

import re
import unicodedata

_MAX_LENGTH = 256
_MAX_MARKS = 8
_MARK_RUN = re.compile("[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]{9,}")


def limit_marks(text: str) -> str:
    """Return *text* with at most 256 base characters, and at most 8 combining marks in a row."""
    return shorten_text(_MARK_RUN.sub(lambda run: run[0][:_MAX_MARKS], text), _MAX_LENGTH)


def shorten_text(text: str, length: int) -> str:
    """Return *text* shortened to *length* base characters, ending in "…" if it was longer."""
    if len(text) <= length:
        return text
    length_so_far = 0
    for index, character in enumerate(text):
        length_so_far += not unicodedata.combining(character) and character != "\u200d"
        if length_so_far > length:
            return text[: index - 1] + "…"
    return text

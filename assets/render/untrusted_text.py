"""Text from strangers made showable: of bounded length, with bounded stacks of marks."""

import re
import unicodedata

_LONGEST = 256
_MARKS = 8
_MARK_RUN = re.compile("[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]{9,}")


def limit_marks(text: str) -> str:
    """Return *text* with at most 256 characters that stand alone and 8 marks in a row."""
    return shorten_text(_MARK_RUN.sub(lambda run: run[0][:_MARKS], text), _LONGEST)


def shorten_text(text: str, length: int) -> str:
    """Return *text* cut to *length* characters, marks not counted, with "…" where it was cut."""
    if len(text) <= length:
        return text
    seen = 0
    for at, character in enumerate(text):
        seen += not unicodedata.combining(character) and character != "\u200d"
        if seen > length:
            return text[: at - 1] + "…"
    return text

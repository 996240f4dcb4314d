"""Make untrusted text safe to show: limit its length and its stacked combining marks."""

import re
import unicodedata

_MAX_LENGTH = 256
_MAX_MARKS = 8
_JOINER = "\u200d"
_EXTENDING = {"Mn", "Mc", "Me"}
_SKIN_TONES = "".join(map(chr, range(0x1F3FB, 0x1F400)))
_FLAG_LETTERS = "".join(map(chr, range(0x1F1E6, 0x1F200)))
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


def cut_text(text: str, length: int) -> str:
    """Return *text* with at most *length* code points, cut between graphemes and ended by "…"."""
    if len(text) <= length:
        return text
    end = max(length - 1, 0)
    while end > 0 and _continues_grapheme(text, end):
        end -= 1
    return f"{text[:end].rstrip()}…" if length > 0 else ""


def _continues_grapheme(text: str, index: int) -> bool:
    """Tell whether the character at *index* belongs to the grapheme before it: UAX #29, except Hangul."""
    character = text[index]
    if _JOINER in text[index - 1 : index + 1] or character in _SKIN_TONES:
        return True
    flags = index - len(text[:index].rstrip(_FLAG_LETTERS))
    return unicodedata.category(character) in _EXTENDING or (character in _FLAG_LETTERS and flags % 2 == 1)

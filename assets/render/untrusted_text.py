"""Make untrusted text safe to show: limit its length and its stacked combining marks.

`limited` in `templates/script/5-charts.js` does the same.
"""

from assets.runtime import characters
from assets.runtime.characters import is_extending

_MAX_LENGTH = 256
_MAX_SCANNED = 8_192
_JOINER = "\u200d"
_SKIN_TONES = "".join(map(chr, range(0x1F3FB, 0x1F400)))
_FLAG_LETTERS = "".join(map(chr, range(0x1F1E6, 0x1F200)))


def limit_marks(text: str) -> str:
    """Return *text* with at most 256 base characters, and at most 8 combining marks in a row."""
    return shorten_text(text, _MAX_LENGTH)


def shorten_text(text: str, length: int) -> str:
    """Return *text* with at most *length* base characters, ending in "…" if it was longer.

    At most 8 combining marks in a row are kept. Of a longer text, only the start is looked at.
    """
    if len(text) <= length and text.isascii():
        return text
    shown = characters.limit_marks(text[:_MAX_SCANNED])
    bases = [at for at, character in enumerate(shown) if not is_extending(character)]
    if len(bases) <= length and len(text) <= _MAX_SCANNED:
        return shown
    end = bases[length - 1] if len(bases) >= length else len(shown) - 1
    while end > 0 and _continues_grapheme(shown, end):
        end -= 1
    return shown[:end] + "…"


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
    return is_extending(character) or (character in _FLAG_LETTERS and flags % 2 == 1)

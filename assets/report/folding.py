"""Compare texts without regard to case, and where wanted without accents.

`templates/script/2-filters.js` has the same two functions; a test compares them over all of Unicode.
"""

import unicodedata

_SAME = str.maketrans({"ß": "ss", "ı": "i", "ς": "σ"})


def fold_case(text: str) -> str:
    """Return *text* so that texts that differ by case only are equal: ß is ss, Turkish has one i."""
    return unicodedata.normalize("NFC", text).lower().replace("i\u0307", "i").translate(_SAME)


def fold_accents(text: str) -> str:
    """Return *text* without case and without accents and other marks: José is jose."""
    parts = unicodedata.normalize("NFD", fold_case(text))
    return "".join(each for each in parts if not unicodedata.category(each).startswith("M"))

"""Fold texts for comparison that ignores case, and accents too if needed.

`templates/script/2-filters.js` has the same two functions; a test compares them over all of Unicode.
"""

import unicodedata

from assets.events import source_code

_EQUIVALENTS = str.maketrans({"ß": "ss", "ı": "i", "ς": "σ"})


def fold_case(text: str) -> str:
    """Return *text* without case: ß becomes ss, and the Turkish i's become one."""
    return unicodedata.normalize("NFC", text).lower().replace("i\u0307", "i").translate(_EQUIVALENTS)


def fold_accents(text: str) -> str:
    """Return *text* without case, accents and other marks: José becomes jose."""
    decomposed = unicodedata.normalize("NFD", fold_case(text))
    return "".join(
        character for character in decomposed if not unicodedata.category(character).startswith("M")
    )


def is_same_source(value: str, source: str) -> bool:
    """Tell whether *value* names *source*: a standard one in any spelling, another by its words."""
    words, of_source = (fold_case(text.replace("_", " ")) for text in (value, source))
    return source_code(value) == source or words == of_source

"""Characters as readers see them: a mark or a joiner belongs to the character before it.

Python's `len` counts code points; one letter can carry thousands of marks. How text is shortened for a reader
belongs in `render/untrusted_text.py`.
"""

import unicodedata

MAX_MARKS = 8
"""Marks on one character that are shown; scripts need four at most."""
_EXTENDING = {"Mn", "Mc", "Me"}
_JOINERS = "\u200c\u200d"


def is_extending(character: str) -> bool:
    """Return whether *character* is a mark on the one before it, or joins its neighbors."""
    return character in _JOINERS or unicodedata.category(character) in _EXTENDING


def visible_length(text: str) -> int:
    """Return the number of characters of *text* that stand on their own."""
    return len(text) if text.isascii() else sum(not is_extending(character) for character in text)


def limit_marks(text: str) -> str:
    """Return *text* with at most 8 marks and joiners in a row."""
    if text.isascii() or len(text) <= MAX_MARKS:
        return text
    kept, run = [], 0
    for character in text:
        run = run + 1 if is_extending(character) else 0
        if run <= MAX_MARKS:
            kept.append(character)
    return "".join(kept)

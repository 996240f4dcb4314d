"""Text by strangers, as it is shown."""

import pytest

from assets.render.untrusted_text import cut_text, limit_marks


def test_shown_text_is_bounded() -> None:
    assert limit_marks("x" * 300) == "x" * 255 + "…"
    assert limit_marks("e" + "\u0301" * 100) == "e" + "\u0301" * 8
    assert limit_marks("\u202eabc") == "\u202eabc"


@pytest.mark.parametrize(
    ("text", "length", "cut"),
    [
        ("abc", 3, "abc"),
        ("abcd", 3, "ab…"),
        ("ab cd", 4, "ab…"),
        ("ab", 1, "…"),
        ("ab", 0, ""),
        ("ae\u0301b", 3, "a…"),
        ("a👍🏽b", 3, "a…"),
        ("👩\u200d👧b", 3, "…"),
        ("🇩🇪🇫🇷x", 4, "🇩🇪…"),
        ("🇩🇪🇫🇷xy", 5, "🇩🇪🇫🇷…"),
        ("कीकीकी", 4, "की…"),
    ],
)
def test_text_is_cut_between_graphemes(text: str, length: int, cut: str) -> None:
    assert cut_text(text, length) == cut

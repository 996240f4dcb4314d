"""Text by strangers, as it is shown."""

from assets.render.untrusted_text import showable


def test_shown_text_is_bounded() -> None:
    assert showable("x" * 300) == "x" * 255 + "…"
    assert showable("e" + "\u0301" * 100) == "e" + "\u0301" * 8
    assert showable("\u202eabc") == "\u202eabc"

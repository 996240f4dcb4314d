"""Text by strangers, as it is shown."""

from assets.render.untrusted_text import limit_marks


def test_shown_text_is_bounded() -> None:
    assert limit_marks("x" * 300) == "x" * 255 + "…"
    assert limit_marks("e" + "\u0301" * 100) == "e" + "\u0301" * 8
    assert limit_marks("\u202eabc") == "\u202eabc"

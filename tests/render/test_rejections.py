"""Rejected rows tell their reasons in the reader's language."""

import pytest

from assets.render.i18n import load_words
from assets.render.rejections import translate_rejection

REASONS = (
    "has neither a conversation_id nor a contact_id",
    "occurred_at is empty",
    "occurred_at '1999-01-01T00:00:00Z' is before 2000 or after 2099",
    "occurred_at '2024-03-10 02:30' does not exist: the clocks were put forward over it",
    "occurred_at '0000-00-00' is no date",
    "occurred_at '2024-03-10 02:30' has no zone; set `timezone` of the source",
    "occurred_at 'yesterday is no date' is not a valid time; set `time_format` of the source",
)


@pytest.mark.parametrize("reason", REASONS)
def test_a_reason_is_translated_and_keeps_its_value(reason: str) -> None:
    german = translate_rejection(reason, load_words("de"))
    assert german != reason
    if "'" in reason:
        assert reason.split("'")[1] in german


def test_what_a_source_says_of_its_rows_stays_as_it_is() -> None:
    assert (
        translate_rejection("fits two sentences: 100 % sure", load_words("de"))
        == "fits two sentences: 100 % sure"
    )

"""The reasons of rejected rows in the reader's language.

`assets/extract/sql/reason.sql` writes them in English, as the log has them. A reason that it gains is added
here; what a source says of its own rows is shown as it is.
"""

import re

from assets.render.i18n import Words

_VALUE = re.compile(r"(?P<value>occurred_at '.*') (?P<rest>.*)", re.DOTALL)


def translate_rejection(reason: str, words: Words) -> str:
    """Return *reason* in the language of *words*, or as it is if it is not one of the known ones."""
    if found := _VALUE.fullmatch(reason):
        message = _reasons_of_values(words).get(found["rest"])
        return message % {"value": words.isolated(found["value"])} if message else reason
    return _reasons_of_rows(words).get(reason, reason)


def _reasons_of_rows(words: Words) -> dict[str, str]:
    _ = words.say
    return {
        "has neither a conversation_id nor a contact_id": _("has neither a conversation_id nor a contact_id"),
        "occurred_at is empty": _("occurred_at is empty"),
        "occurred_at is infinite": _("occurred_at is infinite"),
    }


def _reasons_of_values(words: Words) -> dict[str, str]:
    """Return the messages by what a reason says after the value."""
    _ = words.say
    return {
        "is before 2000 or after 2099": _("%(value)s is before 2000 or after 2099"),
        "does not exist: the clocks were put forward over it": _(
            "%(value)s does not exist: the clocks were put forward over it"
        ),
        "is no date": _("%(value)s is not a date"),
        "has no zone; set `timezone` of the source": _("%(value)s has no zone; set `timezone` of the source"),
        'has digits only; if it is a time, set `time_format: "%Y%m%d%H%M"` of the source': _(
            "%(value)s has digits only; if it is a time, set `time_format` of the source"
        ),
        "is not a valid time; set `time_format` of the source": _(
            "%(value)s is not a valid time; set `time_format` of the source"
        ),
    }

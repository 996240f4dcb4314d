"""Texts for the figures by which a version of a report differs from an earlier one."""

from collections.abc import Iterable

from assets.render.i18n import Words
from assets.render.untrusted_text import cut_text, limit_marks

_LABEL_LENGTH = 80

FigureChange = tuple[str, int | None, int | None]
"""A figure, `total` or the label of a source, with its previous and current value; None for no data."""


def list_changes(changes: Iterable[FigureChange], words: Words, *, max_listed: int) -> list[str]:
    """Return a text for each of *changes*, the total first, then the largest, and how many are not listed."""
    ordered = sorted(changes, key=_rank_change)
    texts = [_describe_change(change, words) for change in ordered[:max_listed]]
    if more := len(ordered) - len(texts):
        texts.append(words.ngettext("%(count)s more change", "%(count)s more changes", more))
    return texts


def format_total(value: int | None, words: Words) -> str:
    """Return the number *value*, or "No data" for None."""
    return words.say("No data") if value is None else words.number(value)


def shown_label(label: str, words: Words) -> str:
    """Return the *label* of a source in the reader's language, safe to show in one line."""
    return words.isolated(cut_text(limit_marks(words.say(label)), _LABEL_LENGTH))


def _rank_change(change: FigureChange) -> tuple[bool, int, str]:
    name, previous, current = change
    return name != "total", -abs((current or 0) - (previous or 0)), name


def _describe_change(change: FigureChange, words: Words) -> str:
    _ = words.say
    name, previous, current = change
    values = {
        "name": _("Total") if name == "total" else shown_label(name, words),
        "before": format_total(previous, words),
        "now": format_total(current, words),
        "arrow": words.arrow,
    }
    if previous is None or current is None:
        return _("%(name)s: %(before)s %(arrow)s %(now)s") % values
    values["difference"] = words.signed(current - previous)
    return _("%(name)s: %(before)s %(arrow)s %(now)s (%(difference)s)") % values

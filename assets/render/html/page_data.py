"""The facts that the page's script needs besides the log: days, time zone, sources, translations."""

import re
from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from assets.events import SOURCE_SPELLINGS
from assets.periods import PRESETS, Period, first_instant, offset_changes, preset_period
from assets.render.charts.palette import source_colors
from assets.render.i18n import Words, load_words
from assets.render.labels import matrix_names
from assets.report.log_table import HEADER
from assets.report.model import Report

_TEXT = r'"((?:[^"\\]|\\.)*)"'
_MESSAGE = re.compile(rf"\b(?:_\(|(ngettext|pgettext)\({_TEXT},\s*){_TEXT}")


def page_facts(report: Report, layout: dict[str, object], script: str) -> dict[str, object]:
    """Return the facts of *report* for its page; *layout* is that of the encoded log.

    Sources are in the order in which those with equal counts are shown.
    """
    words = load_words(report.look.language)
    period = Period(report.period.first_day, report.period.last_day, ZoneInfo(report.period.timezone))
    return {
        "layout": layout,
        "workspace": report.workspace,
        "report": report.name,
        "reportDate": str(report.report_date),
        "language": report.look.language,
        "days": [
            {
                "date": str(day.day),
                "start": _epoch_seconds(first_instant(day.day, period.zone)),
                "loaded": day.is_loaded,
            }
            for day in report.by_day
        ],
        "end": _epoch_seconds(report.period.end),
        "asOf": _epoch_seconds(report.as_of),
        "offsets": _offset_changes(report, period.zone),
        "presets": _narrower_presets(report, period),
        "sources": [
            {"code": source.source, "label": words.say(source.label), "color": color}
            for source, color in sorted(
                zip(report.by_source, source_colors(report.by_source), strict=True),
                key=lambda pair: (pair[0].label, pair[0].source),
            )
        ],
        "sourceCodes": SOURCE_SPELLINGS,
        "header": [words.say(name) for name in HEADER],
        "weekdays": [words.weekday(day, "EEE") for day in range(7)],
        "states": report.components.model_dump(mode="json"),
        "handOffs": list(report.hand_offs.keys) if report.hand_offs else [],
        "handOffNames": matrix_names(report.hand_offs, words) if report.hand_offs else [],
        "words": _translate_messages(script, words),
        "pluralIndexes": words.plural_indexes,
    }


@cache
def messages_of_script(script: str) -> frozenset[tuple[str, str, str]]:
    """Return the messages of *script*: the function that is called, its first text or "", and its last text.

    They are the calls `_("…")`, `ngettext("…", "…"` and `pgettext("context", "…"`.
    """
    return frozenset(
        (function or "_", first.replace('\\"', '"'), text.replace('\\"', '"'))
        for function, first, text in _MESSAGE.findall(script)
    )


def _translate_messages(script: str, words: Words) -> dict[str, str | list[str]]:
    """Return the translations by message; those in a context by `context|message`, plural forms as a list."""
    translations: dict[str, str | list[str]] = {}
    for function, first, text in sorted(messages_of_script(script)):
        match function:
            case "ngettext":
                translations[first] = words.plural_forms(first, text)
            case "pgettext":
                translations[f"{first}|{text}"] = words.pgettext(first, text)
            case _:
                translations[text] = words.say(text)
    return translations


def _epoch_seconds(instant: datetime) -> int:
    return int(instant.timestamp())


def _offset_changes(report: Report, zone: ZoneInfo) -> list[tuple[int, int]]:
    """Return the UTC offsets of the period: (epoch second from which it holds, offset in seconds)."""
    start, end = (instant.astimezone(UTC) for instant in (report.period.start, report.period.end))
    changes = offset_changes(zone, start - timedelta(seconds=1), end)
    return [(_epoch_seconds(instant), int(offset.total_seconds())) for instant, offset in changes]


def _narrower_presets(report: Report, period: Period) -> list[dict[str, str]]:
    """Return the presets of the report date whose days are within the report's period, but shorter."""
    words = load_words(report.look.language)
    preset_periods = [(preset, preset_period(preset, report.report_date, period.zone)) for preset in PRESETS]
    return [
        {
            "label": words.say(preset.label),
            "from": str(preset_days.first_day),
            "to": str(preset_days.last_day),
        }
        for preset, preset_days in preset_periods
        if period.first_day <= preset_days.first_day
        and preset_days.last_day <= period.last_day
        and preset_days != period
    ]

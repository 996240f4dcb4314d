"""What the page's script must know beside the events: days, zone, names of things, words."""

import re
from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from assets.events import SOURCE_SPELLINGS
from assets.periods import PRESETS, Period, first_instant, offset_changes, preset_period
from assets.render.charts.palette import source_colors
from assets.render.i18n import load_words
from assets.render.labels import matrix_names
from assets.report.log_table import HEADER
from assets.report.model import Report

_SAID = re.compile(r'\b_\("((?:[^"\\]|\\.)*)"')


def page_facts(report: Report, layout: dict[str, object], script: str) -> dict[str, object]:
    """Return the facts of *report* for its page; *layout* tells how the events are packed.

    Sources stand in the order in which those with equal counts are shown.
    """
    spoken = load_words(report.look.language)
    period = Period(report.period.first_day, report.period.last_day, ZoneInfo(report.period.timezone))
    return {
        "layout": layout,
        "workspace": report.workspace,
        "report": report.name,
        "reportDate": str(report.report_date),
        "language": report.look.language,
        "days": [
            {
                "date": str(each.day),
                "start": _epoch_seconds(first_instant(each.day, period.zone)),
                "loaded": each.is_loaded,
            }
            for each in report.by_day
        ],
        "end": _epoch_seconds(report.period.end),
        "asOf": _epoch_seconds(report.as_of),
        "offsets": _offset_changes(report, period.zone),
        "presets": _narrower_presets(report, period),
        "sources": [
            {"code": each.source, "label": spoken.say(each.label), "color": color}
            for each, color in sorted(
                zip(report.by_source, source_colors(report.by_source), strict=True),
                key=lambda pair: (pair[0].label, pair[0].source),
            )
        ],
        "sourceCodes": SOURCE_SPELLINGS,
        "header": [spoken.say(name) for name in HEADER],
        "weekdays": [spoken.weekday(day, "EEE") for day in range(7)],
        "states": report.components.model_dump(mode="json"),
        "handOffs": list(report.hand_offs.keys) if report.hand_offs else [],
        "handOffNames": matrix_names(report.hand_offs, spoken) if report.hand_offs else [],
        "words": {text: spoken.say(text) for text in messages_of_script(script)},
    }


@cache
def messages_of_script(script: str) -> list[str]:
    """Return the messages that *script* says by `_("…")`."""
    return sorted({text.replace('\\"', '"') for text in _SAID.findall(script)})


def _epoch_seconds(instant: datetime) -> int:
    return int(instant.timestamp())


def _offset_changes(report: Report, zone: ZoneInfo) -> list[tuple[int, int]]:
    """Return from which second on which offset holds, in the whole period."""
    start, end = (each.astimezone(UTC) for each in (report.period.start, report.period.end))
    changes = offset_changes(zone, start - timedelta(seconds=1), end)
    return [(_epoch_seconds(instant), int(offset.total_seconds())) for instant, offset in changes]


def _narrower_presets(report: Report, period: Period) -> list[dict[str, str]]:
    """Return the presets of the report date whose days are all among the report's, but not all of them."""
    spoken = load_words(report.look.language)
    found = [(preset, preset_period(preset, report.report_date, period.zone)) for preset in PRESETS]
    return [
        {"label": spoken.say(preset.label), "from": str(each.first_day), "to": str(each.last_day)}
        for preset, each in found
        if period.first_day <= each.first_day and each.last_day <= period.last_day and each != period
    ]

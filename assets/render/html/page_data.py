"""The facts that the page's script needs besides the log: days, time zone, sources, translations."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import cast
from zoneinfo import ZoneInfo

from assets.config.metrics import Metric
from assets.events import SOURCE_SPELLINGS, source_label
from assets.periods import (
    PRESETS,
    RELATIVE_PRESETS,
    Period,
    Preset,
    first_instant,
    offset_changes,
    preset_period,
    previous_period,
)
from assets.render.charts.palette import PEOPLE, REST, UNASSIGNED, report_colors, source_colors
from assets.render.day_notes import listed_notes
from assets.render.i18n import Words, load_words
from assets.render.labels import component_titles, figure_names, kind_names, previous_name, quality_names
from assets.render.metrics import goal_bounds, key_figure_of, name_of
from assets.render.people_rows import people_columns
from assets.render.reasons import describe_reason
from assets.report.components import keeps_chains
from assets.report.conditions import exact_threshold
from assets.report.explorer_data import ExplorerData
from assets.report.log_table import HEADER
from assets.report.model import Comparison, Report

_TEXT = r'"((?:[^"\\]|\\.)*)"'
_MESSAGE = re.compile(rf"\b(?:_\(|(ngettext|pgettext)\({_TEXT},\s*){_TEXT}")


def page_facts(
    report: Report, layout: dict[str, object], script: str, explorer: ExplorerData | None
) -> dict[str, object]:
    """Return the facts of *report* for its page; *layout* is that of the encoded log.

    Sources are in the order in which those with equal counts are shown. The facts of an *explorer* cover the
    days of its data, of which those from `firstDay` on can be chosen.
    """
    words = load_words(report.look.language)
    period = Period(report.period.first_day, report.period.last_day, ZoneInfo(report.period.timezone))
    days = explorer.days if explorer else report.by_day
    carried = Period(days[0].day, period.last_day, period.zone)
    codes = cast("list[str]", layout["sources"])
    colors = report_colors(report) | (source_colors(codes) if explorer else {})
    return {
        "layout": layout,
        "workspace": report.workspace,
        "report": report.name,
        "reportDate": str(report.report_date),
        "locale": str(words.locale).replace("_", "-"),
        "days": [
            {
                "date": str(day.day),
                "start": _epoch_seconds(first_instant(day.day, carried.zone)),
                "loaded": day.is_loaded,
            }
            for day in days
        ],
        "periodName": words.say(report.preset.label) if report.preset is not Preset.CUSTOM else "",
        "firstDay": str(period.first_day),
        "end": _epoch_seconds(report.period.end),
        "asOf": report.as_of.timestamp(),
        "offsets": _offset_changes(carried),
        "presets": _presets_within(report, period),
        "notes": [
            {"first": str(note.day), "last": str(note.last_day), "days": listed.days, "text": note.text}
            for note, listed in zip(report.notes, listed_notes(report, words), strict=True)
        ],
        "sources": [
            {"code": code, "label": words.say(source_label(code)), "color": colors[code]}
            for code in sorted(codes, key=lambda code: (source_label(code), code))
        ],
        "previousName": previous_name(report.compare_with, words),
        "restColor": REST,
        "sourceCodes": SOURCE_SPELLINGS,
        "csvBom": report.look.csv_bom,
        "header": [words.say(name) for name in HEADER],
        "weekStart": report.week_start.number,
        "weekdays": [words.weekday(day, "EEE") for day in range(7)],
        "longWeekdays": [words.weekday(day) for day in range(7)],
        "states": report.components.model_dump(mode="json"),
        "hasFilters": report.filters.active,
        "keepsChains": keeps_chains(report.filters),
        "returnHours": report.return_hours,
        "kinds": kind_names(words),
        "peopleColumns": people_columns(words),
        "leaderboard": report.leaderboard,
        "peopleColors": PEOPLE,
        "unassignedColor": UNASSIGNED,
        "titles": component_titles(report, words),
        "figureNames": figure_names(words),
        "goals": list(_countable_goals(report, words)),
        "comparison": _compared(report, report.comparison, words) if report.comparison else None,
        "words": _translate_messages(script, words),
        "pluralIndexes": words.plural_indexes,
    } | ({"explorer": _explorer_facts(report, explorer, words)} if explorer else {})


def _compared(report: Report, comparison: Comparison, words: Words) -> dict[str, object]:
    """Return the comparison of the whole report as `3-figures.js` counts that of an explorer."""
    shares = {source.source: source.share_pct for source in report.by_source}
    colors = report_colors(report)
    return {
        "total": comparison.total,
        "days": comparison.by_day,
        "sources": [
            {
                "code": change.source,
                "label": words.say(change.label),
                "color": colors[change.source],
                "count": change.count,
                "share": shares.get(change.source, 0.0),
                "before": change.before,
            }
            for change in comparison.by_source
        ],
    }


def _countable_goals(report: Report, words: Words) -> Iterator[dict[str, object]]:
    """Yield the goals whose figures the page counts; a bound is an exact quotient of two whole numbers."""
    for result in report.goals:
        goal = result.goal
        figure = key_figure_of(goal)
        if figure or goal.metric is Metric.ASSIGNMENTS_PER_DAY:
            bounds = {"atMost": goal.at_most, "atLeast": goal.at_least}
            yield {
                "figure": figure or goal.metric,
                "name": name_of(goal, words),
                "text": words.say("Goal: %(bounds)s") % {"bounds": goal_bounds(goal, words)},
            } | {
                name: exact_threshold(bound).as_integer_ratio()
                for name, bound in bounds.items()
                if bound is not None
            }


def _explorer_facts(report: Report, explorer: ExplorerData, words: Words) -> dict[str, object]:
    """Return what the page of an explorer needs besides: the quality of each day, and problems."""
    names = quality_names(words)
    index_of = {day.day: index for index, day in enumerate(explorer.days)}
    return {
        "qualityNames": names,
        "quality": [[day.quality.get(name, 0) for name in names] for day in explorer.days],
        "accepted": [day.quality.get("accepted", 0) for day in explorer.days],
        "problems": [
            [problem.code, problem.reason, problem.origin, [index_of[day] for day in problem.days]]
            for problem in explorer.problems
        ],
        "working": explorer.working,
        "firstDay": str(explorer.first_day),
        "firstLoaded": str(explorer.first_loaded) if explorer.first_loaded else "",
        "lacking": [str(day) for day in explorer.lacking],
        "maxRejectedPct": explorer.max_rejected_pct,
        "stalled": {
            str(day): describe_reason(report, reason, words) for day, reason in explorer.stalls.items()
        },
    }


@cache
def messages_of_script(script: str) -> frozenset[tuple[str, str, str]]:
    """Return the messages of *script*: the function that is called, its first text or "", and its last text.

    They are the calls `_("…")`, `ngettext("…", "…"` and `pgettext("context", "…"`.
    """
    return frozenset(
        (function or "_", json.loads(f'"{first}"'), json.loads(f'"{text}"'))
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


def _offset_changes(period: Period) -> list[tuple[int, int]]:
    """Return the UTC offsets of *period*: (epoch second from which it holds, offset in seconds)."""
    start, end = (instant.astimezone(UTC) for instant in period.bounds)
    changes = offset_changes(period.zone, start - timedelta(seconds=1), end)
    return [(_epoch_seconds(instant), int(offset.total_seconds())) for instant, offset in changes]


def _presets_within(report: Report, period: Period) -> list[dict[str, str]]:
    """Return the presets of the report date whose days are within *period*, with their previous periods."""
    words = load_words(report.look.language)
    presets = [
        (
            preset,
            preset_period(preset, report.report_date, period.zone, week_start=report.week_start),
        )
        for preset in (PRESETS if report.preset is Preset.EXPLORER else RELATIVE_PRESETS)
    ]
    return [
        {
            "name": preset.value,
            "label": words.say(preset.label),
            "from": str(days.first_day),
            "to": str(days.last_day),
            "before": str(previous_period(preset, days).first_day),
            "until": str(previous_period(preset, days).last_day),
        }
        for preset, days in presets
        if period.first_day <= days.first_day and days.last_day <= period.last_day and days != period
    ]

"""Render a `Report` as one HTML document that fetches nothing.

For the screen it embeds the whole log and the script that filters it; without script, or printed by
`render/pdf/document.py`, it is complete and static. The markup is in `templates/report/`.
"""

import json
from base64 import b64encode
from collections.abc import Iterator, Sequence
from functools import cache
from hashlib import sha256
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import pyarrow as pa
from markupsafe import Markup

from assets.render import labels, people_rows
from assets.render.alerts import AlertNotice, ConditionText, condition_texts
from assets.render.day_notes import NOTE_MARK, listed_notes, mark_noted_days
from assets.render.findings import render_finding
from assets.render.html.log_codec import encode_log_payload
from assets.render.html.page_data import page_facts
from assets.render.html.stylesheet import join_scripts, render_stylesheet, source_swatches
from assets.render.i18n import Words, load_words
from assets.render.metrics import goal_texts
from assets.render.reasons import reason_sentences
from assets.render.rejections import translate_rejection
from assets.render.source_rows import listed_rows
from assets.render.template_files import TEMPLATES
from assets.render.untrusted_text import limit_marks
from assets.report.encoded_log import EncodedLog
from assets.report.explorer_data import ExplorerData
from assets.report.log_table import HEADER, UNASSIGNED
from assets.report.model import KeyFigureName, Report, State
from assets.report.people_model import HandOffs, TeamFigures

if TYPE_CHECKING:
    from jinja2 import Environment

_SAMPLES = [("2000-01-01 00:00:00+00:00", *("x" for _ in HEADER[1:]))] * 2
_SHADES = 8
_KEY_LINKS = {
    KeyFigureName.FIRST_ASSIGNMENTS: f"previous={UNASSIGNED}",
    KeyFigureName.UNASSIGNMENTS: f"assigned_to={UNASSIGNED}",
}
_LISTED_ROWS = 1_000


@cache
def jinja_environment(language: str) -> "Environment":
    """Return the Jinja environment of `templates/`: it escapes everything and rejects undefined names."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # noqa: PLC0415 - a fifth of a second

    jinja = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    words = load_words(language)
    jinja.install_gettext_translations(words.catalog, newstyle=True)  # type: ignore[attr-defined]
    jinja.globals["ngettext"] = words.ngettext  # Jinja's own does not format the number
    jinja.filters |= {
        "csp_hash": lambda text: f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}",
        "log_text": lambda text, column: labels.log_text(column, text, words),
        "ltr": lambda text: words.left_to_right(str(text)),
        "number": words.number,
        "rejection": lambda reason: translate_rejection(reason, words),
        "showable": lambda text: words.isolated(limit_marks(text)),
        "translated": words.say,  # for texts from data: unlike that of `_()`, its result is escaped
        "urlencode": urlencode,
    }
    jinja.globals |= {"words": words, "arrow": words.arrow}
    return jinja


def render_page(
    report: Report, printed: pa.Table, version: int, log: EncodedLog, explorer: ExplorerData | None = None
) -> str:
    """Return the page of *version* of *report*, with its whole *log* or, for an *explorer*, that one's data.

    *printed* are the log's latest rows, newest first, as the eight columns: up to 1,000 of them are listed
    for readers without script.
    """
    has_data = (
        report.look.is_interactive and report.components.log is not State.OFF and not report.has_no_data
    )
    layout, events = encode_log_payload(log, explorer) if has_data else ({}, "")
    facts = page_facts(report, layout, join_scripts(), explorer) if has_data else {}
    listed = mark_noted_days(printed.slice(0, _LISTED_ROWS), report)
    return _render(
        report,
        version,
        listed,
        medium="screen",
        script=Markup(join_scripts()),  # noqa: S704 - our own files
        facts=Markup(_to_json(facts)) if has_data else "",  # noqa: S704 - "<" escaped
        events=events,
        rows=_rows_of(listed),
    )


def render_print(
    report: Report,
    printed: pa.Table,
    version: int,
    *,
    has_sample_rows: bool = False,
    has_contents: bool = False,
) -> str:
    """Return the document of *version* of *report* for paper, with a table of contents if it *has_contents*.

    *printed* are the log's rows to print, newest first, as the eight columns. With *has_sample_rows* the
    document has two sample rows instead, which `render/pdf/printed_log.py` replaces.
    """
    return _render(
        report,
        version,
        printed,
        medium="print",
        script="",
        facts="",
        events="",
        has_contents=has_contents,
        has_sample_rows=has_sample_rows,
        rows=_SAMPLES if has_sample_rows else _rows_of(printed),
    )


def _render(report: Report, version: int, listed: pa.Table, *, medium: str, **values: object) -> str:
    words = load_words(report.look.language)
    rows_of_sources = listed_rows(report, words)
    style = render_stylesheet(medium, report.look) + source_swatches(rows_of_sources)
    template = jinja_environment(report.look.language).get_template("report/report.html.j2")
    return template.render(
        report=report,
        version=version,
        medium=medium,
        style=Markup(style),  # noqa: S704 - our own files, checked colors
        source_rows=rows_of_sources,
        header=listed.column_names,
        rows_listed=listed.num_rows,
        log_note=labels.log_note(report, listed.num_rows, words),
        **_component_values(report, words, has_trend=len(report.by_day) > 1 or bool(values["events"])),
        **_people_values(report, words, medium),
        **values,
    )


def _rows_of(printed: pa.Table) -> Iterator[tuple[str, ...]]:
    return zip(*(column.to_pylist() for column in printed.columns), strict=True)


def _component_values(report: Report, words: Words, *, has_trend: bool) -> dict[str, object]:
    """Return the values of the components' templates: sentences, labels, charts and shades."""
    from assets.render.charts.report_charts import draw_charts  # noqa: PLC0415 - half a second, only for pages

    return {
        "charts": draw_charts(report),
        "sentences": [(render_finding(finding, words), finding.fragment) for finding in report.findings],
        "has_trend": has_trend,
        "day_notes": listed_notes(report, words),
        "note_mark": NOTE_MARK,
        "heat_map": _heat_map(report, words),
        "compared": labels.compared_period(report, words),
        "previous_name": labels.previous_name(report.compare_with, words),
        "comparison_name": labels.comparison_name(report.compare_with, words),
        "kinds": labels.kind_names(words),
        "hand_offs": _matrix_of_hand_offs(report.hand_offs, words) if report.hand_offs else None,
        "teams": _team_values(report.teams, words) if report.teams else None,
        "alerts": _met_alerts(report, words),
        "goals": goal_texts(report, words),
        "reasons": reason_sentences(report, words),
        "nothing": labels.empty_text(report, words),
        "messages": labels.state_messages(words),
        "not_applicable": labels.not_applicable(report, words),
        "notes": labels.comparison_notes(words),
        "totals": labels.total_names(words),
        "proof_names": labels.proof_names(words),
        "filter_names": labels.filter_names(words),
        "figure_names": labels.figure_names(words),
        "key_links": _KEY_LINKS,
        "quality_names": labels.quality_names(words),
        "titles": labels.component_titles(report, words),
        "sections": labels.sections(report, words, has_trend=has_trend),
        "first_page": labels.FIRST_PAGE,
    }


def _people_values(report: Report, words: Words, medium: str) -> dict[str, object]:
    """Return the values of the templates of ownership and people."""
    limit = people_rows.listed_limit(medium)
    return {
        "max_people": people_rows.MAX_PEOPLE,
        "assignees_notes": people_rows.assignees_notes(report, words),
        "ownership_limit": limit,
        "ownership_notes": people_rows.ownership_notes(report, words, limit),
        "assignee_numbers": ("1", "2", "3", words.say("4 or more")),
        "people_columns": people_rows.people_columns(words),
        "people_rows": people_rows.people_rows(report, words, limit),
        "people_notes": people_rows.people_notes(report, words, limit),
        "few": people_rows.few_note(words),
    }


def _met_alerts(report: Report, words: Words) -> list[ConditionText]:
    """Return the conditions of alerts that are met, each once."""
    notices = (AlertNotice(alert) for alert in report.alerts if alert.is_met)
    return list(dict.fromkeys(text for each in notices for text in condition_texts(each, report, words)))


def _to_json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")


def _shade_counts(counts: Sequence[int], largest: int) -> list[tuple[int, int]]:
    """Return each count with its shade from 1 to 8, or 0 for a count of 0."""
    return [(count, -(-count * _SHADES // largest) if count else 0) for count in counts]


def _heat_map(report: Report, words: Words) -> list[tuple[str, list[tuple[int, int]]]]:
    largest = max((max(row) for row in report.heat_map), default=0)
    return [
        (words.weekday(day, "EEE"), _shade_counts(row, largest)) for day, row in enumerate(report.heat_map)
    ]


def _matrix_of_hand_offs(hand_offs: HandOffs, words: Words) -> dict[str, object]:
    """Return the matrix with names and shades."""
    names, counts = labels.shown_matrix(hand_offs, words)
    largest = max(map(max, hand_offs.counts))
    shades = [_shade_counts(row, largest) for row in counts]
    return {"names": names, "rows": list(zip(names, shades, strict=True))}


def _team_values(teams: TeamFigures, words: Words) -> dict[str, object]:
    """Return the figures by team with names and shades."""
    shown = labels.translated_teams(teams, words)
    counts = shown.stations.conversation_counts if shown.stations else ()
    return {
        "matrix": _matrix_of_hand_offs(shown.hand_offs, words),
        "balances": shown.balances,
        "holdings": shown.holdings,
        "stations": shown.stations,
        "station_counts": list(zip(labels.counts_of_teams(words), counts, strict=False)),
    }

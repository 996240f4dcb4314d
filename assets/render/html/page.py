"""Render a `Report` as one HTML document that fetches nothing.

For the screen it embeds the whole log and the script that filters it; without script, or printed by
`render/pdf/document.py`, it is complete and static. The markup is in `templates/report/`.
"""

import json
from base64 import b64encode
from functools import cache
from hashlib import sha256
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import pyarrow as pa
from markupsafe import Markup

from assets.render import labels
from assets.render.findings import render_finding
from assets.render.html.log_codec import encode_log_payload
from assets.render.html.page_data import page_facts
from assets.render.html.stylesheet import join_scripts, render_stylesheet, source_swatches
from assets.render.i18n import Words, load_words
from assets.render.reasons import reason_sentences
from assets.render.template_files import TEMPLATES
from assets.render.untrusted_text import limit_marks
from assets.report.encoded_log import EncodedLog
from assets.report.log_table import HEADER
from assets.report.model import HandOffs, Report, State

if TYPE_CHECKING:
    from jinja2 import Environment

_SAMPLES = [("2000-01-01 00:00:00+00:00", *("x" for _ in HEADER[1:]))] * 2
_SHADES = 8
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
        "showable": lambda text: words.isolated(limit_marks(text)),
        "translated": words.say,  # for texts from data: unlike that of `_()`, its result is escaped
        "urlencode": urlencode,
    }
    jinja.globals |= {"words": words, "arrow": "←" if words.direction == "rtl" else "→"}
    return jinja


def render_html(
    report: Report,
    printed: pa.Table,
    version: int,
    log: EncodedLog | None = None,
    *,
    has_sample_rows: bool = False,
) -> str:
    """Return the document of *version* of *report*: for the screen with a *log*, else for paper.

    *printed* are the log's first rows, as the eight columns; *log* has all of them. For the screen, the table
    has up to 1,000 rows, for readers without script. For paper it has all of *printed*, or two sample rows
    that `render/pdf/printed_log.py` replaces.
    """
    listed_rows = printed.slice(0, _LISTED_ROWS) if log is not None else printed
    from assets.render.charts import figures  # noqa: PLC0415 - half a second, and only pages need it

    words = load_words(report.look.language)
    medium = "print" if log is None else "screen"
    is_interactive = (
        report.look.is_interactive and report.components.log is not State.OFF and not report.has_no_data
    )
    has_data = log is not None and is_interactive
    layout, events = encode_log_payload(log) if log is not None and has_data else ({}, "")
    return (
        jinja_environment(report.look.language)
        .get_template("report/report.html.j2")
        .render(
            report=report,
            version=version,
            medium=medium,
            style=Markup(render_stylesheet(medium, report.look) + source_swatches(report)),  # noqa: S704 - our own files, a checked color
            script=Markup(join_scripts()),  # noqa: S704 - our own files
            facts=Markup(_to_json(page_facts(report, layout, join_scripts()))) if has_data else "",  # noqa: S704 - "<" escaped
            events=events,
            charts=figures.draw_charts(report),
            sentences=[(render_finding(finding, words), finding.fragment) for finding in report.findings],
            heat_map=_heat_map(report, words),
            compared=labels.compared_period(report, words),
            kinds=labels.kind_names(words),
            hand_offs=_matrix_of_hand_offs(report.hand_offs, words) if report.hand_offs else None,
            reasons=reason_sentences(report, words),
            nothing=labels.empty_text(report, words),
            header=printed.column_names,
            has_sample_rows=has_sample_rows,
            rows=zip(*(column.to_pylist() for column in listed_rows.columns), strict=True)
            if not has_sample_rows
            else _SAMPLES,
            rows_listed=listed_rows.num_rows,
            messages=labels.state_messages(words),
            notes=labels.comparison_notes(words),
            totals=labels.total_names(words),
            filter_names=labels.filter_names(words),
        )
    )


def _to_json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")


def _shade_counts(counts: tuple[int, ...], largest: int) -> list[tuple[int, int]]:
    """Return each count with its shade from 1 to 8, or 0 for a count of 0."""
    return [(count, -(-count * _SHADES // largest) if count else 0) for count in counts]


def _heat_map(report: Report, words: Words) -> list[tuple[str, list[tuple[int, int]]]]:
    largest = max((max(row) for row in report.heat_map), default=0)
    return [
        (words.weekday(day, "EEE"), _shade_counts(row, largest)) for day, row in enumerate(report.heat_map)
    ]


def _matrix_of_hand_offs(hand_offs: HandOffs, words: Words) -> dict[str, object]:
    """Return the matrix with names and shades; "others" are omitted if they are 0."""
    _ = words.say
    names = [*labels.matrix_names(hand_offs, words), _("Others")]
    largest = max(map(max, hand_offs.counts))
    indexes = [
        index for index in range(len(names) + 1) if index != len(hand_offs.people) or _count_others(hand_offs)
    ]
    return {
        "columns": [[*names, _("Unassigned")][index] for index in indexes],
        "rows": [
            (
                [*names, _("Nobody")][index],
                [_shade_counts(hand_offs.counts[index], largest)[column] for column in indexes],
            )
            for index in indexes
        ],
    }


def _count_others(hand_offs: HandOffs) -> int:
    others = len(hand_offs.people)
    return sum(hand_offs.counts[others]) + sum(row[others] for row in hand_offs.counts)

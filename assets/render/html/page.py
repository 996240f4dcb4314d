"""A `Report` as one HTML document that fetches nothing.

On the screen it carries the whole log and the script that filters it; without script, or printed by
`render/pdf/document.py`, it is complete and static.
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
    """Return the Jinja environment of `templates/`: everything escaped, nothing undefined."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # noqa: PLC0415 - a fifth of a second

    jinja = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    spoken = load_words(language)
    jinja.install_gettext_translations(spoken.catalog, newstyle=True)  # type: ignore[attr-defined]
    jinja.filters |= {
        "csp_hash": lambda text: f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}",
        "log_text": lambda text, column: labels.log_text(column, text, spoken),
        "ltr": lambda text: spoken.left_to_right(str(text)),
        "number": spoken.number,
        "showable": lambda text: spoken.isolated(limit_marks(text)),
        "translated": spoken.say,  # of a text from data: unlike `_()`, what it returns is escaped
        "urlencode": urlencode,
    }
    jinja.globals |= {"words": spoken, "arrow": "←" if spoken.direction == "rtl" else "→"}
    return jinja


def render_html(
    report: Report,
    printed: pa.Table,
    version: int,
    log: EncodedLog | None = None,
    *,
    has_sample_rows: bool = False,
) -> str:
    """Return the document of *version* of *report*: for the screen where *log* is given, else for paper.

    *printed* are the log's first rows, as the eight columns; *log* has all of them. For the screen, up to
    1,000 are in the table for those without script; on paper all of *printed* are, or two sample rows that
    stand for them where `render/pdf/printed_log.py` sets them.
    """
    listed = printed.slice(0, _LISTED_ROWS) if log is not None else printed
    from assets.render.charts import figures  # noqa: PLC0415 - half a second, and only pages need it

    spoken = load_words(report.look.language)
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
            sentences=[(render_finding(each, spoken), each.fragment) for each in report.findings],
            heat_map=_heat_map(report, spoken),
            compared=labels.compared_period(report, spoken),
            kinds=labels.kind_names(spoken),
            hand_offs=_matrix_of_hand_offs(report.hand_offs, spoken) if report.hand_offs else None,
            reasons=reason_sentences(report, spoken),
            nothing=labels.empty_text(report, spoken),
            header=printed.column_names,
            has_sample_rows=has_sample_rows,
            rows=zip(*(column.to_pylist() for column in listed.columns), strict=True)
            if not has_sample_rows
            else _SAMPLES,
            rows_listed=listed.num_rows,
            messages=labels.state_messages(spoken),
            notes=labels.comparison_notes(spoken),
            totals=labels.total_names(spoken),
            filter_names=labels.filter_names(spoken),
        )
    )


def _to_json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")


def _shade_counts(counts: tuple[int, ...], most: int) -> list[tuple[int, int]]:
    """Return each count with its shade, 1 to 8; 0 is none."""
    return [(count, -(-count * _SHADES // most) if count else 0) for count in counts]


def _heat_map(report: Report, spoken: Words) -> list[tuple[str, list[tuple[int, int]]]]:
    most = max((max(row) for row in report.heat_map), default=0)
    return [(spoken.weekday(day, "EEE"), _shade_counts(row, most)) for day, row in enumerate(report.heat_map)]


def _matrix_of_hand_offs(found: HandOffs, spoken: Words) -> dict[str, object]:
    """Return the matrix with its names; the others are left out where there are none."""
    _ = spoken.say
    names = [*labels.matrix_names(found, spoken), _("Others")]
    most = max(map(max, found.counts))
    kept = [at for at in range(len(names) + 1) if at != len(found.people) or _count_others(found)]
    return {
        "columns": [[*names, _("Unassigned")][at] for at in kept],
        "rows": [
            ([*names, _("Nobody")][at], [_shade_counts(found.counts[at], most)[column] for column in kept])
            for at in kept
        ],
    }


def _count_others(found: HandOffs) -> int:
    at = len(found.people)
    return sum(found.counts[at]) + sum(row[at] for row in found.counts)

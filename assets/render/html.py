"""A `Report` as one HTML document that fetches nothing.

On the screen it carries the whole log and the script that filters it; without script, or printed by
`pdf.py`, it is complete and static.
"""

import json
from base64 import b64encode
from datetime import date
from functools import cache
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlencode

import pyarrow as pa
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from assets.render import charts
from assets.render.facts import page_facts
from assets.render.findings import sentence
from assets.render.language import Words, words
from assets.render.payload import packed
from assets.render.text import showable
from assets.report.coded import CodedLog
from assets.report.model import HandOffs, Look, Note, Report, State, Total

TEMPLATES = Path(__file__).parents[2] / "templates"
_INK = "#1f2933"
_LEAST_CONTRAST = 4.5  # WCAG 2.2, 1.4.3
_SHADES = 8
_LISTED_DAYS = 8


@cache
def environment(language: str) -> Environment:
    """Return the Jinja environment of `templates/`: everything escaped, nothing undefined."""
    jinja = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    spoken = words(language)
    jinja.install_gettext_translations(spoken.catalogue, newstyle=True)  # type: ignore[attr-defined]
    jinja.filters |= {
        "csp_hash": lambda text: f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}",
        "ltr": lambda text: spoken.left_to_right(str(text)),
        "number": spoken.number,
        "showable": lambda text: spoken.isolated(showable(text)),
        "translated": spoken.say,  # of a text from data: unlike `_()`, what it returns is escaped
        "urlencode": urlencode,
    }
    jinja.globals |= {"words": spoken, "arrow": "←" if spoken.direction == "rtl" else "→"}
    return jinja


def render_html(report: Report, printed: pa.Table, version: int, log: CodedLog | None = None) -> str:
    """Return the document of *version* of *report*: for the screen where *log* is given, else for paper.

    *printed* are the log's first rows, as the eight columns; *log* has all of them.
    """
    spoken = words(report.look.language)
    medium = "print" if log is None else "screen"
    has_data = log is not None and report.components.log is not State.OFF
    layout, events = packed(log) if log is not None and has_data else ({}, "")
    has_charts = report.total > 0
    return (
        environment(report.look.language)
        .get_template("report.html.j2")
        .render(
            report=report,
            version=version,
            medium=medium,
            style=Markup(stylesheet(medium, report.look) + _swatches(report)),  # noqa: S704 - our own files, a checked colour
            script=Markup(script()),  # noqa: S704 - our own files
            facts=Markup(_json(page_facts(report, layout, script()))) if has_data else "",  # noqa: S704 - "<" escaped
            events=events,
            charts={
                "bar": charts.bar_chart(report, spoken) if has_charts else None,
                "pie": charts.pie_chart(report, spoken) if has_charts else None,
                "trend": charts.trend_chart(report, spoken) if len(report.by_day) > 1 else None,
            },
            sentences=[(sentence(each, spoken), each.fragment) for each in report.findings],
            heat_map=_heat_map(report, spoken),
            hand_offs=_matrix(report.hand_offs, spoken) if report.hand_offs else None,
            missing_days=spoken.left_to_right(_listed(report.missing_days)),
            header=printed.column_names,
            rows=zip(*(column.to_pylist() for column in printed.columns), strict=True),
            messages=_messages(spoken),
            notes=_notes(spoken),
            totals=_totals(spoken),
            filter_names=_filter_names(spoken),
        )
    )


def stylesheet(medium: str, look: Look | None = None) -> str:
    """Return the style of a page: the files of `templates/`, and what a report's *look* adds."""
    color = look.color if look else _INK
    ink = color if _contrast_on_white(color) >= _LEAST_CONTRAST else _INK
    brand = f":root {{ --accent: {color}; --accent-ink: {ink}; }}\n"
    files = "".join((TEMPLATES / f"{name}.css").read_text(encoding="utf-8") for name in ("report", medium))
    return brand + files + (_pages(look) if look and medium == "print" else "")


def _swatches(report: Report) -> str:
    """Return a style for the colour of each source: a policy without inline styles wants it here."""
    return "".join(
        f".s{at} {{ background: {each}; }}\n" for at, each in enumerate(charts.colours(report.by_source))
    )


def _pages(look: Look) -> str:
    """Return the paper's size, and the brand's line at the foot of each page, escaped letter by letter."""
    line = "".join(f"\\{ord(each):x} " for each in look.footer)
    foot = f'@bottom-left {{ content: string(title) " · {line}"; }}' if line else ""
    log = f"@page log {{ size: {look.paper} landscape; margin: 14mm 11mm; }}"
    return f"@page {{ size: {look.paper}; {foot} }}\n{log}\n"


@cache
def script() -> str:
    """Return the page's script: the files of `templates/script` one after the other."""
    files = sorted((TEMPLATES / "script").glob("*.js"))
    return "".join(("'use strict';\n", *(path.read_text(encoding="utf-8") for path in files)))


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")


def _contrast_on_white(color: str) -> float:
    """Return the contrast of *color* (#rrggbb) with white: WCAG 2.2, relative luminance."""
    parts = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]  # noqa: PLR2004
    return 1.05 / (0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2] + 0.05)


def _listed(days: tuple[date, ...]) -> str:
    more = ", …" if len(days) > _LISTED_DAYS else ""
    return ", ".join(map(str, days[:_LISTED_DAYS])) + more


def _shaded(counts: tuple[int, ...], most: int) -> list[tuple[int, int]]:
    """Return each count with its shade, 1 to 8; 0 is none."""
    return [(count, -(-count * _SHADES // most) if count else 0) for count in counts]


def _heat_map(report: Report, spoken: Words) -> list[tuple[str, list[tuple[int, int]]]]:
    most = max((max(row) for row in report.heat_map), default=0)
    return [(spoken.weekday(day, "EEE"), _shaded(row, most)) for day, row in enumerate(report.heat_map)]


def _matrix(found: HandOffs, spoken: Words) -> dict[str, object]:
    """Return the matrix with its names; the others are left out where there are none."""
    _ = spoken.say
    names = [*found.people, _("Others")]
    most = max(map(max, found.counts))
    kept = [at for at in range(len(names) + 1) if at != len(found.people) or _others(found)]
    return {
        "columns": [[*names, _("Unassigned")][at] for at in kept],
        "rows": [
            ([*names, _("Nobody")][at], [_shaded(found.counts[at], most)[column] for column in kept])
            for at in kept
        ],
    }


def _others(found: HandOffs) -> int:
    at = len(found.people)
    return sum(found.counts[at]) + sum(row[at] for row in found.counts)


def _messages(spoken: Words) -> dict[str, str]:
    _ = spoken.say
    return {
        State.NOT_APPLICABLE: _("The selected filter(s) are not applicable here"),
        State.NO_DATA: _("The selected filter(s) have no applicable data"),
    }


def _notes(spoken: Words) -> dict[str, str]:
    _ = spoken.say
    return {
        Note.NOT_LOADED: "",
        Note.LENGTHS_DIFFER: _("The two periods have not the same number of days."),
        Note.FEW: _("One of the periods has fewer than 30 assignments: a difference may be chance."),
    }


def _totals(spoken: Words) -> dict[str, str]:
    _ = spoken.say
    return {
        Total.LOG: _("Log rows"),
        Total.SOURCES: _("Sum of the sources"),
        Total.DAYS: _("Sum of the days"),
        Total.HOURS: _("Sum of the hours of the week"),
        Total.HAND_OFFS: _("Sum of who hands over to whom"),
        Total.RECEIVED: _("Received, or taken from everybody"),
        Total.RELEASED: _("Released, or nobody's before"),
        Total.AGGREGATES: _("Daily source aggregates"),
        Total.ACCEPTED: _("Accepted events that changed an assignee"),
        Total.CSV: _("Lines of log.csv"),
        Total.PARQUET: _("Rows of log.parquet"),
    }


def _filter_names(spoken: Words) -> dict[str, str]:
    _ = spoken.say
    return {
        "source": _("Source"),
        "assigned_to": _("Assigned To"),
        "assigned_by": _("Assigned By User"),
        "contact": _("Contact"),
        "conversation": _("Conversation ID"),
    }

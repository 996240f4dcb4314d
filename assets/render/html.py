"""A `Report` as one HTML document: complete, static, printable; nothing in it is fetched.

The same document with another stylesheet is what `pdf.py` prints.
"""

from functools import cache
from pathlib import Path
from typing import Literal

import pyarrow as pa
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from assets.render import charts
from assets.render.text import showable
from assets.report.model import Report, State

TEMPLATES = Path(__file__).parents[2] / "templates"
_MESSAGES = {
    State.NOT_APPLICABLE: "The selected filter(s) are not applicable here",
    State.NO_DATA: "The selected filter(s) have no applicable data",
}


@cache
def environment() -> Environment:
    """Return the Jinja environment of `templates/`: everything escaped, nothing undefined."""
    jinja = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    jinja.filters |= {
        "number": lambda value: f"{value:,}",
        "share": lambda value: "-" if value is None else f"{value:.1f}%",
        "day": lambda value: f"{value:%a %-d %b %Y}",
        "showable": showable,
    }
    jinja.globals["stylesheet"] = lambda name: Markup((TEMPLATES / name).read_text(encoding="utf-8"))  # noqa: S704 - our own file
    return jinja


def render_html(report: Report, printed: pa.Table, medium: Literal["screen", "print"] = "screen") -> str:
    """Return the document for *report*; *printed* are the log's first rows, as the eight columns."""
    has_charts = report.total > 0
    drawn = {
        "bar": charts.bar_chart(report) if has_charts else None,
        "pie": charts.pie_chart(report) if has_charts else None,
        "trend": charts.trend_chart(report) if len(report.by_day) > 1 else None,
    }
    return (
        environment()
        .get_template("report.html.j2")
        .render(
            report=report,
            medium=medium,
            charts=drawn,
            colours=charts.colours(report.by_source),
            header=printed.column_names,
            rows=zip(*(column.to_pylist() for column in printed.columns), strict=True),
            messages={state.value: message for state, message in _MESSAGES.items()},
        )
    )

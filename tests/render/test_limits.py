"""How many sources and people a report lists, and how long their names are: at each limit, and one beyond."""

import pytest

from assets.archive.metadata import _draw_text_bars
from assets.config.presentation import Component
from assets.render.charts.figures import pie_chart
from assets.render.charts.palette import REST
from assets.render.html.page import render_page, render_print
from assets.render.i18n import load_words
from assets.render.source_rows import listed_rows
from assets.render.untrusted_text import limit_marks, shorten_text
from assets.report.encoded_log import encode_log
from assets.report.model import State
from assets.report.people_model import AssigneeBalance
from assets.warehouse.schema import ASSIGNMENT_LOG, arrow_schema
from tests.render.made_reports import log_of, make_report, showing

WORDS = load_words("en")
NO_LOG = encode_log(arrow_schema(ASSIGNMENT_LOG).empty_table())
MARKS = (
    "\u0301",
    "\u0e49",
    "\u064e",
    "\u20dd",
    "\ufe0f",
    "\U000e0100",
    "\u200d",
    "\u0335",
    "\u3099",
    "\u0f71",
)


@pytest.mark.parametrize("mark", MARKS, ids=ascii)
def test_marks_of_any_script_are_limited(mark: str) -> None:
    assert limit_marks("a" + mark * 8 + "b") == "a" + mark * 8 + "b"
    assert limit_marks("a" + mark * 9 + "b") == "a" + mark * 8 + "b"


@pytest.mark.parametrize("text", ["x", "é", "中", "e\u0301", "👩\u200d", "\u0e01\u0e49\u0e49"])
def test_a_text_has_so_many_characters_with_their_marks(text: str) -> None:
    assert limit_marks(text * 256).rstrip("…") == (text * 256).rstrip("…")
    cut = limit_marks(text * 257)
    assert cut.endswith("…")
    assert len(cut) <= len(text) * 256


def test_of_a_text_without_end_only_the_start_is_looked_at() -> None:
    for text in ("a" * 10_000_000, "中" * 10_000_000, "a" + "\u0301" * 10_000_000, "👩\u200d" * 10_000_000):
        assert len(limit_marks(text)) <= 256 * 9 + 1
        assert shorten_text(text, 28).endswith("…")


def counts(number: int) -> dict[str, int]:
    return {f"source {at:04}": number - at for at in range(number)}


@pytest.mark.parametrize(("number", "listed"), [(3_000, 3_000), (3_001, 3_001), (3_002, 3_001)])
def test_so_many_sources_are_listed_and_the_others_are_one_line(number: int, listed: int) -> None:
    report = make_report(counts(number))
    rows = listed_rows(report, WORDS)
    assert len(rows) == listed
    assert sum(row.count for row in rows) == report.total
    assert round(sum(row.share_pct or 0 for row in rows), 1) == 100.0
    assert (rows[-1].label == "2 more sources", rows[-1].color == REST) == (number == 3_002,) * 2
    for page in (render_page(report, log_of([]), 1, NO_LOG), render_print(report, log_of([]), 1)):
        assert page.count('<i class="swatch s') == listed
        assert ("2 more sources" in page) == (number == 3_002)


def test_charts_of_many_long_names_stay_small() -> None:
    report = make_report({f"{at}{'x' * 2_000}": 1 for at in range(5_000)})
    chart = pie_chart(report.by_source, ("#332288",) * len(report.by_source), WORDS)
    assert len(chart.alternative) < 10_000
    bars = _draw_text_bars(report).splitlines()
    assert (len(bars), max(map(len, bars)) < 120) == (27, True)
    assert bars[-2] == "4,976 more sources: 4,976"


def balance(number: int) -> AssigneeBalance:
    return AssigneeBalance(
        assignee=f"agent {number}", key=f"{number}", opening=0, received=1, released=0, unseen=0, closing=1
    )


@pytest.mark.parametrize(("number", "note"), [(500, False), (501, True)])
def test_so_many_people_are_listed(number: int, *, note: bool) -> None:
    states = showing(Component.ASSIGNEES)
    report = make_report({"user": 1}, components=states, assignees=tuple(map(balance, range(number))))
    report = report.model_copy(update={"known_since": report.period.first_day})
    assert report.components.assignees is State.SHOWN
    for page in (render_page(report, log_of([]), 1, NO_LOG), render_print(report, log_of([]), 1)):
        assert page.count("agent ") == 500
        assert ("1 more is in report.json and log.xlsx." in page) == note

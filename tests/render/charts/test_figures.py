"""Charts: each day and source in its place, in words and in colors."""

import pytest

from assets.events import SOURCE_LABELS
from assets.render.charts import figures
from assets.render.charts.palette import PREVIOUS, REST, TOTAL, source_colors
from assets.render.html.page import render_print
from assets.render.i18n import load_words
from assets.report.model import DayCount, Report
from tests.render.made_reports import log_of, make_report


@pytest.mark.parametrize("days", [1, 7, 31, 93, 400])
def test_the_trend_has_each_day_whatever_their_number(days: int) -> None:
    report = make_report({"user": 5}, days=days)
    missing = (*report.by_day[:-1], DayCount(day=report.by_day[-1].day, count=0, is_loaded=False))
    drawn = figures.trend_chart(missing, figures.Lines((5,) * days, "Previous period"), load_words("en"))
    assert "<g clip-path=" in drawn.svg, "the day that is not loaded is hatched"


def test_charts_say_in_words_what_they_show() -> None:
    report = make_report({"user": 1500, "<script>": 5, "$_$": 4})
    drawn = [
        figures.pie_chart(report.by_source, ("#111111", "#222222", "#333333"), load_words("en")),
    ]
    assert all("User 1,500" in chart.alternative for chart in drawn)
    assert not any("<script" in chart.svg for chart in drawn)
    assert 'alt="Share by source: User 1,500, &lt;script&gt; 5, $_$ 4"' in render_print(report, log_of([]), 1)


def codes(report: Report) -> list[str]:
    return [source.source for source in report.by_source]


def test_known_sources_keep_their_colour_and_no_two_share_one() -> None:
    few, all_nine = make_report({"user": 1}), make_report(dict.fromkeys(SOURCE_LABELS, 1) | {"new": 1})
    assert source_colors(codes(few)).items() <= source_colors(codes(all_nine)).items()
    assert len({*source_colors(codes(all_nine)).values(), TOTAL, PREVIOUS, REST}) == 13


def test_a_chart_of_very_many_sources_has_room_for_the_largest() -> None:
    report = make_report({f"source_{n:04d}": 5000 - n for n in range(3000)})
    drawn = figures.pie_chart(report.by_source, ("#111111",) * 3000, load_words("en"))
    assert "2,976 more sources" in drawn.alternative
    assert len(drawn.svg) < 200_000
    assert "Source 2999" in render_print(report, log_of([]), 1), "the table has them all"

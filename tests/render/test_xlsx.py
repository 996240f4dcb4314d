import re
import zipfile
from datetime import datetime, timedelta
from io import BytesIO
from typing import Any, get_args

import pyarrow as pa
import pytest
from openpyxl import load_workbook

from assets.config.presentation import Language
from assets.render import xlsx
from assets.render.i18n import load_words
from assets.render.labels import component_titles, figure_names
from assets.render.xlsx import log_row_count, workbook_bytes
from assets.report.log_table import HEADER
from assets.report.model import Chain, Chains, Report, State
from tests.render.made_reports import log_of, make_report
from tests.render.opened_report import Acme

HOSTILE = [
    "=1+1",
    "+1",
    "-",
    "http://example.test/x",
    "<b>",
    "x" * 40_000,
    "",
    "中文 عربي 👩‍👩‍👧",
    "007",
]


def opened(report: Report, names: list[str]) -> Any:
    return load_workbook(BytesIO(workbook_bytes(report, log_of(names))))


def rows_of(sheet: Any) -> list[tuple[Any, ...]]:
    """Return the cells of *sheet*, each row without the empty ones at its end."""
    rows = [list(row) for row in sheet.iter_rows(values_only=True)]
    for row in rows:
        while row and row[-1] is None:
            row.pop()
    return [tuple(row) for row in rows]


def table_under(sheet: Any, *header: str) -> list[tuple[Any, ...]]:
    """Return the rows of *sheet* between the first row that begins with *header* and the next empty one."""
    return table_below(sheet, *next(row for row in rows_of(sheet) if row[: len(header)] == header))


def table_below(sheet: Any, *header: str) -> list[tuple[Any, ...]]:
    """Return the rows of *sheet* between *header* and the next empty one."""
    rows = rows_of(sheet)
    start = rows.index(header) + 1
    return rows[start : [*rows, ()].index((), start)]


def test_the_log_is_typed_and_every_text_is_text() -> None:
    data = workbook_bytes(make_report({"user": len(HOSTILE)}), log_of(HOSTILE))
    book = load_workbook(BytesIO(data))
    assert book.sheetnames == ["Figures", "Reconciliation", "Data quality", "Log"]
    sheet: Any = book["Log"]
    rows = list(sheet.iter_rows())
    assert [cell.value for cell in rows[0]] == [HEADER[0], "UTC offset", *HEADER[1:]]
    assert (sheet.freeze_panes, sheet.auto_filter.ref) == ("A2", f"A1:I{len(HOSTILE) + 1}")
    for number, (name, row) in enumerate(zip(HOSTILE, rows[1:], strict=True)):
        assert abs(row[0].value - datetime(2026, 11, 1, 0, 0, number)) < timedelta(milliseconds=1)  # noqa: DTZ001
        assert row[1].value == "-04:00"
        assert {cell.data_type for cell in row[1:]} <= {"s", "n"}
        assert (row[4].value or "") == name[:32_767]
        assert row[4].hyperlink is None
    assert b"<f>" not in b"".join(
        zipfile.ZipFile(BytesIO(data)).read(n) for n in zipfile.ZipFile(BytesIO(data)).namelist()
    )


def test_a_cell_holds_what_excel_counts() -> None:
    data = workbook_bytes(make_report({"user": 2}), log_of(["😀" * 20_000, "a\ufffeb _x0041_ <&>"]))
    book: Any = load_workbook(BytesIO(data))
    long, odd = (row[4] for row in book["Log"].iter_rows(min_row=2, values_only=True))
    assert long == "😀" * 16_383
    assert odd == "a\ufffdb _x005F_x0041_ <&>", (
        "Excel and LibreOffice read _x0041_; openpyxl, what is written"
    )


def test_the_figures_are_those_of_the_report() -> None:
    report = make_report({"user": 3, "workflow": 1})
    book: Any = load_workbook(BytesIO(workbook_bytes(report, log_of(["a"] * 4))))
    assert ("Assignments", 4) in rows_of(book["Figures"])
    assert ("User", 3, 0.75) in rows_of(book["Figures"])
    assert ("Workflow", 1, 0.25) in rows_of(book["Figures"])
    assert ("Log rows", 4, "yes") in rows_of(book["Reconciliation"])


@pytest.mark.parametrize("count", [0, 1, 5, 7, 12])
def test_rows_run_on_over_sheets_and_are_counted(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    monkeypatch.setattr(xlsx, "SHEET_ROWS", 6)
    monkeypatch.setattr(xlsx, "_READ_BYTES", 7)
    data = workbook_bytes(make_report({"user": count}), log_of([f"n{n}" for n in range(count)]))
    assert log_row_count(data) == count
    book: Any = load_workbook(BytesIO(data))
    logs = [sheet for sheet in book.worksheets if sheet.title.startswith("Log")]
    names = [row[4] for sheet in logs for row in sheet.iter_rows(min_row=2, values_only=True)]
    assert names == [f"n{n}" for n in range(count)]
    assert len(logs) == max(1, -(-count // 5))


def test_the_same_report_gives_the_same_bytes() -> None:
    first, second = (workbook_bytes(make_report({"user": 2}), log_of(["a", "b"])) for _ in range(2))
    assert first == second
    stamps = {entry.date_time for entry in zipfile.ZipFile(BytesIO(first)).infolist()}
    assert len(stamps) == 1
    core = zipfile.ZipFile(BytesIO(first)).read("docProps/core.xml").decode()
    assert re.findall(r">(\d{4}-[^<]+)<", core) == ["2026-12-01T00:00:00Z"] * 2


def test_a_hundred_thousand_rows_are_all_there() -> None:
    names = pa.array([f"n{n % 100}" for n in range(100_000)])
    assert log_row_count(workbook_bytes(make_report({"user": 100_000}), log_of(names.to_pylist()))) == 100_000


@pytest.fixture(scope="module")
def whole(acme: Acme) -> tuple[Report, Any]:
    """A report of all components, and its workbook."""
    draft = acme.draft(formats=["xlsx"])
    return draft.report, load_workbook(BytesIO(draft.render(1)["log.xlsx"]))


def test_the_sheets_have_the_names_of_the_page(whole: tuple[Report, Any]) -> None:
    report, book = whole
    titles = component_titles(report, load_words("en"))
    components = (
        *("heat_map", "chains", "hand_offs", "assignees", "ownership", "people", "teams"),
        *("proof", "quality"),
    )
    assert book.sheetnames == ["Figures", *(titles[each] for each in components), "Log"]
    for component in components:
        assert book[titles[component]]["A1"].value == titles[component]
    headings = [row[0] for row in rows_of(book["Figures"]) if row]
    for component in ("metric", "findings", "bar_chart", "trend"):
        assert titles[component] in headings


def test_the_key_figures_have_their_previous_values_and_changes(whole: tuple[Report, Any]) -> None:
    report, book = whole
    words = load_words("en")
    rows = table_below(book["Figures"], None, "Value", "Previous", "Change")  # type: ignore[arg-type]
    names = figure_names(words)
    assert [row[0] for row in rows] == [names[figure.name] for figure in report.key_figures]
    for (_, value, previous, change), figure in zip(rows, report.key_figures, strict=True):
        assert figure.value is not None
        assert figure.previous is not None
        assert figure.change is not None
        if figure.name == "reassignment_rate":
            assert (f"{value:.1%}", f"{previous:.1%}") == (
                words.share(figure.value),
                words.share(figure.previous),
            )
            assert change == figure.change
        else:
            assert (value, previous) == (figure.value, figure.previous)
            assert f"{change:+.1%}" == words.change(figure.change)
    formats = {row[0].value: row[3].number_format for row in book["Figures"].iter_rows() if len(row) > 3}
    assert formats["Assignments"] == "+0.0%;-0.0%;0.0%"
    assert formats["Reassignment rate"] == '+0.0" points";-0.0" points";0.0" points"'


def test_the_shares_are_those_that_are_printed(whole: tuple[Report, Any]) -> None:
    report, book = whole
    assert report.comparison
    *rows, total = table_below(book["Figures"], "Source", "Count", "Share", "Previous", "Change")
    words, changes = load_words("en"), {each.label: each for each in report.comparison.by_source}
    assert [row[:2] for row in rows] == [(each.label, each.count) for each in report.by_source]
    for (label, count, share, previous, change), source in zip(rows, report.by_source, strict=True):
        assert repr(share) == repr(round(share, 3)), "33.6 % is 0.336"
        assert f"{share:.1%}" == words.share(source.share_pct)
        assert (previous, change) == (changes[label].before, count - changes[label].before)
    before = report.comparison.total
    assert before is not None
    assert total == ("Total", report.total, 1, before, report.total - before)


def test_a_native_chart_of_the_sources_stands_beside_their_table(whole: tuple[Report, Any]) -> None:
    report, book = whole
    sheet = book["Figures"]
    (chart,) = sheet._charts
    (series,) = chart.series
    first = [row[:3] for row in rows_of(sheet)].index(("Source", "Count", "Share")) + 2
    last = first + len(report.by_source) - 1
    assert (chart.barDir, series.cat.strRef.f, series.val.numRef.f) == (
        "bar",
        f"Figures!$A${first}:$A${last}",
        f"Figures!$B${first}:$B${last}",
    )
    assert [int(point.v) for point in series.val.numRef.numCache.pt] == [s.count for s in report.by_source]
    assert (chart.anchor._from.row + 2, chart.anchor._from.col) == (first, 6)


def test_days_hours_matrix_and_balances_are_numbers_that_add_up(whole: tuple[Report, Any]) -> None:
    report, book = whole
    days = table_below(book["Figures"], "Day", "Assignments", "Previous")
    assert [(day.date(), count) for day, count, _ in days] == [(d.day, d.count) for d in report.by_day]
    assert report.comparison
    assert [previous for *_, previous in days] == [*report.comparison.by_day]
    hours = table_below(book["Activity by day and hour"], "Day", *map(str, range(24)))
    assert [row[1:] for row in hours] == [*report.heat_map]
    assert report.hand_offs
    _, _, header, *rows = rows_of(book["Reassignment matrix"])
    assert header[0] == "From \\ To"
    assert header[1:] == tuple(row[0] for row in rows)
    assert sum(sum(row[1:]) for row in rows) == report.total
    balances = table_below(
        book["Contacts by assignee"], "Assignee", "At start", "Assigned", "Removed", "Unexplained", "At end"
    )
    assert len(balances) == len(report.assignees)
    for _, start, assigned, removed, unexplained, end in balances:
        assert start + assigned - removed + unexplained == end
    assert report.teams
    assert report.teams.stations
    by_team = table_below(book["Teams"], "Team", "At start", "Assigned", "Removed", "Unexplained", "At end")
    assert [row[1] for row in by_team] == [each.opening for each in report.teams.balances]
    stations = table_below(book["Teams"], "Teams", "Conversations")
    assert [row[1] for row in stations] == [*report.teams.stations.conversation_counts]
    holdings = table_under(book["Holding and waiting times"], "Assignee", "Ended in this period: Count")
    assert report.ownership
    assert [row[1] for row in holdings][-2:] == [
        report.ownership.holding.ended_count,
        report.ownership.unassigned.ended_count,
    ]
    people = table_under(book["People"], "Rank", "Assignee", "Assignments")
    assert [row[2] for row in people] == [each.assigned for each in report.people]
    checks = table_below(book["Reconciliation"], "Check", "Total", "Match")
    assert {row[1] for row in checks} == {report.total}


def test_headings_stay_in_view_and_columns_are_as_wide_as_names(whole: tuple[Report, Any]) -> None:
    _, book = whole
    panes = [sheet.freeze_panes for sheet in book.worksheets]
    assert panes == ["A2", "B3", "A2", "B4", "B4", "A2", "B4", "A2", "A2", "A2", "A2"]
    for sheet in book.worksheets:
        assert sheet.page_setup.paperSize == (None if sheet.title == "Log" else 9)
        assert all(9 <= column.width <= 62 for column in sheet.column_dimensions.values())


@pytest.mark.parametrize("language", get_args(Language))
def test_the_figures_are_in_the_report_s_language(acme: Acme, language: Language) -> None:
    draft = acme.draft(language=language, formats=["xlsx"])
    words = load_words(language)
    data = draft.render(1)["log.xlsx"]
    assert data == draft.render(1)["log.xlsx"]
    book: Any = load_workbook(BytesIO(data))
    assert log_row_count(data) == draft.report.total
    assert len({name.lower() for name in book.sheetnames}) == 11
    titles = component_titles(draft.report, words)
    for name, component in zip(book.sheetnames[1:7], ("heat_map", "chains", "hand_offs"), strict=False):
        assert book[name]["A1"].value == titles[component]
        assert name == titles[component] or titles[component].startswith(name.removesuffix("…"))
    figures = rows_of(book[book.sheetnames[0]])
    assert (words.say("User"), draft.report.by_source[0].count) in [row[:2] for row in figures]
    assert bool(book.worksheets[0].sheet_view.rightToLeft) is (language == "ar")


def test_untrusted_names_are_text_on_the_sheets_of_figures() -> None:
    labels = ["=1+1", "a\x01\ufffeb", "http://example.test", "_x0041_", "x" * 40_000]
    report = make_report(dict.fromkeys(labels, 1), workspace_name="=cmd|' /C calc'!A0")
    data = workbook_bytes(report, log_of(["a"] * 5))
    with zipfile.ZipFile(BytesIO(data)) as parts:
        assert not any(b"<f>" in parts.read(name) for name in parts.namelist() if "worksheets" in name)
    sheet: Any = load_workbook(BytesIO(data))["Figures"]
    assert sheet["B2"].value == "=cmd|' /C calc'!A0"
    assert sheet["B2"].data_type == "s"
    assert not [cell for row in sheet.iter_rows() for cell in row if cell.data_type == "f" or cell.hyperlink]


def test_a_report_without_data_says_so_instead_of_0() -> None:
    quality = make_report({}).quality
    report = make_report({}, provisional=True, quality=quality)
    rows = rows_of(opened(report, [])["Figures"])
    assert ("No data",) in rows
    assert ("Provisional.",) in rows
    assert [row[1] for row in rows if row and isinstance(row[0], datetime)][-7:] == ["No data"] * 7


def test_components_that_are_off_have_no_table() -> None:
    report = make_report({"user": 1})
    off = dict.fromkeys(("bar_chart", "pie_chart", "proof", "quality"), State.OFF)
    book = opened(report.model_copy(update={"components": report.components.model_copy(update=off)}), ["a"])
    assert book.sheetnames == ["Figures", "Log"]
    assert "Assignments by source" not in [row[0] for row in rows_of(book["Figures"]) if row]
    assert book["Figures"]._charts == []


def test_a_component_that_filters_leave_empty_says_so() -> None:
    report = make_report({})
    states = report.components.model_copy(update={"metric": State.NO_DATA, "bar_chart": State.NO_DATA, "pie_chart": State.NO_DATA})  # fmt: skip
    rows = rows_of(opened(report.model_copy(update={"components": states}), [])["Figures"])
    assert rows.count(("The selected filter(s) have no applicable data",)) == 2


def test_a_path_reads_in_one_direction_whatever_its_names() -> None:
    chain = Chain(conversation_id="c", contact="k", count=3, path=("ليلى", "علي", None), is_cut=True)
    chains = Chains(
        assigned_count=1,
        reassigned_count=1,
        most_assigned=(chain,),
        return_hours=24,
        return_count=0,
        return_pairs=(),
    )
    report = make_report({"user": 3}, chains=chains)
    states = report.components.model_copy(update={"chains": State.SHOWN})
    book = opened(report.model_copy(update={"components": states}), ["a"] * 3)
    *_, row = rows_of(book["Most reassigned conversations"])
    assert row == ("c", "k", 3, "\u200eليلى \u200e→\u200e علي \u200e→\u200e Unassigned \u200e→\u200e …")

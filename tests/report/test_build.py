from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa
import pytest

from assets.config.presentation import Component, Filters, Format
from assets.config.workspace import ReportSpec
from assets.periods import Preset, as_of
from assets.report.build import Built, build_report
from assets.report.log_table import local_times, printed_log
from assets.report.model import Report, State, Total
from tests.conftest import DAY, LATER, Inbox, line

NEXT_DAY = date(2024, 3, 6)


def report(
    inbox: Inbox, spec: ReportSpec | None = None, day: date = NEXT_DAY, now: datetime = LATER
) -> Built:
    chosen = spec or ReportSpec(name="yesterday", preset=Preset.YESTERDAY)
    zone = inbox.workspace.zone
    return build_report(inbox.lake, inbox.workspace, chosen, day, as_of(day, now, zone))


def custom(first: date, last: date, **filters: Any) -> ReportSpec:
    return ReportSpec(name="mine", first_day=first, last_day=last, filters=Filters(**filters))


@pytest.fixture
def busy(inbox: Inbox) -> Inbox:
    """A day with five events, one rejected row, one duplicate and one row without change."""
    inbox.first_day = date(2024, 3, 1)
    inbox.write(
        line("e1", "2024-03-05T15:00:00Z", source="user", assigned_by="Eve", contact_name="Ann Smith"),
        line("e2", "2024-03-05T16:00:00Z", previous_assignee="Bob", assignee="", contact_name="100%_sure"),
        line("e3", "2024-03-05T17:00:00Z", contact_id="k2", conversation_id="c2", contact_name="ÉVA"),
        line("e4", "2024-03-05T18:00:00Z", contact_id="k2", assignee="Eve", previous_assignee="Bob"),
        line("e5", "2024-03-05T19:00:00Z", contact_id="k3", source="AI Agent"),
        line("e5", "2024-03-05T19:00:00Z", contact_id="k3", source="AI Agent"),
        line("e6", "2024-03-05T19:30:00Z", previous_assignee="Bob"),
        line("e7", "never"),
    )
    inbox.load(date(2024, 3, 1), NEXT_DAY)
    inbox.build(date(2024, 3, 1), NEXT_DAY)
    return inbox


def test_figures_are_those_of_the_log(busy: Inbox) -> None:
    busy.options["teams"] = {"Sales": ["Bob"]}
    said = report(busy).report
    assert said.total == 5
    assert [(s.source, s.label, s.count, s.share_pct) for s in said.by_source] == [
        ("workflow", "Workflow", 3, 60.0),
        ("AI Agent", "AI Agent", 1, 20.0),
        ("user", "User", 1, 20.0),
    ]
    assert [(d.day, d.count, d.is_loaded) for d in said.by_day] == [(DAY, 5, True)]
    assert said.is_reconciled
    assert {line.name: line.total for line in said.proof} == {
        name: 5 for name in Total if name not in {Total.CSV, Total.PARQUET}
    }
    quality = said.quality
    assert (quality.read, quality.accepted) == (8, said.total)
    assert (quality.rejected, quality.duplicates, quality.no_change) == (1, 1, 1)
    assert quality.examples[0].row_number == 8
    (reason,) = said.reasons
    assert (said.provisional, reason.code) == (True, "rejected_share")
    assert reason.facts == {"rejected": 1, "read": 8, "limit_pct": 5.0}


@pytest.mark.parametrize("printed", [0, 1, 3, 4, 5, 9])
def test_the_printed_rows_are_the_latest_of_the_whole_log(inbox: Inbox, printed: int) -> None:
    inbox.write(
        *(line(f"e{n}", f"2024-03-0{2 + n // 2}T1{n}:00:00Z", contact_id=f"k{n}") for n in (5, 1, 4, 2, 0))
    )
    inbox.load(date(2024, 3, 1), NEXT_DAY)
    inbox.build(date(2024, 3, 1), NEXT_DAY)
    spec = custom(date(2024, 3, 1), DAY).model_copy(
        update={
            "pdf_log_rows": printed,
            "interactive": False,
            "formats": (Format.PDF,),
            "components": (Component.BAR_CHART, Component.LOG),
        }
    )
    built = report(inbox, spec)
    assert built.report.total == 5
    assert built.rows["event_id"].to_pylist() == ["e0", "e1", "e2", "e4", "e5"][max(0, 5 - printed) :]


def test_a_report_goes_to_json_and_back(busy: Inbox) -> None:
    said = report(busy).report
    assert Report.model_validate_json(said.model_dump_json()) == said


@pytest.mark.parametrize(
    ("filters", "ids"),
    [
        ({"source": ["user", "AI Agent"]}, ["e1", "e5"]),
        ({"assigned_to": ["Unassigned"]}, ["e2"]),
        ({"assigned_to": ["Bob", "Unassigned"], "source": ["workflow"]}, ["e2", "e3"]),
        ({"assigned_by": ["Eve"]}, ["e1"]),
        ({"contact": ["ann smith"]}, ["e1"]),
        ({"contact": ["éva"]}, ["e3"]),
        ({"contact": ["%"]}, ["e2"]),
        ({"contact": ["_"]}, ["e2"]),
        ({"contact": ["k3"]}, ["e5"]),
        ({"conversation": ["c2"]}, ["e3"]),
        ({"conversation": ["c"]}, []),
        ({"source": ["ai agent"]}, ["e5"]),
        ({"source": ["Workflow"]}, ["e2", "e3", "e4"]),
        ({"assigned_to": ["unassigned", "EVE"]}, ["e2", "e4"]),
        ({"assigned_by": ["eve"]}, ["e1"]),
        ({}, ["e1", "e2", "e3", "e4", "e5"]),
    ],
)
def test_filters_take_any_value_of_each_and_all_filters_together(
    busy: Inbox, filters: dict[str, list[str]], ids: list[str]
) -> None:
    built = report(busy, custom(DAY, DAY, **filters))
    assert built.rows["event_id"].to_pylist() == ids
    assert built.report.total == len(ids)


def test_components_say_when_a_filter_leaves_nothing_or_does_not_apply(busy: Inbox) -> None:
    nothing = report(busy, custom(DAY, DAY, conversation=["nope"])).report.components
    assert nothing.metric == nothing.log == State.NO_DATA
    assert nothing.quality == State.NOT_APPLICABLE
    some = report(busy, custom(DAY, DAY, source=["user"])).report.components
    assert (some.metric, some.quality) == (State.SHOWN, State.NOT_APPLICABLE)
    assert report(busy, custom(NEXT_DAY, NEXT_DAY)).report.components.metric == State.SHOWN
    assert report(busy, custom(date(2023, 1, 1), date(2023, 1, 2))).report.components.metric == State.NO_DATA


def test_a_day_never_loaded_is_not_a_day_with_0(busy: Inbox) -> None:
    said = report(busy, ReportSpec(name="last_7_days", preset=Preset.LAST_7_DAYS)).report
    assert said.provisional
    assert said.missing_days == (date(2024, 2, 28), date(2024, 2, 29))
    assert [d.is_loaded for d in said.by_day] == [False, False, True, True, True, True, True]


def test_building_a_day_builds_the_later_ones_that_had_not_seen_it(inbox: Inbox) -> None:
    inbox.first_day = DAY
    inbox.write(line("x", "2024-03-05T15:00:00Z"), line("x", "2024-03-06T15:00:00Z", assignee="Eve"))
    inbox.load(NEXT_DAY)
    inbox.build(NEXT_DAY)
    inbox.load(DAY)
    said = report(inbox, custom(DAY, NEXT_DAY), NEXT_DAY).report
    assert (said.provisional, said.missing_days) == (True, (DAY, NEXT_DAY))
    inbox.build(DAY)
    mended = report(inbox, custom(DAY, NEXT_DAY), NEXT_DAY).report
    assert (mended.total, mended.provisional) == (1, False)
    assert (mended.quality.read, mended.quality.accepted, mended.quality.duplicates) == (2, 1, 1)


def test_days_to_come_have_no_figure(busy: Inbox) -> None:
    said = report(busy, custom(DAY, date(2024, 3, 8)), NEXT_DAY).report
    assert [d.is_loaded for d in said.by_day] == [True, True, False, False]


def test_an_unreadable_input_makes_a_report_provisional(inbox: Inbox) -> None:
    inbox.write(line("e1", "2024-03-05T15:00:00Z"))
    inbox.write_bytes(b"", "empty.csv")
    inbox.load()
    inbox.build()
    said = report(inbox).report
    assert (said.total, said.quality.unreadable, said.provisional) == (1, 1, True)


def test_a_running_day_is_counted_up_to_its_load(inbox: Inbox) -> None:
    inbox.first_day = DAY
    inbox.write(*(line(f"e{n}", f"2024-03-05T1{n}:00:00Z", contact_id=f"k{n}") for n in range(6)))
    loaded_at = datetime(2024, 3, 5, 13, tzinfo=UTC)
    inbox.load(now=loaded_at)
    inbox.build()
    today = ReportSpec(name="today", preset=Preset.TODAY)
    said = report(inbox, today, DAY, datetime(2024, 3, 5, 14, tzinfo=UTC)).report
    assert (said.total, said.as_of, said.provisional) == (3, loaded_at, False)
    over = report(inbox, today, DAY).report
    assert (over.total, over.provisional, over.missing_days) == (3, True, (DAY,))


def test_events_at_or_after_as_of_are_outside(busy: Inbox) -> None:
    today = ReportSpec(name="today", preset=Preset.TODAY)
    said = report(busy, today, DAY, datetime(2024, 3, 5, 17, tzinfo=UTC)).report
    assert (said.total, said.is_reconciled) == (2, True)


def test_no_events_give_no_share(inbox: Inbox) -> None:
    inbox.write(line("e1", "2024-03-01T15:00:00Z"))
    inbox.load()
    inbox.build()
    said = report(inbox).report
    assert (said.total, said.by_source, said.components.metric) == (0, (), State.SHOWN)
    assert said.is_reconciled


def test_the_printed_log_has_the_originals_eight_columns(busy: Inbox) -> None:
    built = report(busy)
    printed = printed_log(built.rows, busy.workspace.zone).to_pylist()
    assert list(printed[1].items()) == [
        ("Timestamp", "2024-03-05 11:00:00-05:00"),
        ("Conversation ID", "c1"),
        ("Contact ID", "k1"),
        ("Contact Name", "100%_sure"),
        ("Previous Assignee", "Bob"),
        ("Assigned To", "Unassigned"),
        ("Source", "Workflow"),
        ("Assigned By", "-"),
    ]
    assert printed[0]["Previous Assignee"] == "-"
    assert printed[0]["Assigned By"] == "Eve"


def test_local_times_are_those_of_the_zone_to_the_second_change(inbox: Inbox) -> None:
    instants = [datetime(2024, 11, 3, 5, 59, 59, tzinfo=UTC), datetime(2024, 11, 3, 6, tzinfo=UTC)]
    column = pa.chunked_array([pa.array(instants, pa.timestamp("us", "UTC"))])
    assert local_times(column, inbox.workspace.zone).to_pylist() == [
        "2024-11-03 01:59:59-04:00",
        "2024-11-03 01:00:00-05:00",
    ]

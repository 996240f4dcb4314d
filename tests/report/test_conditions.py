"""Conditions and goals are tested on exact values, and what is not known is neither met nor missed."""

from datetime import date
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from assets.config.metrics import METRICS, Condition, Goal, Measure, Metric
from assets.config.subscription import Subscription
from assets.report.conditions import assess_alert, assess_condition, assess_goal
from assets.report.metrics import value_of
from assets.report.model import (
    Comparison,
    KeyFigure,
    KeyFigureName,
    Note,
    Report,
    SourceChange,
    State,
    Unknown,
)
from assets.report.people_model import AssigneeBalance, Ownership
from tests.render.made_reports import make_report


def compared(report: Report, before: dict[str, int], *notes: Note) -> Report:
    changes = tuple(
        SourceChange(source=code, label=code, count=0, before=count) for code, count in before.items()
    )
    comparison = Comparison(
        first_day=date(2026, 10, 25), last_day=date(2026, 10, 31), day_count=7,
        total=sum(before.values()), change_pct=None, by_source=changes, notes=notes,
    )  # fmt: skip
    return report.model_copy(update={"comparison": comparison})


def with_rate(reassigned: int, assigned: int, before: tuple[int, int] | None = None) -> Report:
    rate = KeyFigure(
        name=KeyFigureName.REASSIGNMENT_RATE,
        value=round(100 * reassigned / assigned, 1) if assigned else None,
        previous=round(100 * before[0] / before[1], 1) if before else None,
        change=None,
        trend=(),
        parts=(reassigned, assigned),
        previous_parts=before,
    )
    return make_report({"user": 10_000}).model_copy(update={"key_figures": (rate,)})


def is_met(report: Report, **condition: Any) -> bool | None:
    return assess_condition(Condition(**condition), report).is_met


def test_a_threshold_is_tested_on_the_exact_value_not_on_the_printed_one() -> None:
    report = with_rate(2_003, 10_000)  # 20.03 %, printed as 20.0 %
    assert is_met(report, metric="reassignment_rate_pct", above=20)
    assert assess_goal(Goal(metric=Metric.REASSIGNMENT_RATE_PCT, at_most=20), report).is_met is False
    exactly = with_rate(333, 1_000)
    assert not is_met(exactly, metric="reassignment_rate_pct", above=33.3)
    assert assess_goal(Goal(metric=Metric.REASSIGNMENT_RATE_PCT, at_most=33.3), exactly).is_met


def test_every_threshold_of_a_condition_must_hold() -> None:
    report = compared(make_report({"user": 12}), {"user": 10})
    assert is_met(report, metric="assignments", above=11, below=13)
    assert not is_met(report, metric="assignments", above=11, below=12)
    assert not is_met(report, metric="assignments", above=11, change_pct_above=20)
    assert is_met(report, metric="assignments", above=11, change_pct_above=19.9, change_pct_below=20.1)


def test_the_change_of_a_percentage_is_in_points() -> None:
    report = with_rate(25, 100, (20, 100))
    assert not is_met(report, metric="reassignment_rate_pct", change_points_above=5)
    assert is_met(report, metric="reassignment_rate_pct", change_points_above=4.9)
    assert assess_condition(
        Condition(metric=Metric.REASSIGNMENT_RATE_PCT, change_points_below=-5), report
    ).change == pytest.approx(5)


def test_a_source_and_its_share_are_found_by_code_or_label_in_any_case() -> None:
    report = compared(make_report({"workflow": 30, "ai_agent": 10}), {"workflow": 20, "user": 20})
    assert is_met(report, metric="assignments", source="WORKFLOW", above=29, change_pct_above=49)
    assert is_met(report, metric="share_pct", source="AI agent", above=24.9, below=25.1)
    assert is_met(report, metric="share_pct", source="user", below=0.1, change_points_below=-49)


def test_averages_and_rejected_rows_are_exact() -> None:
    report = make_report({"user": 10}, days=3)
    assert is_met(report, metric="assignments_per_day", above=3.33)
    assert not is_met(report, metric="assignments_per_day", above=3.34)
    quality = report.quality.model_copy(update={"read": 100, "rejected": 5, "inferred": 7})
    rejecting = report.model_copy(update={"quality": quality})
    assert not is_met(rejecting, metric="rejected_pct", above=5)
    assert is_met(rejecting, metric="rejected_rows", above=4)
    assert is_met(rejecting, metric="inferred_rows", above=6)


def test_an_assignee_is_found_by_name_or_id_and_has_0_without_contacts() -> None:
    bob = AssigneeBalance(assignee="Bob", key="17", opening=3, received=5, released=2, unseen=0, closing=6)
    report = make_report({"user": 5}, assignees=(bob,))
    shown = report.components.model_copy(update={"assignees": State.SHOWN})
    report = report.model_copy(update={"components": shown})
    assert is_met(report, metric="received", assignee="bob", above=4)
    assert is_met(report, metric="held_now", assignee="17", above=5)
    assert is_met(report, metric="received", assignee="Cy", below=1)


def held(count: int, *, ended: int, seconds: float | None, oldest: float | None = None) -> dict[str, Any]:
    few = {"median_seconds": None, "p90_seconds": None, "longest_seconds": oldest}
    return {
        "median_seconds": seconds, "p90_seconds": seconds, "longest_seconds": 7_200, "ended_count": ended,
        "total_seconds": 0, "held_count": count, "held_age": few, "held_seconds": 0, "average_load": None,
        "peak_load": 0,
    }  # fmt: skip


def test_holding_and_waiting_times_are_in_minutes() -> None:
    bob = held(4, ended=9, seconds=60) | {"assignee": "Bob", "key": "17"}
    ownership = Ownership.model_validate(
        {
            "assignees": [bob],
            "holding": held(6, ended=20, seconds=90),
            "unassigned": held(0, ended=3, seconds=None),
        }
        | {
            "unknown_seconds": 0,
            "not_yet_seconds": 0,
            "subject_count": 0,
            "unseen_count": 0,
            "per_conversation": [0, 0, 0, 0],
        }
        | {"held": [], "waiting_by_hour": [], "slowest_hour": None}
    )
    report = make_report({"user": 5}, ownership=ownership)
    shown = report.components.model_copy(update={"ownership": State.SHOWN})
    report = report.model_copy(update={"components": shown})
    assert is_met(report, metric="holding_median_minutes", above=1.49, below=1.51, min_count=20)
    assert is_met(report, metric="holding_p90_minutes", assignee="bob", above=0.9, below=1.1, min_count=9)
    assert is_met(report, metric="held_now", above=5)
    assert is_met(report, metric="waiting_longest_minutes", above=119.9)
    assert is_met(report, metric="oldest_unassigned_minutes", below=0.1)  # the queue is empty
    assert is_met(report, metric="unassigned_now", below=1)
    waiting = assess_condition(Condition(metric=Metric.WAITING_P90_MINUTES, above=1), report)
    assert (waiting.is_met, waiting.reason, waiting.count) == (None, Unknown.TOO_FEW, 3)
    nobody = assess_condition(Condition(metric=Metric.HOLDING_P90_MINUTES, assignee="Cy", above=1), report)
    assert nobody.reason is Unknown.TOO_FEW


@pytest.mark.parametrize(
    ("report", "condition", "reason"),
    [
        (make_report({}, provisional=True), {"metric": "assignments", "below": 5}, Unknown.NO_DATA),
        (make_report({"user": 5}), {"metric": "received", "assignee": "Bob", "above": 5}, Unknown.NOT_IN_REPORT),
        (make_report({"user": 5}), {"metric": "waiting_p90_minutes", "above": 5}, Unknown.NOT_IN_REPORT),
        (make_report({"user": 5}), {"metric": "bounce_backs", "above": 5}, Unknown.NOT_IN_REPORT),
        (with_rate(0, 0), {"metric": "reassignment_rate_pct", "above": 5}, Unknown.NOTHING_TO_DIVIDE),
        (make_report({"user": 5}), {"metric": "assignments", "above": 1, "min_count": 6}, Unknown.TOO_FEW),
        (make_report({"user": 5}), {"metric": "assignments", "change_pct_above": 1}, Unknown.NO_PREVIOUS),
        (compared(make_report({"user": 5}), {}), {"metric": "assignments", "change_pct_above": 1}, Unknown.NO_PREVIOUS),
        (
            compared(make_report({"user": 5}), {"user": 3}, Note.NOT_WHOLE),
            {"metric": "assignments", "change_pct_above": 1},
            Unknown.NO_PREVIOUS,
        ),
        (
            compared(make_report({"user": 50}), {"user": 3}),
            {"metric": "assignments", "change_pct_above": 30, "min_count": 20},
            Unknown.TOO_FEW,
        ),
    ],
)  # fmt: skip
def test_what_is_not_known_is_not_evaluable_and_says_why(
    report: Report, condition: dict[str, Any], reason: Unknown
) -> None:
    result = assess_condition(Condition(**condition), report)
    assert (result.is_met, result.reason) == (None, reason)


MET, NOT_MET, UNKNOWN = (
    {"metric": "assignments", "above": 1},
    {"metric": "assignments", "above": 9},
    {"metric": "received", "assignee": "Bob", "above": 1},
)


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        ([MET, MET], {"any": True, "all": True}),
        ([MET, NOT_MET], {"any": True, "all": False}),
        ([NOT_MET, NOT_MET], {"any": False, "all": False}),
        ([MET, UNKNOWN], {"any": True, "all": None}),
        ([NOT_MET, UNKNOWN], {"any": None, "all": False}),
        ([UNKNOWN], {"any": None, "all": None}),
    ],
)
def test_any_or_all_conditions_must_be_met_as_far_as_they_are_known(
    conditions: list[Any], expected: dict[str, bool | None]
) -> None:
    whom = {"name": "a", "reports": ["yesterday"], "recipients": ["ann@acme.example"]}
    for match, is_met_together in expected.items():
        alert = Subscription.model_validate(whom | {"when": conditions, "match": match})
        assert assess_alert(alert, make_report({"user": 5})).is_met is is_met_together


@given(st.integers(0, 2_000), st.integers(1, 2_000), st.decimals(0, 100, places=2))
def test_a_goal_is_met_exactly_when_the_condition_against_it_is_not(
    part: int, whole: int, bound: Any
) -> None:
    report = with_rate(min(part, whole), whole)
    metric, threshold = Metric.REASSIGNMENT_RATE_PCT, float(bound)
    expected = Fraction(100 * min(part, whole), whole) <= Fraction(bound)
    assert assess_goal(Goal(metric=metric, at_most=threshold), report).is_met is expected
    assert is_met(report, metric=metric, above=threshold) is not expected


def test_every_metric_has_a_value_or_a_reason() -> None:
    report = make_report({"user": 5})
    for metric, kind in METRICS.items():
        measure = Measure(
            metric=metric,
            source="user" if kind.source else None,
            assignee="Bob" if kind.assignee else None,
        )
        found = value_of(measure, report)
        assert (found.exact is None) is (found.reason is not None), metric
    assert METRICS.keys() == {*Metric}


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ({"metric": "asignments", "above": 1}, "'assignments', .* or 'inferred_rows'"),
        ({"metric": "assignments"}, "a threshold is required"),
        ({"metric": "share_pct", "above": 1}, "requires `source`"),
        ({"metric": "contacts", "source": "user", "above": 1}, "cannot be narrowed to one source"),
        ({"metric": "received", "above": 1}, "requires `assignee`"),
        (
            {"metric": "rejected_rows", "change_pct_above": 1},
            "previous value of `rejected_rows` is not known",
        ),
        ({"metric": "reassignment_rate_pct", "change_pct_above": 1}, "use `change_points_above`"),
        ({"metric": "assignments", "change_points_above": 1}, "use `change_pct_above`"),
        ({"metric": "assignments", "above": float("nan")}, "finite number"),
    ],
)
def test_a_condition_that_cannot_work_is_a_configuration_error(
    condition: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValidationError, match=message):
        Condition(**condition)

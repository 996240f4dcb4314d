"""Goals and alerts look the same in every output: on the page, on paper, in the workbook, the mail and the index."""

from io import BytesIO
from typing import Any

import pytest
from openpyxl import load_workbook

from assets.config.metrics import Condition, Goal
from assets.config.subscription import Subscription
from assets.render.alerts import AlertNotice
from assets.render.html.page import render_print
from assets.render.mail import MailContext, mail_bodies
from assets.render.xlsx import workbook_bytes
from assets.report.conditions import assess_alert, assess_goal
from assets.report.model import KeyFigure, KeyFigureName, Report
from tests.render.made_reports import log_of, make_report

ADDRESS = "https://reports.example.org/acme/last_7_days/2026-11-08/v1/report.html"
GOALS: list[dict[str, Any]] = [
    {"metric": "assignments", "at_most": 100},
    {"metric": "reassignment_rate_pct", "at_most": 33.33},
    {"metric": "share_pct", "source": "bot", "at_least": 20},
    {"metric": "received", "assignee": "Bob", "at_most": 5},
]


@pytest.fixture
def report() -> Report:
    report = make_report({"user": 7, "bot": 3}, workspace_name="Acme")
    rate = KeyFigure(
        name=KeyFigureName.REASSIGNMENT_RATE, value=33.3, previous=None, change=None, trend=(), parts=(1, 3)
    )
    report = report.model_copy(update={"key_figures": (*report.key_figures, rate)})
    goals = tuple(assess_goal(Goal.model_validate(goal), report) for goal in GOALS)
    return report.model_copy(update={"goals": goals, "alerts": (alerting(report, above=5),)})


def alerting(report: Report, **thresholds: Any) -> Any:
    condition = Condition.model_validate({"metric": "assignments", "source": "user"} | thresholds)
    subscription = Subscription.model_validate(
        {"name": "a", "reports": ["yesterday"], "recipients": ["ann@acme.example"], "when": [condition]}
    )
    return assess_alert(subscription, report)


def test_a_key_figure_says_whether_its_goal_is_met_and_others_stand_below(report: Report) -> None:
    page = render_print(report, log_of([]), 1)
    assert 'class="goal">Goal: at most 100 <b>met</b>' in page
    assert 'class="goal missed">Goal: at most 33.33% <b>missed</b>' in page  # a third is more
    assert "Share (Bot): <strong>30.0%</strong>" in page
    assert "Goal: at most 5 <b>not in this report</b>" in page
    assert "Goal: at most 100: met" in mail_bodies(report, MailContext(version=1)).text


def test_a_workbook_has_the_goals_as_numbers(report: Report) -> None:
    sheet = load_workbook(BytesIO(workbook_bytes(report, log_of([]))))["Figures"]
    rows = [tuple(cell for cell in row if cell is not None) for row in sheet.iter_rows(values_only=True)]
    assert ("Share (Bot)", 0.3, "at least 20%", "met") in rows
    assert ("Reassignment rate", 0.333, "at most 33.33%", "missed") in rows
    assert ("Alert", "Assignments (User) 7 (above 5)") in rows


def test_a_page_names_the_conditions_of_alerts_that_are_met(report: Report) -> None:
    met = "Alert: Assignments (User) 7 (above 5)</strong> <span>of 10 assignments</span>"
    assert met in render_print(report, log_of([]), 1)
    silent = report.model_copy(update={"alerts": (alerting(report, above=7),)})
    assert "Alert:" not in render_print(silent, log_of([]), 1)


def test_a_mail_of_an_alert_leads_to_the_rows(report: Report) -> None:
    notice = AlertNotice(alerting(report, above=5), since=(report.report_date,))
    bodies = mail_bodies(report, MailContext(version=1, place=ADDRESS, alert=notice))
    assert bodies.subject == "Alert: Assignments (User) 7 (above 5) · Acme"
    assert f'href="{ADDRESS}#source=user"' in bodies.html
    assert "Assignments by source" not in bodies.text
    long = AlertNotice(alerting(report, above=5, change_pct_below=50), is_all_clear=True)
    other = report.model_copy(update={"workspace_name": "Acme " * 20})
    subject = mail_bodies(other, MailContext(version=1, alert=long)).subject
    assert subject.startswith("All-clear: Assignments (User) 7 (above 5, change below +50%)")
    assert len(subject) < 70


def test_a_report_with_goals_and_alerts_is_the_same_after_json(report: Report) -> None:
    assert Report.model_validate_json(report.model_dump_json()) == report

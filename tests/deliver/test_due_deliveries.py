"""What comes due, and what is left out: nothing is sent early, twice, or without a row that says so."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest

from assets.archive.archive import NotArchived
from tests.deliver.delivery_deployment import DUE, TODAY, DeliveryDeployment, attachments, text_of

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
BOTH = ["ann@acme.example", "bob@acme.example"]
LATE = "e9,2026-06-14T17:00:00Z,c9,k9,Zoe,,Bob,workflow,"


def test_a_due_report_is_sent_to_each_recipient_once(deployment: DeliveryDeployment) -> None:
    assert not deployment.make_and_send().refusal
    assert deployment.states() == dict.fromkeys(BOTH, "accepted")
    for _ in range(3):
        deployment.round(HOUR)
    assert sorted(each.recipient for each in deployment.server.received) == BOTH
    mail = deployment.mails()[0]
    (row,) = (row for row in deployment.rows() if row.recipient == mail["To"])
    assert mail["Message-ID"] == f"<{row.id}@acme.example>"
    assert mail["Subject"] == row.subject == "Acme Support: Yesterday, Jun 14: 3 assignments"
    assert attachments(mail).keys() == {"acme-yesterday-2026-06-15-v1.csv"}
    assert "Attached: acme-yesterday-2026-06-15-v1.csv." in text_of(mail)


def test_nothing_is_sent_before_its_time_nor_of_the_days_before_the_subscription(
    deployment: DeliveryDeployment,
) -> None:
    deployment.make()
    deployment.round()
    deployment.make(on=TODAY - DAY)  # as a backfill would
    deployment.round()
    assert deployment.rows() == []
    deployment.now = DUE
    deployment.round()
    assert {str(row.report_date) for row in deployment.rows()} == {"2026-06-15"}


def test_a_clock_set_back_sends_nothing_again(deployment: DeliveryDeployment) -> None:
    deployment.make_and_send()
    for back in (HOUR, DAY, 3 * DAY):
        deployment.round(-back)
    deployment.now = DUE
    deployment.round()
    assert len(deployment.server.received) == 2


def test_a_report_made_again_with_the_same_figures_is_not_sent_again(deployment: DeliveryDeployment) -> None:
    deployment.make_and_send()
    deployment.make()
    deployment.round(HOUR)
    assert len(deployment.server.received) == 2


def test_a_report_that_is_not_there_in_time_ends_in_a_row_that_says_so(
    deployment: DeliveryDeployment,
) -> None:
    deployment.now = DUE
    deployment.round()
    assert deployment.rows() == []
    deployment.round(DAY)
    assert {row.reason for row in deployment.rows()} == {"not ready in time: the report is not built yet"}
    assert deployment.states() == dict.fromkeys(BOTH, "expired")
    deployment.make(on=deployment.acme.first_day.replace(day=15))
    deployment.round(MINUTE)
    assert len(deployment.rows()) == 2
    assert not deployment.server.received


def test_what_the_subscription_does_not_want_ends_in_a_row_that_says_so(
    deployment: DeliveryDeployment,
) -> None:
    deployment.configure(only_if="not_empty")
    deployment.make(events=[])
    deployment.now = DUE
    deployment.round()
    assert {row.reason for row in deployment.rows()} == {
        "no assignments, and the subscription has `only_if: not_empty`"
    }
    assert not deployment.server.received
    deployment.make(LATE)
    deployment.round(HOUR)
    assert [(row.version, str(row.state)) for row in deployment.rows()][2:] == [(2, "accepted")] * 2


def test_the_same_figures_as_the_issue_before_are_left_out_where_asked(
    deployment: DeliveryDeployment,
) -> None:
    deployment.configure(only_if="changed")
    deployment.make_and_send()
    tomorrow = [
        f"t{n},2026-06-15T1{n}:00:00Z,c,k,Ann,,P{n},{source},"
        for n, source in enumerate(["workflow", "user", "user"])
    ]
    deployment.now += DAY
    deployment.make(*tomorrow, on=deployment.now.date())
    deployment.round()
    rows = deployment.rows(TODAY + DAY)
    assert [str(row.state) for row in rows] == ["cancelled"] * 2
    assert (
        rows[0].reason == "same figures as in the previous issue, and the subscription has `only_if: changed`"
    )


def test_after_its_last_date_nothing_comes_due(deployment: DeliveryDeployment) -> None:
    deployment.configure(until="2026-06-14")
    deployment.make_and_send()
    assert deployment.rows() == []


def test_a_version_that_is_gone_keeps_no_other_issue(deployment: DeliveryDeployment) -> None:
    deployment.make()
    (deployment.folder / "out/acme/yesterday/2026-06-15/v1").rename(deployment.folder / "gone")
    deployment.now = DUE
    with pytest.raises(NotArchived, match="2026-06-15/v1 is missing"):
        deployment.round()
    deployment.now += DAY - HOUR
    deployment.make(on=TODAY + DAY)
    with suppress(NotArchived):
        deployment.round(HOUR)
    assert {str(row.state) for row in deployment.rows(TODAY + DAY)} == {"accepted"}


def test_a_report_that_a_subscription_asks_for_later_is_not_due_for_the_past(
    deployment: DeliveryDeployment,
) -> None:
    deployment.make_and_send()
    deployment.configure(reports=["yesterday", "last_7_days"])
    deployment.round(2 * DAY)
    assert {row.report for row in deployment.rows()} == {"yesterday"}


def test_an_issue_that_may_be_sent_for_long_comes_to_an_end_too(deployment: DeliveryDeployment) -> None:
    deployment.settings["catch_up_days"] = 1
    deployment.configure(expires_hours=72)
    deployment.now = DUE
    deployment.round()
    deployment.round(3 * DAY)
    assert deployment.states() == dict.fromkeys(BOTH, "expired")


def test_a_report_over_a_running_day_that_a_holiday_shifts_is_sent_when_it_is_made(
    deployment: DeliveryDeployment,
) -> None:
    deployment.workspace |= {
        "holidays": ["2026-06-15"],
        "reports": [
            {
                "name": "so_far",
                "preset": "this_month",
                "every": ["monday"],
                "on_holiday": "shift",
                "at": "18:00",
            }
        ],
    }
    deployment.configure(reports=["so_far"], recipients=["ann@acme.example"], provisional=True)
    deployment.round()
    deployment.now = datetime(2026, 6, 16, 22, 5, tzinfo=UTC)
    deployment.make()
    deployment.round()
    assert deployment.states() == {"ann@acme.example": "accepted"}


def test_by_hand_it_is_sent_to_those_who_were_not_sent_it(deployment: DeliveryDeployment) -> None:
    deployment.now = DUE + DAY
    deployment.round()
    assert deployment.states() == dict.fromkeys(BOTH, "expired")
    deployment.make()
    deployment.configure(recipients=[*BOTH, "cy@acme.example"], only_if="not_empty")
    for _ in range(2):
        deployment.dispatcher.deliver_by_hand(deployment.acme, deployment.managers, [TODAY])
    assert sorted(mail["To"] for mail in deployment.mails()) == [*BOTH, "cy@acme.example"]

"""Alerts: sent once while their conditions stay met, with an all-clear if asked; every evaluation is recorded."""

from datetime import date, timedelta

from assets.deliver.evaluation import Evaluation
from orchestration.cli.config_check import examine_config
from tests.deliver.delivery_deployment import DUE, TODAY, DeliveryDeployment, text_of

DAY = timedelta(days=1)
ANN = "ann@acme.example"
BUSY = {"metric": "assignments", "above": 2}


def events_of(day: date, count: int) -> list[str]:
    return [
        f"{day}/{n},{day}T{13 + n}:00:00Z,c{n},k{n},Ann,,P{n}-{day},{source},"
        for n, source in zip(range(count), ["workflow", "user", "user", "bot"], strict=False)
    ]


def send_days(deployment: DeliveryDeployment, counts: list[int]) -> None:
    """Make and send the report `yesterday` for consecutive report dates from TODAY on."""
    events: list[str] = []
    for n, count in enumerate(counts):
        events += events_of(TODAY + (n - 1) * DAY, count)
        deployment.now = DUE + n * DAY
        deployment.make(events=events, on=TODAY + n * DAY)
        deployment.round()
        deployment.round(timedelta(hours=1))


def evaluations(deployment: DeliveryDeployment) -> list[Evaluation]:
    return deployment.dispatcher.ledger.evaluations(None, None, 100)


def subjects(deployment: DeliveryDeployment, recipient: str = ANN) -> list[str]:
    return [str(mail["Subject"]) for mail in deployment.mails() if mail["To"] == recipient]


def test_an_alert_is_sent_once_while_its_condition_stays_met_then_its_all_clear(
    deployment: DeliveryDeployment,
) -> None:
    deployment.configure(when=[BUSY], all_clear=True)
    send_days(deployment, [3, 4, 1, 0, 4])
    assert subjects(deployment) == [
        "Alert: Assignments 3 (above 2) · Acme Support",
        "All-clear: Assignments 1 (above 2) · Acme Support",
        "Alert: Assignments 4 (above 2) · Acme Support",
    ]
    assert "Met since the report of Mon, Jun 15, 2026, and no longer." in text_of(deployment.mails()[2])
    assert [(row.value, row.result, row.sent, row.why_not) for row in evaluations(deployment)] == [
        (3, "met", "alert", ""),
        (4, "met", "", "the conditions of `when` stay met, and the recipient was alerted before"),
        (1, "not_met", "all_clear", ""),
        (0, "not_met", "", "the conditions of `when` are not met"),
        (4, "met", "alert", ""),
    ]


def test_a_condition_that_cannot_be_evaluated_sends_nothing_and_ends_no_alert(
    deployment: DeliveryDeployment,
) -> None:
    deployment.configure(when=[BUSY | {"min_count": 3}], all_clear=True)
    send_days(deployment, [3, 2, 4])
    assert subjects(deployment) == ["Alert: Assignments 3 (above 2) · Acme Support"]
    recorded = [(row.outcome, row.reason, row.sent) for row in evaluations(deployment)]
    assert recorded == [
        ("met", "", "alert"),
        ("not_evaluable", "it rests on too few: 2", ""),
        ("met", "", ""),
    ]
    printed = deployment.run_command("evaluations")
    assert "assignments: above 2, min_count 3" in printed
    assert "not_evaluable: it rests on too few: 2" in printed


def test_a_recipient_who_was_not_told_yet_is_told_while_the_condition_stays(
    deployment: DeliveryDeployment,
) -> None:
    deployment.configure(when=[BUSY], recipients=[ANN])
    send_days(deployment, [3])
    deployment.configure(recipients=[ANN, "bob@acme.example"])
    deployment.now = DUE + DAY
    deployment.make(events=events_of(TODAY - DAY, 3) + events_of(TODAY, 4), on=TODAY + DAY)
    deployment.round()
    assert subjects(deployment) == ["Alert: Assignments 3 (above 2) · Acme Support"]
    assert subjects(deployment, "bob@acme.example") == ["Alert: Assignments 4 (above 2) · Acme Support"]
    assert "Met since the report of Mon, Jun 15, 2026." in text_of(deployment.mails()[-1])


def test_an_alert_is_repeated_and_sent_as_the_report_where_asked(deployment: DeliveryDeployment) -> None:
    deployment.configure(when=[BUSY], repeat=True, alert=False)
    send_days(deployment, [3, 4, 1])
    assert subjects(deployment) == [
        "Acme Support: Yesterday, Jun 14: 3 assignments",
        "Acme Support: Yesterday, Jun 15: 4 assignments",
    ]
    assert [row.sent for row in evaluations(deployment)] == ["report", "report", ""]


def test_a_later_version_is_evaluated_again_and_withdraws_or_sends_the_alert(
    deployment: DeliveryDeployment,
) -> None:
    deployment.configure(when=[BUSY, {"metric": "assignments", "source": "bot", "above": 0}], match="all")
    send_days(deployment, [3])
    assert deployment.mails() == []
    deployment.make(events=events_of(TODAY - DAY, 4))
    deployment.round()
    assert subjects(deployment) == ["Alert: Assignments 4 (above 2) and 1 more · Acme Support"]
    deployment.make(events=events_of(TODAY - DAY, 2))
    deployment.round()
    assert subjects(deployment)[1].startswith("Correction: All-clear: Assignments 2 (above 2) and 1 more")
    assert [(row.version, row.result, row.sent) for row in evaluations(deployment)] == [
        (1, "not_met", ""),
        (1, "not_met", ""),
        (2, "met", "alert"),
        (2, "met", "alert"),
        (3, "not_met", "correction"),
        (3, "not_met", "correction"),
    ]


def test_a_running_day_is_evaluated_with_each_version(deployment: DeliveryDeployment) -> None:
    deployment.configure(reports=["today"], when=[BUSY], all_clear=True)
    deployment.round()
    for count in (1, 3, 4):
        deployment.now = DUE + timedelta(hours=8 + count)
        deployment.make(events=events_of(TODAY, count))
        deployment.round()
    assert subjects(deployment) == ["Alert: Assignments 3 (above 2) · Acme Support"]
    assert [(row.version, row.value) for row in evaluations(deployment)] == [(1, 1), (2, 3), (3, 4)]


def test_what_a_person_sends_by_hand_is_sent_though_the_condition_stays(
    deployment: DeliveryDeployment,
) -> None:
    deployment.configure(when=[BUSY])
    send_days(deployment, [3, 4])
    deployment.dispatcher.deliver_by_hand(deployment.acme, deployment.managers, [TODAY + DAY])
    assert len(subjects(deployment)) == 2


def test_an_alert_names_its_rows(deployment: DeliveryDeployment) -> None:
    deployment.settings["archive_url"] = "https://reports.acme.example"
    deployment.configure(when=[{"metric": "assignments", "source": "User", "above": 1}, BUSY])
    send_days(deployment, [3])
    mail = deployment.mails()[0]
    assert mail["Subject"] == "Alert: Assignments (User) 2 (above 1) and 1 more · Acme Support"
    page = "https://reports.acme.example/acme/yesterday/2026-06-15/v1/report.html"
    assert text_of(mail).splitlines()[1:12] == [
        "Alert: Yesterday",
        "Sun, Jun 14, 2026",
        "Data as of Mon, Jun 15, 2026, 06:05 · Time zone: America/New_York",
        "",
        "- Assignments (User) 2 (above 1) · of 3 assignments",
        f"  Show the rows: {page}#source=user",
        "- Assignments 3 (above 2)",
        f"  Show the rows: {page}#log",
        "  User: 2",
        "  Workflow: 1",
        "",
    ]


def test_the_configuration_check_knows_what_the_report_lacks(deployment: DeliveryDeployment) -> None:
    deployment.workspace["goals"] = [{"metric": "share_pct", "source": "usr", "at_most": 50}]
    deployment.configure(when=[{"metric": "received", "assignee": "Bob", "above": 5}])
    texts = [finding.text for finding in examine_config(deployment.config, deployment.now)]
    place = "workspaces.acme.subscriptions.managers.when"
    assert (
        f"{place}: `received` requires the component `assignees`, which the report yesterday does not have"
        in texts
    )
    assert f"{place}.assignee: unknown person 'Bob': no event names them so far" in texts
    assert "workspaces.acme.goals.source: unknown source 'usr'; did you mean 'user'?" in texts


def test_another_condition_that_becomes_met_is_an_alert_of_its_own(deployment: DeliveryDeployment) -> None:
    deployment.configure(when=[BUSY, {"metric": "assignments", "source": "bot", "above": 0}])
    send_days(deployment, [3, 4, 4, 3])
    assert subjects(deployment) == [
        "Alert: Assignments 3 (above 2) · Acme Support",
        "Alert: Assignments 4 (above 2) and 1 more · Acme Support",
    ]
    assert "  Met since the report of Mon, Jun 15, 2026." in text_of(deployment.mails()[2]).splitlines()
    assert [(row.outcome, row.since == TODAY, row.sent) for row in evaluations(deployment)[:4]] == [
        ("met", True, "alert"),
        ("not_met", False, "alert"),
        ("met", True, "alert"),
        ("met", False, "alert"),
    ]

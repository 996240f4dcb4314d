"""What becomes of an attempt: deferred, held, failed, or sent without its files."""

import json
from datetime import timedelta

import pytest

from assets.deliver.operator_alerts import send_alerts
from assets.deliver.undelivered import observe_deliveries
from assets.state.alerts import AlertLog
from tests.deliver.delivery_deployment import DUE, DeliveryDeployment, attachments, text_of
from tests.servers.mail_server import Misbehavior

MINUTE = timedelta(minutes=1)
BOTH = ["ann@acme.example", "bob@acme.example"]


def test_one_bad_recipient_keeps_nobody_else_from_their_mail(deployment: DeliveryDeployment) -> None:
    deployment.configure(recipients=[*BOTH, "cy@acme.example"])
    deployment.server.does("RCPT", "250 ok", "550 nobody here", "250 ok")
    deployment.make_and_send()
    assert sorted(deployment.states().values()) == ["accepted", "accepted", "failed"]
    (failed,) = (row for row in deployment.rows() if row.state == "failed")
    assert failed.reason == "RCPT: 550 nobody here"
    assert deployment.server.connection_count == 1


def test_a_deferred_mail_is_tried_again_later_and_later_until_its_time_is_over(
    deployment: DeliveryDeployment,
) -> None:
    deployment.configure(recipients=["ann@acme.example"])
    deployment.server.does("RCPT", *["451 greylisted"] * 100)
    deployment.make_and_send()
    pauses = []
    while (row := deployment.rows()[0]).state == "deferred":
        assert row.next_at
        pauses.append((row.next_at - deployment.now) / MINUTE)
        tried = len(deployment.server.commands)
        deployment.now = row.next_at - timedelta(seconds=1)
        deployment.round()
        assert deployment.now >= row.expires_at or len(deployment.server.commands) == tried
        deployment.round(timedelta(seconds=1))
    assert [round(each) for each in pauses[:4]] == pytest.approx([1, 5, 15, 30], rel=0.21)
    assert all(47 < each < 73 for each in pauses[4:])
    assert (row.state, row.reason) == ("expired", "expired: RCPT: 451 greylisted")


def test_where_the_server_takes_nothing_all_are_held_and_no_attempt_is_spent(
    deployment: DeliveryDeployment,
) -> None:
    deployment.server.does("greeting", "554 go away")
    assert "answered 554 go away" in deployment.make_and_send().refusal
    assert [(str(row.state), row.attempts) for row in deployment.rows()] == [("held", 0)] * 2
    deployment.round(5 * MINUTE)
    assert deployment.states() == dict.fromkeys(BOTH, "accepted")
    assert [row.attempts for row in deployment.rows()] == [1, 1]


def test_a_server_that_wants_a_login_holds_the_rest_without_asking_for_each(
    deployment: DeliveryDeployment,
) -> None:
    deployment.server.does("MAIL", "530 log in first", "530 log in first")
    assert deployment.make_and_send().refusal == "530 log in first"
    assert [(str(row.state), row.attempts) for row in deployment.rows()] == [("held", 0)] * 2
    assert sum(command.startswith("MAIL") for command in deployment.server.commands) == 1


def test_a_server_that_refuses_the_sender_holds_all_and_the_operator_is_told_once(
    deployment: DeliveryDeployment,
) -> None:
    deployment.server.does("MAIL", "550 not you", "250 the operator's", "550 not you", "550 not you")
    told = []
    deployment.make_and_send()
    for _ in range(3):
        assert [(str(row.state), row.attempts) for row in deployment.rows()] == [("held", 0)] * 2
        observe_deliveries(AlertLog(deployment.config.state), deployment.dispatcher.ledger, deployment.now)
        told += send_alerts(deployment.config, deployment.now)
        deployment.round(5 * MINUTE)
    assert deployment.states() == dict.fromkeys(BOTH, "accepted")
    assert [text for text in told if "550 not you" in text] == told[:1]
    assert len(told) == 1


@pytest.mark.parametrize("step", ["MAIL", "dot"])
def test_what_is_refused_for_its_size_is_sent_without_files_at_once(
    deployment: DeliveryDeployment, step: str
) -> None:
    deployment.configure(recipients=BOTH[:1])
    deployment.server.does(step, "552 5.3.4 too large")
    states = deployment.make_and_send().states
    (row,) = deployment.rows()
    assert (row.state, +states) == ("accepted", {"accepted": 1})
    assert "without files" in row.reason
    assert [attachments(mail) for mail in deployment.mails()][-1] == {}


def test_what_is_refused_for_its_size_without_files_too_fails(deployment: DeliveryDeployment) -> None:
    deployment.configure(recipients=BOTH[:1])
    deployment.server.does("dot", "552 too large", "552 too large")
    deployment.make_and_send()
    assert [(str(row.state), row.attempts) for row in deployment.rows()] == [("failed", 2)]


def test_a_server_that_breaks_off_each_time_is_left_alone(deployment: DeliveryDeployment) -> None:
    deployment.configure(recipients=[f"p{n}@acme.example" for n in range(10)])
    deployment.server.does("MAIL", *[Misbehavior.CUT] * 10)
    assert deployment.make_and_send().refusal == "the server closed the connection 3 times in a row"
    assert sorted(deployment.states().values()) == ["deferred"] * 3 + ["held"] * 7


def test_a_server_that_takes_less_is_sent_the_mail_without_files(deployment: DeliveryDeployment) -> None:
    deployment.server.features.append("SIZE 12000")
    deployment.make(
        *(f"x{n},2026-06-14T15:00:{n % 60:02}Z,c{n},k{n},Ann {n},,Bob,user,Dan" for n in range(300))
    )
    deployment.now = DUE
    deployment.round()
    assert deployment.states() == dict.fromkeys(BOTH, "accepted")
    assert "without files" in deployment.rows()[0].reason
    (mail, _) = deployment.mails()
    assert attachments(mail) == {}
    assert "The files are too large for this mail" in text_of(mail)
    assert "All files: acme/yesterday/2026-06-15/v1" in text_of(mail)


def test_bounces_come_back_to_an_address_of_their_own(deployment: DeliveryDeployment) -> None:
    deployment.settings["smtp"] = json.loads(
        deployment.server.settings(bounces="bounces@acme.example").model_dump_json()
    )
    deployment.configure()
    deployment.make_and_send()
    senders = {each.recipient: each.sender for each in deployment.server.received}
    assert senders == {row.recipient: f"bounces+{row.id}@acme.example" for row in deployment.rows()}

"""A mail of which nobody knows whether it arrived: it waits for a person, or one flagged copy follows."""

from datetime import UTC, datetime, timedelta

import pytest

from assets.deliver.delivery import DecisionRefused
from tests.deliver.delivery_deployment import DeliveryDeployment
from tests.servers.mail_server import Misbehavior

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
LATE = "e9,2026-06-14T17:00:00Z,c9,k9,Zoe,,Bob,workflow,"


@pytest.mark.parametrize(
    "act", [Misbehavior.CUT, Misbehavior.RESET, Misbehavior.SILENCE, "garbage", Misbehavior.DRIBBLE]
)
def test_a_cut_after_the_dot_waits_for_a_person(
    deployment: DeliveryDeployment, act: Misbehavior | str
) -> None:
    deployment.configure(recipients=["ann@acme.example"])
    deployment.server.does("dot", act)
    deployment.make_and_send()
    for _ in range(3):
        deployment.round(DAY)
    (row,) = deployment.rows()
    assert (row.state, row.attempts, row.unconfirmed_attempts, row.next_at) == ("unknown", 1, 1, None)
    assert len(deployment.server.received) == 1


def test_or_one_copy_is_sent_and_flagged_and_never_a_third(deployment: DeliveryDeployment) -> None:
    deployment.configure(recipients=["ann@acme.example"], when_unknown="resend")
    deployment.server.does("dot", Misbehavior.CUT, Misbehavior.CUT)
    deployment.make_and_send()
    for _ in range(4):
        deployment.round(6 * HOUR)
    (row,) = deployment.rows()
    assert (row.state, row.unconfirmed_attempts) == ("unknown", 2)
    first, copy = deployment.mails()
    assert first["Message-ID"] == copy["Message-ID"]
    assert (first["X-Possible-Copy"], bool(copy["X-Possible-Copy"])) == (None, True)


def test_a_copy_is_not_sent_when_its_time_is_over(deployment: DeliveryDeployment) -> None:
    deployment.configure(recipients=["ann@acme.example"], when_unknown="resend")
    deployment.server.does("dot", Misbehavior.CUT)
    deployment.make_and_send()
    deployment.round(2 * DAY)
    assert (deployment.states(), len(deployment.server.received)) == ({"ann@acme.example": "unknown"}, 1)


def test_a_doubt_stays_one_while_the_server_is_away_and_no_copy_follows_a_correction(
    deployment: DeliveryDeployment,
) -> None:
    deployment.configure(recipients=["ann@acme.example"], when_unknown="resend")
    deployment.server.does("dot", Misbehavior.CUT).does("greeting", "220 ok", "554 away")
    deployment.make_and_send()
    deployment.round(HOUR)
    assert deployment.states() == {"ann@acme.example": "unknown"}
    deployment.make(LATE)
    for _ in range(4):
        deployment.round(HOUR)
    assert [mail["Subject"].rpartition(": ")[2] for mail in deployment.mails()] == [
        "3 assignments",
        "3 → 4",
    ]
    assert [(row.version, str(row.state)) for row in deployment.rows()] == [(1, "unknown"), (2, "accepted")]


def test_a_copy_that_is_refused_leaves_the_doubt_and_who_lost_it_is_sent_no_correction(
    deployment: DeliveryDeployment,
) -> None:
    deployment.configure(recipients=["ann@acme.example"], when_unknown="resend")
    deployment.server.does("dot", Misbehavior.CUT).does("RCPT", "250 ok", "550 nobody here")
    deployment.make_and_send()
    deployment.round(HOUR)
    (row,) = deployment.rows()
    assert (row.state, row.reason) == ("unknown", "RCPT: 550 nobody here")
    deployment.run_command("resolve", row.id, "--lost")
    deployment.make(LATE)
    deployment.round(HOUR)
    assert [(row.version, str(row.state)) for row in deployment.rows()] == [(1, "failed"), (2, "cancelled")]
    assert len(deployment.server.received) == 1


def test_what_a_person_decides_is_done(deployment: DeliveryDeployment) -> None:
    deployment.configure(recipients=["ann@acme.example"])
    deployment.server.does("dot", Misbehavior.CUT, Misbehavior.CUT, Misbehavior.CUT)
    deployment.make_and_send()
    deployment.run_command("retry", deployment.rows()[0].id[:10])
    deployment.now = datetime.now(UTC)
    deployment.round(MINUTE)
    (row,) = deployment.rows()
    assert (row.state, row.unconfirmed_attempts, len(deployment.server.received)) == ("unknown", 2, 2)
    assert deployment.mails()[1]["X-Possible-Copy"]
    deployment.run_command("resolve", row.id, "--arrived")
    assert deployment.states() == {"ann@acme.example": "accepted"}
    with pytest.raises(DecisionRefused, match="is accepted: arrived, as resolved by hand"):
        deployment.run_command("retry", row.id)
    with pytest.raises(DecisionRefused):
        deployment.run_command("cancel", row.id)
    assert "ann@acme.example" in deployment.run_command("list", "--state", "accepted")
    assert str(deployment.folder / "out" / "acme" / ".outbox") in deployment.run_command("show", row.id)
    assert deployment.run_command("list", "--state", "held").strip() == "No rows."

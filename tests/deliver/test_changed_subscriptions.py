"""A subscription that is paused, changed or gone while mails wait."""

from datetime import timedelta

from assets.deliver.retention import apply_retention
from tests.deliver.delivery_deployment import DeliveryDeployment
from tests.servers.mail_server import Misbehavior

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LATE = "e9,2026-06-14T17:00:00Z,c9,k9,Zoe,,Bob,workflow,"


def test_a_paused_subscription_says_so_and_sends_nothing_later(deployment: DeliveryDeployment) -> None:
    deployment.configure(paused=True)
    deployment.make_and_send()
    deployment.configure(paused=False)
    deployment.round(HOUR)
    assert {row.reason for row in deployment.rows()} == {"subscription paused"}
    assert not deployment.server.received


def test_a_subscription_that_is_paused_later_sends_nothing_that_waits(deployment: DeliveryDeployment) -> None:
    deployment.server.does("RCPT", "451 later", "451 later")
    deployment.make_and_send()
    deployment.configure(paused=True)
    deployment.round(HOUR)
    assert {(str(row.state), row.reason) for row in deployment.rows()} == {
        ("cancelled", "subscription paused")
    }


def test_what_waits_for_a_subscription_that_is_gone_comes_to_an_end(deployment: DeliveryDeployment) -> None:
    deployment.server.does("RCPT", "451 later", "451 later")
    deployment.make_and_send()
    deployment.configure(name="others")
    apply_retention(
        deployment.config,
        deployment.dispatcher.catalog,
        deployment.dispatcher.ledger,
        deployment.now + 2 * DAY,
    )
    assert {row.reason for row in deployment.rows()} == {"the subscription is no longer configured"}


def test_what_waits_goes_to_nobody_else_when_the_subscription_changes(deployment: DeliveryDeployment) -> None:
    deployment.server.does("greeting", "554 go away")
    deployment.make_and_send()
    deployment.configure(recipients=["bob@acme.example", "cy@acme.example"])
    deployment.round(HOUR)
    assert deployment.states() == {"ann@acme.example": "cancelled", "bob@acme.example": "accepted"}
    assert [each.recipient for each in deployment.server.received] == ["bob@acme.example"]


def test_a_paused_subscription_corrects_nothing_and_copies_nothing(deployment: DeliveryDeployment) -> None:
    deployment.configure(when_unknown="resend")
    deployment.server.does("dot", "250 ok", Misbehavior.CUT)
    deployment.make_and_send()
    deployment.configure(paused=True)
    deployment.make(LATE)
    for _ in range(3):
        deployment.round(HOUR)
    assert len(deployment.server.received) == 2
    assert sorted(deployment.states().values()) == ["accepted", "unknown"]

"""A later version with other figures: a short mail corrects what was sent, or the next issue does."""

from datetime import timedelta

from tests.deliver.delivery_deployment import DeliveryDeployment, attachments, text_of

HOUR = timedelta(hours=1)
BOTH = ["ann@acme.example", "bob@acme.example"]
LATE = "e9,2026-06-14T17:00:00Z,c9,k9,Zoe,,Bob,workflow,"


def test_a_later_version_with_other_figures_is_corrected_by_a_short_mail(
    deployment: DeliveryDeployment,
) -> None:
    deployment.make_and_send()
    deployment.now += HOUR
    deployment.make(LATE)
    deployment.round()
    deployment.round(HOUR)
    rows = {(row.recipient, row.version): row for row in deployment.rows()}
    assert {(row.kind, row.state) for row in rows.values()} == {
        ("report", "accepted"),
        ("correction", "accepted"),
    }
    assert len(deployment.server.received) == 4
    mail = deployment.mails()[-1]
    assert mail["Subject"].startswith("Correction: Acme Support: Yesterday, Jun 14")
    assert mail["Subject"].endswith(": 3 → 4")
    assert mail["In-Reply-To"] == f"<{rows[mail['To'], 1].id}@acme.example>"
    assert "- Total: 3 → 4 (+1)\n- Workflow: 1 → 2 (+1)" in text_of(mail).replace("\r\n", "\n")
    assert attachments(mail) == {}


def test_a_correction_reaches_those_whose_language_has_changed_meanwhile(
    deployment: DeliveryDeployment,
) -> None:
    deployment.make_and_send()
    deployment.configure(language="de")
    deployment.make(LATE)
    deployment.round(HOUR)
    assert deployment.mails()[-1]["Subject"].startswith("Korrektur: Acme Support")


def test_or_left_to_the_next_issue(deployment: DeliveryDeployment) -> None:
    deployment.configure(corrections="next_issue")
    deployment.make_and_send()
    deployment.make(LATE)
    deployment.round(HOUR)
    assert [row.reason for row in deployment.rows() if row.version == 2] == [
        "changed figures are sent with the next issue (`corrections: next_issue`)"
    ] * 2
    assert len(deployment.server.received) == 2


def test_who_has_not_the_first_version_yet_is_sent_the_second_instead(deployment: DeliveryDeployment) -> None:
    deployment.server.does("RCPT", "451 later", "250 ok")
    deployment.make_and_send()
    (waits,) = (row.recipient for row in deployment.rows() if row.state == "deferred")
    deployment.now += timedelta(seconds=10)
    deployment.make(LATE)
    deployment.round()
    deployment.round(HOUR)
    states = {(row.recipient, row.version, str(row.kind)): str(row.state) for row in deployment.rows()}
    (other,) = set(BOTH) - {waits}
    assert states == {
        (waits, 1, "report"): "cancelled",
        (waits, 2, "report"): "accepted",
        (other, 1, "report"): "accepted",
        (other, 2, "correction"): "accepted",
    }
    assert len(deployment.server.received) == 3

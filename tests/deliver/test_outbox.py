"""The bytes of a mail are kept before they are sent: unchanged, on disk or in an object store, for a time."""

from datetime import UTC, datetime, timedelta

from assets.archive.verify import verify_archive
from assets.deliver.erasure import ReportErasure
from assets.deliver.retention import apply_retention
from orchestration import pipeline
from tests.deliver.delivery_deployment import DeliveryDeployment, attachments, text_of
from tests.servers.mail_server import Misbehavior

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
BOTH = ["ann@acme.example", "bob@acme.example"]
LATE = "e9,2026-06-14T17:00:00Z,c9,k9,Zoe,,Bob,workflow,"


def test_mails_and_reports_are_put_away_when_their_time_is_over(deployment: DeliveryDeployment) -> None:
    deployment.server.does("dot", Misbehavior.CUT)
    deployment.make_and_send()
    (open_one,) = (row for row in deployment.rows() if row.state == "unknown")
    deployment.now = datetime.now(UTC) + 40 * DAY  # files have the real time
    put = apply_retention(
        deployment.config, deployment.dispatcher.catalog, deployment.dispatcher.ledger, deployment.now
    )
    assert (put.versions, put.mails) == (0, 2)
    kept = {path.stem for path in (deployment.folder / "out" / "acme" / ".outbox").iterdir()}
    assert kept == {open_one.content, open_one.content_without_files}
    deployment.settings["keep_reports_days"] = 62
    deployment.configure()
    deployment.now += 365 * DAY
    put = apply_retention(
        deployment.config, deployment.dispatcher.catalog, deployment.dispatcher.ledger, deployment.now
    )
    assert put.versions == 1
    assert deployment.dispatcher.catalog.newest() == {}
    assert "yesterday" not in (deployment.folder / "out" / "acme" / "index.html").read_text()


def test_a_changed_mail_is_neither_sent_nor_overlooked(deployment: DeliveryDeployment) -> None:
    deployment.server.does("RCPT", "451 later", "451 later")
    deployment.make_and_send()
    for path in (deployment.folder / "out" / "acme" / ".outbox").iterdir():
        path.write_bytes(b"To: eve@other.example\r\n\r\nhello")
    faults = verify_archive(deployment.config.archive, []).faults
    assert len(faults) == 4
    assert all("was changed" in fault for fault in faults)
    deployment.round(2 * MINUTE)
    assert deployment.states() == dict.fromkeys(BOTH, "failed")
    assert not deployment.server.received


def test_an_archive_in_an_object_store_serves_as_well(
    deployment: DeliveryDeployment, object_store: str
) -> None:
    deployment.settings |= {"archive": f"{object_store}/post", "archive_url": "https://reports.example.org"}
    deployment.configure(recipients=["ann@acme.example", {"address": "bob@acme.example", "language": "de"}])
    deployment.make_and_send()
    assert deployment.states() == dict.fromkeys(BOTH, "accepted")
    mails = {mail["To"]: mail for mail in deployment.mails()}
    address = "https://reports.example.org/acme/yesterday/2026-06-15/v1/report.html"
    assert f"Open report: {address}" in text_of(mails["ann@acme.example"])
    assert attachments(mails["bob@acme.example"]).keys() == {"acme-yesterday-2026-06-15-v1.csv"}
    assert "0 faults" in deployment.run_command("verify", group=("archive",))
    deployment.make(LATE)
    deployment.round(HOUR)
    assert {row.kind for row in deployment.rows() if row.version == 2} == {"correction"}
    dispatcher = deployment.dispatcher
    reports = ReportErasure(
        deployment.config,
        deployment.acme,
        dispatcher.catalog,
        dispatcher.ledger,
        deployment.now,
        lambda _: None,
    )
    pipeline.erase_contact("k1", reports)
    assert deployment.run_command("verify", group=("archive",)).strip().endswith("0 faults")

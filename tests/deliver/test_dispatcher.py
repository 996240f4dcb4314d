"""Subscriptions that come due, and what becomes of each delivery: nothing lost, nothing twice."""

import json
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest

from assets.archive.archive import NotArchived
from assets.archive.verify import verify
from assets.archive.version import Key
from assets.deliver.delivery import NotPossible
from assets.deliver.retention import put_away
from assets.errors import ConfigError
from orchestration import pipeline
from tests.deliver.delivery_deployment import DUE, TODAY, DeliveryDeployment, attachments, text_of
from tests.servers.mail_server import Act, MailServer, mail_server

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
BOTH = ["ann@acme.example", "bob@acme.example"]
LATE = "e9,2026-06-14T17:00:00Z,c9,k9,Zoe,,Bob,workflow,"


@pytest.fixture
def server() -> Iterator[MailServer]:
    with mail_server() as server:
        yield server


@pytest.fixture
def deployment(tmp_path: Path, server: MailServer) -> DeliveryDeployment:
    return DeliveryDeployment(tmp_path, server)


def test_a_due_report_is_sent_to_each_recipient_once(deployment: DeliveryDeployment) -> None:
    assert not deployment.make_and_send().refusal
    assert deployment.states() == dict.fromkeys(BOTH, "accepted")
    for _ in range(3):
        deployment.round(HOUR)
    assert sorted(each.recipient for each in deployment.server.received) == BOTH
    mail = deployment.mails()[0]
    (row,) = (row for row in deployment.rows() if row.recipient == mail["To"])
    assert mail["Message-ID"] == f"<{row.id}@acme.example>"
    assert (
        mail["Subject"] == row.subject == "Acme Support: Contact Assignments Yesterday, Sun, Jun 14, 2026: 3"
    )
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
    assert {row.reason for row in deployment.rows()} == {"it was not there in time: the report is not made"}
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
        "it has no assignments, and the subscription asks for `not_empty`"
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
    assert rows[0].reason == "it says what the issue before said, and the subscription asks for `changed`"


def test_a_paused_subscription_says_so_and_sends_nothing_later(deployment: DeliveryDeployment) -> None:
    deployment.configure(paused=True)
    deployment.make_and_send()
    deployment.configure(paused=False)
    deployment.round(HOUR)
    assert {row.reason for row in deployment.rows()} == {"the subscription was paused"}
    assert not deployment.server.received


def test_after_its_last_date_nothing_comes_due(deployment: DeliveryDeployment) -> None:
    deployment.configure(until="2026-06-14")
    deployment.make_and_send()
    assert deployment.rows() == []


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
    assert (row.state, row.reason) == ("expired", "its time was over: RCPT: 451 greylisted")


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


def test_a_server_that_breaks_off_each_time_is_left_alone(deployment: DeliveryDeployment) -> None:
    deployment.configure(recipients=[f"p{n}@acme.example" for n in range(10)])
    deployment.server.does("MAIL", *[Act.CUT] * 10)
    assert deployment.make_and_send().refusal == "the server broke off 3 times in a row"
    assert sorted(deployment.states().values()) == ["deferred"] * 3 + ["held"] * 7


@pytest.mark.parametrize("act", [Act.CUT, Act.RESET, Act.SILENCE, "garbage", Act.DRIBBLE])
def test_a_cut_after_the_dot_waits_for_a_person(deployment: DeliveryDeployment, act: Act | str) -> None:
    deployment.configure(recipients=["ann@acme.example"])
    deployment.server.does("dot", act)
    deployment.make_and_send()
    for _ in range(3):
        deployment.round(DAY)
    (row,) = deployment.rows()
    assert (row.state, row.attempts, row.doubts, row.next_at) == ("unknown", 1, 1, None)
    assert len(deployment.server.received) == 1


def test_or_one_copy_is_sent_and_flagged_and_never_a_third(deployment: DeliveryDeployment) -> None:
    deployment.configure(recipients=["ann@acme.example"], when_unknown="resend")
    deployment.server.does("dot", Act.CUT, Act.CUT)
    deployment.make_and_send()
    for _ in range(4):
        deployment.round(6 * HOUR)
    (row,) = deployment.rows()
    assert (row.state, row.doubts) == ("unknown", 2)
    first, copy = deployment.mails()
    assert first["Message-ID"] == copy["Message-ID"]
    assert (first["X-Possible-Copy"], bool(copy["X-Possible-Copy"])) == (None, True)


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
    assert mail["Subject"].startswith("Correction: Acme Support: Contact Assignments Yesterday")
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
        "other figures are left to the next issue"
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


def test_each_is_sent_their_own_part_and_the_parts_add_up(deployment: DeliveryDeployment) -> None:
    deployment.configure(
        filters={"assigned_to": ["{recipient.agent}"]},
        recipients=[
            {"address": "bob@acme.example", "agent": "Bob", "language": "de"},
            {"address": "zoe@acme.example", "agent": "Zoe", "mask_contacts": True},
        ],
        cc_operator=True,
    )
    done = deployment.make_and_send()
    assert done.notes == ["yesterday of 2026-06-15: 2 + 0 + 1 others = 3"]
    mails = {mail["To"]: mail for mail in deployment.mails()}
    bob, zoe, operator = (mails[f"{name}@acme.example"] for name in ("bob", "zoe", "ops"))
    assert bob["Subject"].startswith("Acme Support: Kontaktzuweisungen Gestern")
    assert [mail["Subject"].rpartition(" ")[2] for mail in (bob, zoe, operator)] == ["2", "0", "3"]
    assert "Zugewiesen an: Bob" in text_of(bob)
    assert attachments(bob)["acme-yesterday-2026-06-15-v1.csv"].count(b"Bob") == 2


def test_pseudonyms_for_those_who_are_not_to_know(deployment: DeliveryDeployment) -> None:
    deployment.configure(
        recipients=["bob@acme.example", {"address": "ann@acme.example", "mask_contacts": True}]
    )
    deployment.make_and_send()
    mails = {mail["To"]: b"".join(attachments(mail).values()) for mail in deployment.mails()}
    assert b"Eve" in mails["bob@acme.example"]
    assert b"Eve" not in mails["ann@acme.example"]
    assert b"Contact " in mails["ann@acme.example"]


def test_no_part_is_cut_from_days_that_have_changed_since(deployment: DeliveryDeployment) -> None:
    deployment.configure(recipients=[{"address": "bob@acme.example", "language": "de"}])
    deployment.make()
    lake = deployment.folder / "lake"
    lake.rename(deployment.folder / "old")
    deployment.make(LATE)  # in the lake, and not in the version that is read
    version = deployment.folder / "out" / "acme" / "yesterday" / "2026-06-15"
    deployment.dispatcher.catalogue.forget([(Key("acme", "yesterday", TODAY), 2)])
    (version / "v2").rename(deployment.folder / "v2")
    deployment.now = DUE
    assert deployment.round().notes == ["yesterday of 2026-06-15: the days of version 1 have changed since"]
    assert deployment.rows() == []


def test_a_list_of_recipients_is_read_anew_and_its_bad_rows_are_kept_with_their_reason(
    deployment: DeliveryDeployment,
) -> None:
    path = deployment.folder / "people.csv"
    path.write_text(
        "address,language,team\nann@acme.example,de,A\nnobody,,\nbob@acme.example,xx,\nANN@acme.example,,\n"
    )
    del deployment.subscription["recipients"]
    deployment.configure(recipients_file="people.csv")
    deployment.make_and_send()
    failed = {
        row.recipient.rpartition("/")[2]: row.reason for row in deployment.rows() if row.state == "failed"
    }
    assert failed["people.csv, line 3"].startswith("address: String should match pattern")
    assert failed["people.csv, line 4"].startswith("language: Input should be 'en'")
    assert failed["people.csv, line 5"] == "ANN@acme.example is listed twice"
    assert [mail["To"] for mail in deployment.mails()] == ["ann@acme.example"]


def test_a_list_that_cannot_be_read_is_told_and_keeps_no_other_mail(deployment: DeliveryDeployment) -> None:
    deployment.configure(expires_hours=48)
    deployment.server.does("RCPT", "451 later")
    deployment.make_and_send()
    deployment.now += DAY
    deployment.make(on=TODAY + DAY)
    del deployment.subscription["recipients"]
    deployment.configure(recipients_file="people.csv")
    with pytest.raises(ConfigError, match=r"people\.csv: .*No such file"):
        deployment.round(MINUTE)
    assert deployment.states() == dict.fromkeys(BOTH, "accepted")
    (deployment.folder / "people.csv").write_text("address\nann@acme.example\n")
    deployment.round(HOUR)
    assert [str(row.state) for row in deployment.rows(TODAY + DAY)] == ["accepted"]


def test_a_list_that_stays_unreadable_ends_in_a_row_that_says_so(deployment: DeliveryDeployment) -> None:
    del deployment.subscription["recipients"]
    deployment.configure(recipients_file="people.csv")
    deployment.make()
    deployment.now = DUE + DAY
    deployment.round()
    (row,) = deployment.rows()
    assert (row.state, "No such file" in row.reason) == ("expired", True)


def test_a_subscription_that_is_paused_later_sends_nothing_that_waits(deployment: DeliveryDeployment) -> None:
    deployment.server.does("RCPT", "451 later", "451 later")
    deployment.make_and_send()
    deployment.configure(paused=True)
    deployment.round(HOUR)
    assert {(str(row.state), row.reason) for row in deployment.rows()} == {
        ("cancelled", "the subscription was paused")
    }


def test_what_waits_for_a_subscription_that_is_gone_comes_to_an_end(deployment: DeliveryDeployment) -> None:
    deployment.server.does("RCPT", "451 later", "451 later")
    deployment.make_and_send()
    deployment.configure(name="others")
    put_away(
        deployment.config,
        deployment.dispatcher.catalogue,
        deployment.dispatcher.ledger,
        deployment.now + 2 * DAY,
    )
    assert {row.reason for row in deployment.rows()} == {"the subscription is not configured any more"}


def test_a_copy_is_not_sent_when_its_time_is_over(deployment: DeliveryDeployment) -> None:
    deployment.configure(recipients=["ann@acme.example"], when_unknown="resend")
    deployment.server.does("dot", Act.CUT)
    deployment.make_and_send()
    deployment.round(2 * DAY)
    assert (deployment.states(), len(deployment.server.received)) == ({"ann@acme.example": "unknown"}, 1)


def test_a_version_that_is_gone_keeps_no_other_issue(deployment: DeliveryDeployment) -> None:
    deployment.make()
    (deployment.folder / "out/acme/yesterday/2026-06-15/v1").rename(deployment.folder / "gone")
    deployment.now = DUE
    with pytest.raises(NotArchived, match="2026-06-15/v1 is not there"):
        deployment.round()
    deployment.now += DAY - HOUR
    deployment.make(on=TODAY + DAY)
    with suppress(NotArchived):
        deployment.round(HOUR)
    assert {str(row.state) for row in deployment.rows(TODAY + DAY)} == {"accepted"}


def test_addresses_outside_the_allowed_domains_are_sent_nothing(deployment: DeliveryDeployment) -> None:
    deployment.settings["allowed_domains"] = ["acme.example"]
    (deployment.folder / "people.csv").write_text("address\nann@acme.example\neve@other.example\n")
    del deployment.subscription["recipients"]
    deployment.configure(recipients_file="people.csv")
    deployment.make_and_send()
    assert deployment.states()["ann@acme.example"] == "accepted"
    assert [each.recipient for each in deployment.server.received] == ["ann@acme.example"]
    del deployment.subscription["recipients_file"]
    with pytest.raises(ConfigError, match=r"eve@other\.example is in none of the `allowed_domains`"):
        deployment.configure(recipients=["eve@other.example"])


def test_no_name_becomes_a_header_or_leaves_its_place(deployment: DeliveryDeployment) -> None:
    deployment.workspace["name"] = "Acme\r\nBcc: eve@other.example =?utf-8?q?=0ABcc:_e=40x.test?= <b>\u202e"
    deployment.configure()
    hostile = 'h1,2026-06-14T18:00:00Z,c9,k9,<script>alert(1)</script>,,"Bob\nX: y",user,{{ 7*7 }}'
    deployment.make_and_send(hostile)
    for mail in deployment.mails():
        assert mail.keys().count("To") == 1
        assert {"Bcc", "X"}.isdisjoint(mail.keys())
        html = mail.get_body(("html",))
        assert html
        assert "<b>" not in html.get_content()
        assert "<script" not in html.get_content()


def test_bounces_come_back_to_an_address_of_their_own(deployment: DeliveryDeployment) -> None:
    deployment.settings["smtp"] = json.loads(
        deployment.server.settings(bounces="bounces@acme.example").model_dump_json()
    )
    deployment.configure()
    deployment.make_and_send()
    senders = {each.recipient: each.sender for each in deployment.server.received}
    assert senders == {row.recipient: f"bounces+{row.id}@acme.example" for row in deployment.rows()}


def test_what_a_person_decides_is_done(deployment: DeliveryDeployment) -> None:
    deployment.configure(recipients=["ann@acme.example"])
    deployment.server.does("dot", Act.CUT, Act.CUT, Act.CUT)
    deployment.make_and_send()
    deployment.run_command("retry", deployment.rows()[0].id[:10])
    deployment.now = datetime.now(UTC)
    deployment.round(MINUTE)
    (row,) = deployment.rows()
    assert (row.state, row.doubts, len(deployment.server.received)) == ("unknown", 2, 2)
    assert deployment.mails()[1]["X-Possible-Copy"]
    deployment.run_command("resolve", row.id, "--arrived")
    assert deployment.states() == {"ann@acme.example": "accepted"}
    with pytest.raises(NotPossible, match="is accepted: it arrived, a person says"):
        deployment.run_command("retry", row.id)
    with pytest.raises(NotPossible):
        deployment.run_command("cancel", row.id)
    assert "ann@acme.example" in deployment.run_command("list", "--state", "accepted")
    assert str(deployment.folder / "out" / "acme" / ".outbox") in deployment.run_command("show", row.id)
    assert deployment.run_command("list", "--state", "held").strip() == "none"


def test_a_preview_is_the_mail_and_a_test_says_that_it_is_one(deployment: DeliveryDeployment) -> None:
    deployment.make()
    deployment.run_command("preview", "managers", "--to", str(deployment.folder / "look"), group=())
    (path,) = (deployment.folder / "look").iterdir()
    preview = message_from_bytes(path.read_bytes(), policy=default)
    assert preview["To"] == "ann@acme.example"
    assert not deployment.server.received
    deployment.run_command(
        "send-test", "managers", "--to", "me@acme.example", "--as", "bob@acme.example", group=()
    )
    (mail,) = deployment.mails()
    assert mail["Subject"] == f"TEST: {preview['Subject']}"
    assert (mail["To"], deployment.rows()) == ("me@acme.example", [])


def test_mails_and_reports_are_put_away_when_their_time_is_over(deployment: DeliveryDeployment) -> None:
    deployment.server.does("dot", Act.CUT)
    deployment.make_and_send()
    (open_one,) = (row for row in deployment.rows() if row.state == "unknown")
    deployment.now = datetime.now(UTC) + 40 * DAY  # files have the real time
    put = put_away(
        deployment.config, deployment.dispatcher.catalogue, deployment.dispatcher.ledger, deployment.now
    )
    assert (put.versions, put.mails) == (0, 2)
    kept = {path.stem for path in (deployment.folder / "out" / "acme" / ".outbox").iterdir()}
    assert kept == {open_one.content, open_one.content_without_files}
    deployment.settings["keep_reports_days"] = 62
    deployment.configure()
    deployment.now += 365 * DAY
    put = put_away(
        deployment.config, deployment.dispatcher.catalogue, deployment.dispatcher.ledger, deployment.now
    )
    assert put.versions == 1
    assert deployment.dispatcher.catalogue.newest() == {}
    assert "yesterday" not in (deployment.folder / "out" / "acme" / "index.html").read_text()


def test_a_changed_mail_is_neither_sent_nor_overlooked(deployment: DeliveryDeployment) -> None:
    deployment.server.does("RCPT", "451 later", "451 later")
    deployment.make_and_send()
    for path in (deployment.folder / "out" / "acme" / ".outbox").iterdir():
        path.write_bytes(b"To: eve@other.example\r\n\r\nhello")
    faults = verify(deployment.config.archive, []).faults
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
    assert f"All files: {address}" in text_of(mails["ann@acme.example"])
    assert attachments(mails["bob@acme.example"]).keys() == {"acme-yesterday-2026-06-15-v1.csv"}
    assert "0 faults" in deployment.run_command("verify", group=("archive",))
    deployment.make(LATE)
    deployment.round(HOUR)
    assert {row.kind for row in deployment.rows() if row.version == 2} == {"correction"}
    pipeline.erase(
        deployment.acme,
        "k1",
        deployment.config,
        deployment.dispatcher.catalogue,
        deployment.now,
        lambda _: None,
    )
    assert deployment.run_command("verify", group=("archive",)).strip().endswith("0 faults")


def test_nobody_who_is_to_be_sent_pseudonyms_is_sent_names_for_want_of_a_key(
    deployment: DeliveryDeployment,
) -> None:
    (deployment.folder / "people.csv").write_text(
        "address,mask_contacts\nann@acme.example,true\nbob@acme.example,\n"
    )
    del deployment.subscription["recipients"]
    deployment.workspace["mask_key"] = None
    deployment.configure(recipients_file="people.csv")
    deployment.make_and_send()
    assert [mail["To"] for mail in deployment.mails()] == ["bob@acme.example"]
    (failed,) = (row for row in deployment.rows() if row.state == "failed")
    assert failed.reason == "`mask_contacts` needs the workspace's `mask_key`"


@pytest.mark.parametrize(
    "address", ["a..b@acme.example", ".a@acme.example", "=?utf-8?q?x?=@acme.example", "a\x7fb@acme.example"]
)
def test_an_address_that_is_none_keeps_nobody_else_from_their_mail(
    deployment: DeliveryDeployment, address: str
) -> None:
    (deployment.folder / "people.csv").write_text(f"address\nann@acme.example\n{address}\n")
    del deployment.subscription["recipients"]
    deployment.configure(recipients_file="people.csv")
    deployment.make_and_send()
    assert sorted(deployment.states().values()) == ["accepted", "failed"]


def test_parts_with_other_files_are_other_parts(deployment: DeliveryDeployment) -> None:
    deployment.configure(language="de", attach=["csv"])
    deployment.make_and_send()
    deployment.configure(name="others", attach=["csv", "html"], recipients=["eve@acme.example"])
    deployment.dispatcher.deliver_by_hand(deployment.acme, deployment.managers, [TODAY])
    assert len(attachments(deployment.mails()[-1])) == 2


def test_by_hand_it_is_sent_to_those_who_were_not_sent_it(deployment: DeliveryDeployment) -> None:
    deployment.now = DUE + DAY
    deployment.round()
    assert deployment.states() == dict.fromkeys(BOTH, "expired")
    deployment.make()
    deployment.configure(recipients=[*BOTH, "cy@acme.example"], only_if="not_empty")
    for _ in range(2):
        deployment.dispatcher.deliver_by_hand(deployment.acme, deployment.managers, [TODAY])
    assert sorted(mail["To"] for mail in deployment.mails()) == [*BOTH, "cy@acme.example"]


def test_what_waits_goes_to_nobody_else_when_the_subscription_changes(deployment: DeliveryDeployment) -> None:
    deployment.server.does("greeting", "554 go away")
    deployment.make_and_send()
    deployment.configure(recipients=["bob@acme.example", "cy@acme.example"])
    deployment.round(HOUR)
    assert deployment.states() == {"ann@acme.example": "cancelled", "bob@acme.example": "accepted"}
    assert [each.recipient for each in deployment.server.received] == ["bob@acme.example"]


@pytest.mark.parametrize("filters", [{}, {"assigned_to": ["{recipient.agent}"]}])
def test_a_list_of_nobody_ends_in_a_row_that_says_so(
    deployment: DeliveryDeployment, filters: dict[str, list[str]]
) -> None:
    (deployment.folder / "people.csv").write_text("address,agent\n")
    del deployment.subscription["recipients"]
    deployment.configure(recipients_file="people.csv", filters=filters)
    deployment.make_and_send()
    assert [(str(row.state), row.reason) for row in deployment.rows()] == [
        ("failed", "there are no recipients")
    ]


def test_a_paused_subscription_corrects_nothing_and_copies_nothing(deployment: DeliveryDeployment) -> None:
    deployment.configure(when_unknown="resend")
    deployment.server.does("dot", "250 ok", Act.CUT)
    deployment.make_and_send()
    deployment.configure(paused=True)
    deployment.make(LATE)
    for _ in range(3):
        deployment.round(HOUR)
    assert len(deployment.server.received) == 2
    assert sorted(deployment.states().values()) == ["accepted", "unknown"]


def test_a_doubt_stays_one_while_the_server_is_away_and_no_copy_follows_a_correction(
    deployment: DeliveryDeployment,
) -> None:
    deployment.configure(recipients=["ann@acme.example"], when_unknown="resend")
    deployment.server.does("dot", Act.CUT).does("greeting", "220 ok", "554 away")
    deployment.make_and_send()
    deployment.round(HOUR)
    assert deployment.states() == {"ann@acme.example": "unknown"}
    deployment.make(LATE)
    for _ in range(4):
        deployment.round(HOUR)
    assert [mail["Subject"].rpartition(": ")[2] for mail in deployment.mails()] == ["3", "3 → 4"]
    assert [(row.version, str(row.state)) for row in deployment.rows()] == [(1, "unknown"), (2, "accepted")]


def test_a_copy_that_is_refused_leaves_the_doubt_and_who_lost_it_is_sent_no_correction(
    deployment: DeliveryDeployment,
) -> None:
    deployment.configure(recipients=["ann@acme.example"], when_unknown="resend")
    deployment.server.does("dot", Act.CUT).does("RCPT", "250 ok", "550 nobody here")
    deployment.make_and_send()
    deployment.round(HOUR)
    (row,) = deployment.rows()
    assert (row.state, row.reason) == ("unknown", "RCPT: 550 nobody here")
    deployment.run_command("resolve", row.id, "--lost")
    deployment.make(LATE)
    deployment.round(HOUR)
    assert [(row.version, str(row.state)) for row in deployment.rows()] == [(1, "failed"), (2, "cancelled")]
    assert len(deployment.server.received) == 1


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


def test_a_part_that_will_never_be_cut_fails_and_the_whole_goes_out(deployment: DeliveryDeployment) -> None:
    deployment.workspace["when_changed"] = "flag"
    deployment.configure(recipients=["ann@acme.example", {"address": "bob@acme.example", "language": "de"}])
    deployment.make()
    deployment.make(LATE)
    deployment.dispatcher.catalogue.forget([(Key("acme", "yesterday", TODAY), 2)])
    deployment.now = DUE
    deployment.round()
    states = {row.recipient: (str(row.state), row.reason) for row in deployment.rows()}
    assert states["ann@acme.example"][0] == "accepted"
    assert states["bob@acme.example"] == ("failed", "the days of version 1 have changed since")

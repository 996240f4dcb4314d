"""A mail as it is sent and shown beforehand: whatever names it holds, and as a test that says so."""

from email import message_from_bytes
from email.policy import default

from tests.deliver.delivery_deployment import DeliveryDeployment


def test_no_name_becomes_a_header_or_leaves_its_place(deployment: DeliveryDeployment) -> None:
    deployment.workspace["name"] = "Acme Bcc: eve@other.example =?utf-8?q?=0ABcc:_e=40x.test?= <b>\u202e"
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

"""Parts, languages and pseudonyms: each recipient is sent their own, and the parts add up."""

from assets.archive.version import Key
from tests.deliver.delivery_deployment import DUE, TODAY, DeliveryDeployment, attachments, text_of

LATE = "e9,2026-06-14T17:00:00Z,c9,k9,Zoe,,Bob,workflow,"


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
    assert bob["Subject"].startswith("Acme Support: Gestern, 14. Juni: 2 ")
    assert [mail["Subject"].rpartition(": ")[2].split()[0] for mail in (bob, zoe, operator)] == [
        "2",
        "0",
        "3",
    ]
    assert "Zugewiesen an: Bob" in text_of(bob)
    assert attachments(bob)["acme-yesterday-2026-06-15-v1.csv"].count(b"Bob") == 2


def test_each_team_is_sent_its_part(deployment: DeliveryDeployment) -> None:
    deployment.workspace["teams"] = {"Sales": ["bob"], "Support": ["Cy"]}
    deployment.configure(
        filters={"team": ["{recipient.team}"]},
        recipients=[
            {"address": "ann@acme.example", "team": "sales", "mask_contacts": True},
            {"address": "bob@acme.example", "team": "No team"},
        ],
    )
    assert deployment.make_and_send().notes == ["yesterday of 2026-06-15: 2 + 0 + 1 others = 3"]
    (sales,) = (mail for mail in deployment.mails() if mail["To"] == "ann@acme.example")
    assert "Team: sales" in text_of(sales)
    assert attachments(sales)["acme-yesterday-2026-06-15-v1.csv"].count(b"Bob") == 2


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
    deployment.dispatcher.catalog.forget([(Key("acme", "yesterday", TODAY), 2)])
    (version / "v2").rename(deployment.folder / "v2")
    deployment.now = DUE
    assert deployment.round().notes == ["yesterday of 2026-06-15: the days of version 1 have changed since"]
    assert deployment.rows() == []


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
    assert failed.reason == "`mask_contacts` requires the workspace's `mask_key`"


def test_parts_with_other_files_are_other_parts(deployment: DeliveryDeployment) -> None:
    deployment.configure(language="de", attach=["csv"])
    deployment.make_and_send()
    deployment.configure(name="others", attach=["csv", "html"], recipients=["eve@acme.example"])
    deployment.dispatcher.deliver_by_hand(deployment.acme, deployment.managers, [TODAY])
    assert len(attachments(deployment.mails()[-1])) == 2


def test_a_part_that_will_never_be_cut_fails_and_the_whole_goes_out(deployment: DeliveryDeployment) -> None:
    deployment.workspace["when_changed"] = "flag"
    deployment.configure(recipients=["ann@acme.example", {"address": "bob@acme.example", "language": "de"}])
    deployment.make()
    deployment.make(LATE)
    deployment.dispatcher.catalog.forget([(Key("acme", "yesterday", TODAY), 2)])
    deployment.now = DUE
    deployment.round()
    states = {row.recipient: (str(row.state), row.reason) for row in deployment.rows()}
    assert states["ann@acme.example"][0] == "accepted"
    assert states["bob@acme.example"] == ("failed", "the days of version 1 have changed since")

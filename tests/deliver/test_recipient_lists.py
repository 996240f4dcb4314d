"""Who is on a list of recipients is sent the mail, and every other row says why not."""

from datetime import timedelta

import pytest

from assets.errors import ConfigError
from tests.deliver.delivery_deployment import DUE, TODAY, DeliveryDeployment

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
BOTH = ["ann@acme.example", "bob@acme.example"]


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
    assert failed["people.csv, line 3"].startswith("address: must be a mail address, got")
    assert failed["people.csv, line 4"].startswith("language: must be 'en'")
    assert failed["people.csv, line 5"] == "duplicate recipient: ANN@acme.example"
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


def test_addresses_outside_the_allowed_domains_are_sent_nothing(deployment: DeliveryDeployment) -> None:
    deployment.settings["allowed_domains"] = ["acme.example"]
    (deployment.folder / "people.csv").write_text("address\nann@acme.example\neve@other.example\n")
    del deployment.subscription["recipients"]
    deployment.configure(recipients_file="people.csv")
    deployment.make_and_send()
    assert deployment.states()["ann@acme.example"] == "accepted"
    assert [each.recipient for each in deployment.server.received] == ["ann@acme.example"]
    del deployment.subscription["recipients_file"]
    with pytest.raises(ConfigError, match=r"eve@other\.example is not in `allowed_domains`"):
        deployment.configure(recipients=["eve@other.example"])


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


@pytest.mark.parametrize("filters", [{}, {"assigned_to": ["{recipient.agent}"]}])
def test_a_list_of_nobody_ends_in_a_row_that_says_so(
    deployment: DeliveryDeployment, filters: dict[str, list[str]]
) -> None:
    (deployment.folder / "people.csv").write_text("address,agent\n")
    del deployment.subscription["recipients"]
    deployment.configure(recipients_file="people.csv", filters=filters)
    deployment.make_and_send()
    assert [(str(row.state), row.reason) for row in deployment.rows()] == [("failed", "no recipients")]

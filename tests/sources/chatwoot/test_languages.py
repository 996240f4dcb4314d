"""The languages of Chatwoot's accounts: its sentences are read by the files that it keeps for each."""

import pytest

from assets.errors import SourceError
from tests.sources.chatwoot.account import Account

LOCALE = """
{code}:
  automation: {{system_name: "Robo"}}
  conversations:
    activity:
      assignee:
        self_assigned: "%{{user_name}} nahm es selbst"
        assigned: "%{{user_name}} hat von %{{assignee_name}} bekommen"
        removed: "niemand mehr, sagt %{{user_name}}"
      team:
        assigned: "an Team %{{team_name}}: %{{user_name}}"
        assigned_with_assignee: "%{{team_name}}, dort %{{assignee_name}}: %{{user_name}}"
        removed: "nicht mehr %{{team_name}}: %{{user_name}}"
"""


def test_another_language_is_read_by_its_own_files_and_its_placeholders(account: Account) -> None:
    account.run("UPDATE accounts SET locale = 4 WHERE id = 1")
    account.conversation(
        1, 1,
        "Anna hat von Bob Stone bekommen",  # which reads as if it were the other way round
        "support, dort Anna: Robo",
        "niemand mehr, sagt Anna",
        "an Team support: Anna",
        "Assigned to Bob Stone by Anna",  # from before the account spoke German
        "Anna nahm es selbst",
    )  # fmt: skip
    with pytest.raises(SourceError, match="the language of the account is de; set `locales`"):
        account.told()
    for code in ("de", "no"):
        (account.inbox.folder / f"{code}.yml").write_text(LOCALE.format(code=code))
    account.inbox.source |= {"locales": str(account.inbox.folder / "*.yml")}
    assert account.told() == [
        ("101", "2", "Bob Stone", "user", "Anna"),
        ("101", "1", "Anna", "automation", None),
        ("101", None, None, "user", "Anna"),
        ("101", "2", "Bob Stone", "user", "Anna"),
        ("101", "1", "Anna", "user", "Anna"),
    ]
    assert account.untold() == []


def test_the_folder_of_locales_may_hold_whatever_chatwoot_keeps_there(account: Account) -> None:
    account.run("UPDATE accounts SET locale = 4 WHERE id = 1")
    account.conversation(
        1, 1, "Anna nahm es selbst", "Assigned to Bob Stone by Default Policy", "niemand mehr, sagt Anna"
    )
    for name, content in {
        "devise.de.yml": "de:\n  devise: {failure: {locked: Gesperrt}}\n",
        "secure_password.de.yml": "de:\n  errors: {messages: {password: {strength: schwach}}}\n",
        "de.yml": LOCALE.format(code="de"),
        "da.yml": "da:\n  conversations: {activity: {assignee: {removed: 'Ingen, siger %{user_name}'}, muted: stille}}\n",
        "ta.yml": "ta:\n  conversations: {activity: }\n  404: {title: x}\n",
        "no.yml": "no: {}\n",
        "empty.yml": "",
        "broken.yml": "fr: [",
    }.items():
        (account.inbox.folder / name).write_text(content)
    account.inbox.source |= {"locales": str(account.inbox.folder / "*.yml")}
    assert [row[1:4:2] for row in account.told()] == [("1", "user"), ("2", "automation"), (None, "user")]
    account.run("UPDATE accounts SET locale = 3 WHERE id = 1")
    with pytest.raises(
        SourceError, match=r"the language of the account is fr; set `locales`.*broken\.yml: while parsing"
    ):
        account.told()


def test_a_policy_is_automation_in_every_language(account: Account) -> None:
    """Before its sentence had a key of its own, it was put together of the automation's name and the policy's."""
    account.run("UPDATE accounts SET locale = 4 WHERE id = 1")
    (account.inbox.folder / "de.yml").write_text(LOCALE.format(code="de"))
    account.inbox.source |= {"locales": str(account.inbox.folder / "*.yml")}
    account.conversation(1, 1, "Robo via Rundlauf hat von Anna bekommen")
    assert account.told() == [("101", "1", "Anna", "automation", None)]


def test_locales_of_odd_shape_do_no_harm(account: Account) -> None:
    (account.inbox.folder / "en.yml").write_text(
        "en: {conversations: {activity: {assignee: {self_assigned: '%{assignee_name} took it', twice: '%{user_name} and %{user_name}'},"
        " team: {assigned: 'Some team by %{user_name}'}}}}"
    )
    (account.inbox.folder / "date.yml").write_text("en: {released: 2024-02-30}")
    account.inbox.source |= {"locales": str(account.inbox.folder / "*.yml")}
    account.conversation(
        1, 2, "Anna took it", "Some team by Anna", "Anna and Bob Stone", "Assigned to Bob Stone by Anna"
    )
    assert account.told() == [("101", "1", "Anna", "user", "Anna"), ("101", "2", "Bob Stone", "user", "Anna")]


@pytest.mark.parametrize(("number", "language"), [(24, "cs"), (29, "no"), (43, "sl"), (99, "number 99")])
def test_a_later_language_needs_its_own_files(account: Account, number: int, language: str) -> None:
    """A number that is unknown here is not one of the languages whose numbers are known."""
    account.run(f"UPDATE accounts SET locale = {number} WHERE id = 1")
    account.conversation(1, 1, "Anna nahm es selbst")
    (account.inbox.folder / "de.yml").write_text(LOCALE.format(code="de").replace("nahm", "took"))
    account.inbox.source |= {"locales": str(account.inbox.folder / "*.yml")}
    with pytest.raises(SourceError, match=f"the language of the account is {language}; set `locales`"):
        account.told()
    code = "xx" if number == 99 else language
    (account.inbox.folder / f"{code}.yml").write_text(LOCALE.format(code=code))
    assert account.told() == [("101", "1", "Anna", "user", "Anna")]

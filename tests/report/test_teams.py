"""Who is in which team, and the figures by team: docs/reference/definitions.md, Teams."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.archive.publish import draft_report
from assets.config.deployment import Config
from assets.config.teams import NO_TEAM
from assets.config.workspace import ReportSpec
from assets.errors import ConfigError
from assets.extract.source_teams import stored_source_teams
from assets.report.assignee_balances import count_balances
from assets.report.encoded_log import encode_log
from assets.report.people_model import GroupStations
from assets.report.steps import group_steps
from assets.report.team_figures import find_stations
from assets.report.teams import Teams
from assets.runtime.csv_rows import MORE_CELLS
from orchestration.cli.config_check import examine_config
from tests.conftest import DAY, LATER, Inbox
from tests.report.test_chains import log_of
from tests.report.test_persons import report, steps

PEOPLE = {"Ann": "A", "Al": "A", "Bob": "B", "Cem": "C", "Dee": "D"}
TEAMS = Teams(dict.fromkeys("ABCD", ()), {(None, name): team for name, team in PEOPLE.items()}, {})
ANYBODY = st.sampled_from([None, "bot", *PEOPLE])
STEPS = st.lists(st.tuples(st.sampled_from(["1", "2", "3"]), ANYBODY, ANYBODY), max_size=40)


def stations(*steps: tuple[str, str | None, str | None]) -> GroupStations:
    return find_stations(TEAMS.fold_log(encode_log(log_of(steps))))


@given(STEPS, STEPS)
def test_balances_of_teams_are_sums_of_those_of_their_people(
    early: list[tuple[Any, Any, Any]], late: list[tuple[Any, Any, Any]]
) -> None:
    last = {conversation: number for number, (conversation, _, _) in enumerate(early)}
    before, rows = log_of(early).take(pa.array(sorted(last.values()), pa.int64())), log_of(late)
    found = group_steps(before, rows, encode_log(rows, before))
    figures = ("opening", "received", "released", "unseen", "closing")
    sums: dict[str, list[int]] = {}
    for balance in count_balances(found):
        line = sums.setdefault(PEOPLE.get(balance.assignee, NO_TEAM), [0] * len(figures))
        line[:] = (a + getattr(balance, name) for a, name in zip(line, figures, strict=True))
    counted = {
        each.assignee: [getattr(each, name) for name in figures]
        for each in count_balances(TEAMS.fold_steps(found))
    }
    assert {team: line for team, line in counted.items() if any(line)} == {
        team: line for team, line in sums.items() if any(line)
    }


def test_a_path_has_the_teams_in_order_and_nothing_between_them() -> None:
    found = stations(
        *[("1", None, "bot"), ("1", "bot", "Ann"), ("1", "Ann", "Al"), ("1", "Al", None), ("1", None, "Ann")],
        *[("2", "Ann", "Bob"), ("2", "Bob", "bot"), ("2", "bot", "Cem"), ("2", "Cem", "Bob")],
        *[("3", "Ann", "Bob"), ("4", "Al", "Bob"), ("5", "Cem", "bot"), ("6", None, "bot")],
        *[("7", None, "Ann"), ("7", "Ann", "Bob"), ("7", "Bob", "Cem"), ("7", "Cem", "Dee")],
    )
    assert found.conversation_counts == (2, 2, 1, 1), "the sixth was with no team"
    assert [(each.path, each.count) for each in found.paths] == [
        (("A", "B"), 2),
        (("A", "B", "C", "B"), 1),
        (("A", "B", "C", "D"), 1),
    ]


def test_a_long_path_is_cut_and_is_not_one_that_ends_there() -> None:
    back_and_forth = [("Ann", "Bob") if at % 2 else ("Bob", "Ann") for at in range(13)]
    found = stations(
        *(("1", *step) for step in back_and_forth[1:12]), *(("2", *step) for step in back_and_forth[1:])
    )
    assert [(len(each.path), each.is_cut) for each in found.paths] == [(12, False), (12, True)]
    assert found.conversation_counts == (0, 2, 0, 0)


def test_without_any_step_there_is_nothing() -> None:
    assert stations() == GroupStations(conversation_counts=(0, 0, 0, 0), paths=())


def received(inbox: Inbox) -> dict[str, int]:
    """Return the assignments to each team, which its filter finds too."""
    found = report(inbox).report.teams
    assert found
    columns = [sum(column) for column in zip(*found.hand_offs.counts, strict=True)]
    counts = dict(zip(found.hand_offs.people, columns, strict=False))
    assert {team: report(inbox, team=[team.upper()]).report.total for team in counts} == counts
    assert {each.assignee: each.received for each in found.balances} == counts
    return counts


def test_a_member_is_named_by_id_or_by_any_name_and_an_id_comes_first(inbox: Inbox) -> None:
    steps(inbox, ("7", "Robert"), ("8", "Bob"), first=date(2024, 3, 2), name="earlier.csv")
    steps(inbox, ("7", "Bo"), ("8", "Bob"), ("", "Robert"), ("", "Bob"), ("", "Eve"), ("9", "Zoë"), ("", ""))
    inbox.options["teams"] = {"Sales": ["ROBERT", "bob"], "Support": [8, "zoe"]}
    assert received(inbox) == {"Sales": 2, "Support": 2, NO_TEAM: 2}, "zoe is not Zoë"
    steps(inbox, ("10", "Bob"), first=date(2024, 3, 3), name="later.csv")
    assert received(inbox) == {"Sales": 3, "Support": 1, NO_TEAM: 2}, "a name that two ids have is the name"


def test_who_has_had_names_of_two_teams_must_be_named_by_id(inbox: Inbox) -> None:
    steps(inbox, ("7", "Bob"), ("7", "Robert"))
    inbox.options["teams"] = {"Sales": ["Bob"], "Support": ["Robert"]}
    with pytest.raises(
        ConfigError, match="'7' has had names of two teams, 'Sales' and 'Support'; add the ID"
    ):
        report(inbox)
    inbox.options["teams"] = {"Sales": ["Bob"], "Support": ["Robert", "7"]}
    assert received(inbox) == {"Support": 2}


def test_a_file_adds_members_and_each_wrong_row_is_named(inbox: Inbox) -> None:
    steps(inbox, ("7", "Bob"), ("8", "Eve"), ("9", "Zoe"))
    path = inbox.folder / "teams.csv"
    path.write_text("Team;Assignee\nSales;7\nSupport;zoe\nSales;7\n", encoding="utf-8-sig")
    inbox.options |= {"teams": {"Support": ["Eve"]}, "teams_file": str(path)}
    assert received(inbox) == {"Sales": 1, "Support": 2}
    path.write_text("assignee,team\n7,Sales\n,Sales\neve,Sales\n8,\nBob,sales\nZoe,no team\nRoe, Al,Sales\n")
    with pytest.raises(ConfigError) as caught:
        report(inbox)
    assert str(caught.value).replace(f"{path}, ", "").splitlines() == [
        "line 3: assignee is missing",
        "line 5: team is missing",
        f"line 8: {MORE_CELLS}",
        "line 4: 'eve' is in two teams, 'Support' and 'Sales'; keep one of them",
        "line 6: 'sales' and 'Sales' are one team; write both in the same way",
        "line 7: 'no team' means people in no team; choose another name",
    ]


def test_whom_the_source_has_in_several_teams_is_in_none_unless_configured(inbox: Inbox) -> None:
    steps(inbox, ("7", "Bob"), ("8", "Eve"), ("9", "Zoe"))
    report(inbox)
    inbox.lake.store_text(".teams.json", '{"sales": ["7", "8"], "support": ["8", "9"]}')
    assert stored_source_teams(inbox.lake) == {"sales": ("7", "8"), "support": ("8", "9")}
    inbox.source = {"type": "chatwoot", "url": "postgresql://nobody@127.0.0.1:1/none", "account_id": 1}
    inbox.options["teams_from_source"] = True

    def by_team() -> dict[str, int]:
        spec = ReportSpec(name="mine", first_day=DAY, last_day=DAY)
        draft = draft_report(inbox.lake, inbox.workspace, spec, DAY, LATER)
        assert draft.report.teams
        return {each.assignee: each.received for each in draft.report.teams.balances}

    assert by_team() == {"sales": 1, "support": 1, NO_TEAM: 1}
    inbox.options["teams"] = {"Sales": ["Eve"]}
    assert by_team() == {"Sales": 2, "support": 1}


def test_the_members_are_part_of_what_a_version_was_made_from(inbox: Inbox) -> None:
    steps(inbox, ("7", "Bob"))
    report(inbox)
    spec = ReportSpec(name="mine", first_day=DAY, last_day=DAY)
    assert "teams" not in draft_report(inbox.lake, inbox.workspace, spec, DAY, LATER).configuration
    inbox.options["teams"] = {"Sales": [7]}
    made = draft_report(inbox.lake, inbox.workspace, spec, DAY, LATER)
    assert made.configuration["teams"] == {"Sales": ("7",)}


def test_check_config_finds_unknown_members_and_teams(inbox: Inbox) -> None:
    steps(inbox, ("7", "Bob"))
    report(inbox)
    inbox.options |= {
        "teams": {"Sales": ["Bob", "Eve"]},
        "reports": [{"name": "mine", "preset": "today", "filters": {"team": ["sale", "no TEAM"]}}],
    }
    config = Config(lake=inbox.folder / "lake", archive=Path("out"), workspaces=(inbox.workspace,))
    found = [(each.text, each.is_error) for each in examine_config(config, datetime(2026, 1, 1, tzinfo=UTC))]
    assert found == [
        ("workspaces.acme.teams: no event names 'Eve' so far", False),
        ("workspaces.acme.reports.mine.filters.team: unknown team 'sale'; did you mean 'Sales'?", True),
    ]

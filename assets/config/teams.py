"""Teams of assignees in the configuration: a mapping of teams to their members. No I/O.

`assets/report/teams.py` reads a file of teams and finds the persons of a log in them.
"""

import unicodedata
from collections.abc import Iterable, Mapping
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints

from assets.config.base import Title, quote

NO_TEAM = "No team"
"""The team of people in no team, in reports and as a value of the filter."""

Members = Mapping[str, tuple[str, ...]]
"""The members of each team, by id or name."""


def _id_as_text(value: object) -> object:
    """Return an id that YAML reads as a number as text."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _fold(text: str) -> str:
    return unicodedata.normalize("NFC", text).casefold()


def group_members(entries: Iterable[tuple[str, str, str]]) -> tuple[dict[str, tuple[str, ...]], list[str]]:
    """Return the members of each team, and what is wrong with *entries*: a team, a member, and their place.

    Wrong are a member of two teams, a team in two spellings, and a team with the name of people in none.
    """
    members: dict[str, list[str]] = {}
    teams: dict[str, str] = {_fold(NO_TEAM): NO_TEAM}
    team_of: dict[str, str] = {}
    mistakes = []
    for team, member, place in entries:
        known = teams.setdefault(_fold(team), team)
        other = team_of.setdefault(_fold(member), known)
        if known == NO_TEAM:
            mistakes.append(f"{place}{quote(team)} means people in no team; choose another name")
        elif known != team:
            mistakes.append(
                f"{place}{quote(team)} and {quote(known)} are one team; write both in the same way"
            )
        elif other != team:
            mistakes.append(
                f"{place}{quote(member)} is in two teams, {quote(other)} and {quote(team)}; keep one of them"
            )
        elif member not in members.setdefault(team, []):
            members[team].append(member)
    return {team: tuple(names) for team, names in members.items()}, mistakes


def _grouped(teams: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    members, mistakes = group_members((team, member, "") for team, names in teams.items() for member in names)
    if mistakes:
        raise ValueError("; ".join(mistakes))
    return members


Member = Annotated[str, BeforeValidator(_id_as_text), StringConstraints(strip_whitespace=True, min_length=1)]
Teams = Annotated[dict[Title, Annotated[tuple[Member, ...], Field(min_length=1)]], AfterValidator(_grouped)]

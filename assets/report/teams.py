"""Teams: which team each person of a log is in, and a log with teams in the place of persons.

A person is in today's team for the whole period: docs/reference/definitions.md, Teams. The figures by team
are counted by the functions that count those by person, from the folded log.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from sqlalchemy import ColumnElement, and_, func, not_, or_

from assets.config.teams import NO_TEAM, Members, group_members
from assets.config.workspace import Workspace
from assets.errors import ConfigError
from assets.extract.source_teams import stored_source_teams
from assets.report.encoded_log import Codes, EncodedLog, Person, Persons
from assets.report.folding import fold_case
from assets.report.persons import KnownPersons
from assets.report.steps import Steps
from assets.runtime.csv_rows import MORE_CELLS, read_csv_rows
from assets.warehouse.base import Warehouse
from assets.warehouse.schema import ASSIGNMENT_LOG

_LOG = ASSIGNMENT_LOG.c


@dataclass(frozen=True, slots=True)
class Teams:
    """The members of each team as configured, and the team of each person of the log who is in one.

    *several* are the persons whom the source has in several teams; they are in none.
    """

    members: Members
    team_of: Mapping[Person, str]
    several: Mapping[Person, tuple[str, ...]]

    @property
    def names(self) -> list[str]:
        """Return the names of the teams by their codes; the last one is of people in no team."""
        return [*self.members, NO_TEAM]

    def codes_of(self, persons: Sequence[Person]) -> Codes:
        """Return the code of each person's team; the last item, -1, is the team of person -1: nobody.

        So `codes_of(who)[person codes]` are team codes: places in `names`, or -1.
        """
        code_of = {name: code for code, name in enumerate(self.names)}
        codes = (code_of[self.team_of.get(person, NO_TEAM)] for person in persons)
        return np.array([*codes, -1], np.int64)

    def add_to(self, log: EncodedLog) -> EncodedLog:
        """Return *log* with the team of each of its persons."""
        return replace(log, teams=self.names, team_of=self.codes_of(log.persons.who)[:-1])

    def fold_log(self, log: EncodedLog) -> EncodedLog:
        """Return *log* with teams in the place of persons; a team has no pair of its own."""
        names = self.names
        persons = Persons(
            who=[(None, name) for name in names],
            names=names,
            labels=names,
            label_pair=np.full(len(names), -1),
            of_pair=self.codes_of(log.persons.who)[log.persons.of_pair],
        )
        return replace(log, persons=persons, labels={}, kinds=[None] * len(names))

    def fold_steps(self, steps: Steps) -> Steps:
        """Return *steps* with teams in the place of persons."""
        codes, names = self.codes_of(steps.who), self.names
        return replace(
            steps,
            previous=codes[steps.previous],
            assignee=codes[steps.assignee],
            who=[(None, name) for name in names],
            labels=names,
            keys=names,
            kinds=[None] * len(names),
        )

    def are(self, value: str, persons: KnownPersons) -> ColumnElement[bool]:
        """Return the condition that the assignee is in the team *value*, ignoring case, or in no team."""
        team = fold_case(value)
        if team != fold_case(NO_TEAM):
            members = [person for person, name in self.team_of.items() if fold_case(name) == team]
            return persons.among("assignee", members)
        is_assigned = or_(_LOG.assignee_id.is_not(None), _LOG.assignee_name.is_not(None))
        is_in_team = persons.among("assignee", self.team_of)
        return and_(is_assigned, not_(func.coalesce(is_in_team, False)))


def configured_members(workspace: Workspace) -> Members:
    """Return the members of each team as `teams` and `teams_file` have them.

    Raises ConfigError that names the file and every row that is wrong.
    """
    if workspace.teams_file is None:
        return workspace.teams
    entries = [(team, member, "") for team, members in workspace.teams.items() for member in members]
    unreadable = []
    for line, cells in read_csv_rows(workspace.teams_file, {"assignee", "team"}):
        place = f"{workspace.teams_file}, line {line}: "
        missing = [f"{name} is missing" for name in ("assignee", "team") if not cells.get(name)]
        if wrong := [MORE_CELLS] if cells[""] else missing:
            unreadable.append(f"{place}{wrong[0]}")
        else:
            entries.append((cells["team"], cells["assignee"], place))
    members, conflicts = group_members(entries)
    if unreadable or conflicts:
        raise ConfigError("\n".join([*unreadable, *conflicts]))
    return members


def find_teams(workspace: Workspace, warehouse: Warehouse, persons: KnownPersons) -> Teams:
    """Return the teams of *workspace*, with *persons* of its log in them.

    A configured id comes before a configured name, and either before the source. Raises ConfigError for a
    person who has had the names of members of two teams.
    """
    configured = configured_members(workspace)
    by_id = _teams_by_person(configured, persons.find_by_id)
    by_name = _teams_by_person(configured, persons.find_by_name)
    for person in by_name.keys() - by_id.keys():
        if len(teams := by_name[person]) > 1:
            raise ConfigError(
                f"workspaces.{workspace.slug}.teams: {person[0]!r} has had names of two teams, "
                f"{teams[0]!r} and {teams[1]!r}; add the ID to one of them"
            )
    spellings = {fold_case(team): team for team in configured}
    stored = {
        spellings.get(fold_case(team), team): members
        for team, members in (stored_source_teams(warehouse) if workspace.teams_from_source else {}).items()
    }
    found = {**_teams_by_person(stored, persons.find_by_id), **by_name, **by_id}
    return Teams(
        members={
            team: (*configured.get(team, ()), *stored.get(team, ())) for team in {**configured, **stored}
        },
        team_of={person: teams[0] for person, teams in found.items() if len(teams) == 1},
        several={person: teams for person, teams in found.items() if len(teams) > 1},
    )


def _teams_by_person(
    members: Members, find: Callable[[str], Iterable[Person]]
) -> dict[Person, tuple[str, ...]]:
    """Return the teams of each person whom *find* returns for a member."""
    teams: dict[Person, dict[str, None]] = {}
    for team, values in members.items():
        for person in {person for value in values for person in find(value)}:
            teams.setdefault(person, {})[team] = None
    return {person: tuple(names) for person, names in teams.items()}

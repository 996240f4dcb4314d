"""The teams of a workspace as its source has them: read with each load, stored beside the tables.

Only the latest is kept: a source does not say who was in a team before.
"""

import json

from assets.config.teams import Members
from assets.config.workspace import Workspace
from assets.sources.base import Source, TeamSource
from assets.warehouse.base import Warehouse

_FILE = ".teams.json"


def store_source_teams(workspace: Workspace, source: Source, warehouse: Warehouse) -> None:
    """Store the teams of *source*, if the configuration asks for them. Raises SourceError."""
    if workspace.teams_from_source and isinstance(source, TeamSource):
        warehouse.store_text(_FILE, json.dumps(source.teams(), indent=1))


def stored_source_teams(warehouse: Warehouse) -> Members:
    """Return the ids of the members of each team as of the latest load."""
    teams = json.loads(warehouse.stored_text(_FILE) or "{}")
    return {team: tuple(members) for team, members in teams.items()}

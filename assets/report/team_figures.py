"""Count the figures by team: the reassignment matrix, the balances, and the teams of each conversation.

Matrix and balances are counted by the functions that count those of persons, from a log of teams.
"""

import numpy as np

from assets.config.presentation import Filters
from assets.report.chains import find_hand_offs
from assets.report.components import keeps_chains
from assets.report.encoded_log import Codes, EncodedLog
from assets.report.holdings import Holdings
from assets.report.people_model import GroupStations, TeamFigures, TeamPath
from assets.report.teams import Teams
from assets.runtime.code_order import stable_order

_MOST_TEAMS = 4
_MOST_PATHS = 10
_STEPS = 12


def count_team_figures(
    teams: Teams | None, log: EncodedLog, holdings: Holdings | None, filters: Filters
) -> TeamFigures | None:
    """Return the figures by team of *log*, with what teams hold by *holdings*, or None without *teams*.

    There are no group stations if *filters* take assignments out of conversations.
    """
    if teams is None:
        return None
    folded = teams.fold_log(log)
    return TeamFigures(
        hand_offs=find_hand_offs(folded),
        balances=holdings.team_balances if holdings else (),
        holdings=holdings.team_holdings if holdings else (),
        stations=find_stations(folded) if keeps_chains(filters) else None,
    )


def find_stations(log: EncodedLog) -> GroupStations:
    """Return how many teams the conversations of *log*, a log of teams, were with, and their paths.

    A path begins with the team that had the conversation before, and has no stops outside the teams.
    """
    conversation, team = _find_steps(log)
    names, size = log.persons.labels, len(log.persons.labels)
    visited = np.unique(conversation * size + team) // size
    team_counts = np.minimum(np.bincount(visited), _MOST_TEAMS)
    several = np.flatnonzero(team_counts > 1)
    starts, ends = (np.searchsorted(conversation, several, side) for side in ("left", "right"))
    path = _number_paths(team, starts, ends, size)
    _, firsts, counts = np.unique(path, return_index=True, return_counts=True)
    most = np.lexsort((firsts, -counts))[:_MOST_PATHS]
    return GroupStations(
        conversation_counts=tuple(np.bincount(team_counts, minlength=_MOST_TEAMS + 1)[1:].tolist()),
        paths=tuple(
            TeamPath(
                path=tuple(names[code] for code in team[starts[first] : ends[first]][:_STEPS]),
                is_cut=bool(ends[first] - starts[first] > _STEPS),
                count=int(count),
            )
            for first, count in zip(firsts[most].tolist(), counts[most].tolist(), strict=True)
        ),
    )


def _find_steps(log: EncodedLog) -> tuple[Codes, Codes]:
    """Return the steps of *log*, conversation by conversation: the conversation of each, and its team.

    A step is a change of the team; what happens within a team or outside the teams is none.
    """
    order = log.by_conversation
    conversation = log.conversation[order]
    is_first = np.diff(conversation, prepend=-1) != 0
    team_of, no_team = log.persons.of_pair, len(log.persons.labels) - 1
    conversation = np.concatenate([conversation[is_first], conversation])
    team = np.concatenate([team_of[log.previous[order[is_first]]], team_of[log.assignee[order]]])
    order = stable_order(conversation)
    order = order[(team[order] >= 0) & (team[order] < no_team)]
    conversation, team = conversation[order], team[order]
    is_step = (np.diff(conversation, prepend=-1) != 0) | (np.diff(team, prepend=-1) != 0)
    return conversation[is_step], team[is_step]


def _number_paths(team: Codes, starts: Codes, ends: Codes, size: int) -> Codes:
    """Return a number for each path from *starts* to *ends* of *team*; equal paths have equal numbers.

    Paths that differ only after the steps that are shown are equal, unless one of them ends there.
    """
    numbers = np.zeros(len(starts), np.int64)
    for step in range(_STEPS + 1):
        is_there = starts + step < ends
        code = np.where(is_there, team[np.minimum(starts + step, ends - 1)] if step < _STEPS else 0, size)
        numbers = np.unique(numbers * (size + 1) + code, return_inverse=True)[1]
    return numbers

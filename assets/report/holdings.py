"""Count what follows from who held which contacts when: balances, ownership and the figures of people."""

from dataclasses import dataclass

from assets.config.workspace import Workspace
from assets.report.assignee_balances import count_balances
from assets.report.counting import CountedLog
from assets.report.encoded_log import EncodedLog
from assets.report.ownership import Intervals, count_ownership, describe_holders, micros_of
from assets.report.people import count_assigned, count_people
from assets.report.people_model import AssigneeBalance, AssigneeHolding, Ownership, PersonFigures
from assets.report.reconciliation import by_intervals
from assets.report.request import ReportRequest
from assets.report.steps import group_steps
from assets.report.working_time import WorkingTime


@dataclass(frozen=True, slots=True)
class Holdings:
    """The figures of a report that need to know who held what when its period began."""

    balances: tuple[AssigneeBalance, ...]
    ownership: Ownership
    people: tuple[PersonFigures, ...]
    team_balances: tuple[AssigneeBalance, ...]
    team_holdings: tuple[AssigneeHolding, ...]


def working_time(workspace: Workspace) -> WorkingTime | None:
    """Return the working time of *workspace*, if its hours are configured."""
    hours = workspace.working_hours
    return WorkingTime(hours, workspace.holidays, workspace.zone) if hours else None


def count_holdings(
    request: ReportRequest, log: CountedLog, coded: EncodedLog, previous: EncodedLog | None
) -> Holdings:
    """Return the figures of *log*, whose rows are *coded*, up to the as-of instant of *request*.

    *previous* is the log of the previous period, if people are compared with it.
    """
    steps = group_steps(log.before, log.rows, coded)
    start, end = request.period.bounds
    bounds = micros_of(start), micros_of(min(end, request.as_of))
    intervals = Intervals.of(steps, *bounds)
    hours = working_time(request.workspace)
    working = hours.between if hours else None
    ownership = count_ownership(intervals, coded, request.period, working)
    balances = count_balances(steps)
    team_steps = log.known.teams.fold_steps(steps) if log.known.teams else None
    proof = by_intervals(request, intervals, balances, log.known_since)
    return Holdings(
        balances,
        ownership.model_copy(update={"proof": proof}),
        count_people(
            intervals,
            ownership,
            coded,
            request.spec.return_hours,
            count_assigned(previous) if previous is not None else None,
        ),
        count_balances(team_steps) if team_steps else (),
        describe_holders(Intervals.of(team_steps.without_stays(), *bounds), working) if team_steps else (),
    )

"""Build a `Report` from the warehouse: count every figure from the log, and reconcile the total.

Add a figure in the module of its component; this module only puts them together.
"""

from dataclasses import dataclass
from datetime import date, datetime

import numpy as np
import pyarrow as pa

from assets.aggregates.lineage import data_versions
from assets.config.presentation import Component
from assets.config.teams import Members
from assets.config.workspace import ReportSpec, Workspace
from assets.extract.source_stall import find_stall
from assets.periods import Preset
from assets.report import findings, reconciliation
from assets.report.brand import logo_address
from assets.report.chains import find_chains, find_hand_offs
from assets.report.comparison import compare_periods
from assets.report.components import (
    DATA_FORMATS,
    has_openings,
    keeps_chains,
    needs_whole_log,
    states_of_components,
)
from assets.report.conditions import assess_alert, assess_goal
from assets.report.counting import CountedLog, count_by_day, count_by_source, count_log
from assets.report.day_notes import notes_on
from assets.report.encoded_log import EncodedLog, encode_log
from assets.report.explorer import read_explorer_data
from assets.report.explorer_data import ExplorerData
from assets.report.holdings import count_holdings
from assets.report.key_figures import compare_key_figures, count_key_figures, parts_of_period
from assets.report.log_table import hours_of_the_week
from assets.report.masking import mask_filters
from assets.report.model import (
    DayCount,
    KeyFigure,
    LogSummary,
    Look,
    ProofLine,
    Report,
    Sibling,
    SourceCount,
    Span,
    Total,
)
from assets.report.people_model import AssigneeBalance, HandOffs, Ownership, PersonFigures, TeamFigures
from assets.report.quality import count_quality
from assets.report.reasons import Completeness, find_reasons
from assets.report.report_periods import days_of_report
from assets.report.request import ReportRequest
from assets.report.team_figures import count_team_figures
from assets.warehouse.base import Warehouse

_EXAMPLES = 20


@dataclass(frozen=True, slots=True)
class Built:
    """A report, the rows of its log (columns of `assignment_log`), the encoded log, the explorer's data.

    *teams* are the members of each team that it counts by.
    """

    report: Report
    rows: pa.Table
    coded: EncodedLog
    explorer: ExplorerData | None
    teams: Members


@dataclass(frozen=True, slots=True)
class _Figures:
    """The figures of a log, counted even if they are not shown: all of them prove the total."""

    by_source: tuple[SourceCount, ...]
    by_day: tuple[DayCount, ...]
    heat_map: list[list[int]]
    hand_offs: HandOffs
    assignees: tuple[AssigneeBalance, ...]
    ownership: Ownership | None
    people: tuple[PersonFigures, ...]
    teams: TeamFigures | None

    @property
    def total(self) -> int:
        """Return the number of assignments."""
        return sum(source.count for source in self.by_source)


def build_report(
    warehouse: Warehouse, workspace: Workspace, spec: ReportSpec, report_date: date, as_of: datetime
) -> Built:
    """Return the report *spec* of *workspace* for *report_date*, counting events before *as_of*.

    On the running day it counts up to the instant to which that day is loaded. Raises NoSuchReportDate if the
    period has not begun.
    """
    request = ReportRequest.of(warehouse, workspace, spec, report_date, as_of)
    log = count_log(request)
    coded = log.encode(log.rows, log.before)
    previous = _encode_previous(request, log)
    figures = _count_figures(request, log, coded, previous)
    completeness = _assess_completeness(request, log)
    reasons = find_reasons(request, completeness)
    components = states_of_components(
        spec,
        has_figures=not (request.is_before_first_load or (spec.filters.active and not figures.total)),
        has_teams=figures.teams is not None,
        is_understood=not reasons or completeness.quality.accepted > 0,
    )
    shows = components.shows
    comparison = compare_periods(request, log.previous, figures.by_source) if log.previous else None
    report = Report(
        workspace=workspace.slug,
        workspace_name=workspace.name,
        name=spec.name,
        own_title=spec.title or "",
        preset=spec.preset,
        week_start=workspace.week_start,
        report_date=report_date,
        as_of=request.as_of,
        period=_report_span(request),
        filters=mask_filters(spec.filters) if spec.mask_contacts else spec.filters,
        return_hours=spec.return_hours,
        total=figures.total,
        key_figures=_compare_key_figures(request, coded, previous) if shows(Component.METRIC) else (),
        by_source=figures.by_source,
        by_day=figures.by_day,
        log=_log_summary(spec, figures.total),
        components=components,
        look=_report_look(spec, workspace),
        compare_with=spec.compare_with,
        comparison=comparison if shows(Component.COMPARISON) else None,
        notes=notes_on(request.period, workspace),
        heat_map=figures.heat_map if shows(Component.HEAT_MAP) else (),
        chains=find_chains(coded, spec.return_hours) if shows(Component.CHAINS) else None,
        hand_offs=figures.hand_offs if shows(Component.HAND_OFFS) else None,
        assignees=figures.assignees if shows(Component.ASSIGNEES) else (),
        known_since=log.known_since if has_openings(spec) else None,
        ownership=figures.ownership if shows(Component.OWNERSHIP) else None,
        people=figures.people if shows(Component.PEOPLE) else (),
        leaderboard=spec.leaderboard,
        teams=figures.teams if shows(Component.TEAMS) else None,
        findings=(),
        quality=completeness.quality,
        provisional=bool(reasons),
        reasons=reasons,
        missing_days=tuple(completeness.missing),
        proof=_prove_total(request, log, figures),
        control=reconciliation.by_export(warehouse, request.period, request.as_of, spec.filters),
        data_version=_data_version(request, completeness),
    )
    if shows(Component.FINDINGS):
        report = report.model_copy(update={"findings": findings.find_findings(report)})
    report = report.model_copy(update=_assess(report, workspace, spec))
    explorer = read_explorer_data(request, log) if spec.preset is Preset.EXPLORER else None
    teams = log.known.teams
    return Built(report, log.rows, coded, explorer, teams.members if teams else {})


def _assess(report: Report, workspace: Workspace, spec: ReportSpec) -> dict[str, object]:
    """Return the goals and alerts of *report*, with whether they are met."""
    return {
        "goals": tuple(assess_goal(goal, report) for goal in spec.goals),
        "alerts": tuple(assess_alert(alert, report) for alert in workspace.alerts_of(spec)),
    }


def _data_version(request: ReportRequest, completeness: Completeness) -> str:
    """Return the version of the data that the report counts or compares with."""
    days = days_of_report(request.spec, request.report_date, request.workspace)
    stalled_since = completeness.stall.since if completeness.stall else None
    return data_versions(request.warehouse).of(days, stalled_since)


def _encode_previous(request: ReportRequest, log: CountedLog) -> EncodedLog | None:
    """Return the log of the previous period, if both periods are loaded to the instants that are compared."""
    if log.previous is None or log.previous.rows is None:
        return None
    return None if request.stored.missing(request.period, request.as_of) else encode_log(log.previous.rows)


def _count_figures(
    request: ReportRequest, log: CountedLog, coded: EncodedLog, previous: EncodedLog | None
) -> _Figures:
    holdings = count_holdings(request, log, coded, previous) if has_openings(request.spec) else None
    return _Figures(
        by_source=count_by_source(log.counts),
        by_day=count_by_day(request, log.counts),
        heat_map=hours_of_the_week(coded.instants, request.workspace.zone).tolist(),
        hand_offs=find_hand_offs(coded),
        assignees=holdings.balances if holdings else (),
        ownership=holdings.ownership if holdings else None,
        people=holdings.people if holdings else (),
        teams=count_team_figures(log.known.teams, coded, holdings, request.spec.filters),
    )


def _compare_key_figures(
    request: ReportRequest, coded: EncodedLog, previous: EncodedLog | None
) -> tuple[KeyFigure, ...]:
    hours, filters = request.spec.return_hours, request.spec.filters
    counted_before = (
        count_key_figures(previous, np.zeros(len(previous), np.int64), 1, hours)
        if previous is not None
        else None
    )
    part, part_count = parts_of_period(coded.instants, request.period)
    return compare_key_figures(
        count_key_figures(coded, part, part_count, hours), counted_before, has_chains=keeps_chains(filters)
    )


def _assess_completeness(request: ReportRequest, log: CountedLog) -> Completeness:
    warehouse, period = request.warehouse, request.period
    end = period.bounds[1]
    return Completeness(
        missing=request.missing_days,
        lacking=log.lacking,
        quality=count_quality(warehouse, period, examples=0 if request.spec.mask_contacts else _EXAMPLES),
        stall=find_stall(warehouse, request.workspace, min(request.as_of, end)),
    )


def _prove_total(request: ReportRequest, log: CountedLog, figures: _Figures) -> tuple[ProofLine, ...]:
    """Return the report's total, counted in every way that the report allows."""
    by_rows = (
        ProofLine(name=Total.LOG, total=log.rows.num_rows),
        ProofLine(name=Total.HOURS, total=sum(map(sum, figures.heat_map))),
        ProofLine(name=Total.HAND_OFFS, total=sum(map(sum, figures.hand_offs.counts))),
        *reconciliation.by_assignees(figures.assignees, figures.hand_offs),
        *reconciliation.by_teams(figures.teams),
    )
    return (
        ProofLine(name=Total.SOURCES, total=figures.total),
        ProofLine(name=Total.DAYS, total=sum(day.count for day in figures.by_day)),
        *(by_rows if needs_whole_log(request.spec) else ()),
        *reconciliation.by_aggregates(request.warehouse, request.period, request.as_of, request.spec.filters),
    )


def _report_span(request: ReportRequest) -> Span:
    start, end = request.period.bounds
    return Span(
        first_day=request.period.first_day,
        last_day=request.period.last_day,
        start=start,
        end=end,
        timezone=request.workspace.timezone,
    )


def _log_summary(spec: ReportSpec, total: int) -> LogSummary:
    return LogSummary(
        rows_total=total,
        rows_shown=spec.printed_rows(total),
        files=tuple(format_.file for format_ in DATA_FORMATS if format_ in spec.formats),
        sha256="",
    )


def _report_look(spec: ReportSpec, workspace: Workspace) -> Look:
    return Look(
        language=spec.language,
        paper=spec.paper,
        formats=spec.formats,
        color=spec.brand.color,
        logo=logo_address(spec.brand.logo) if spec.brand.logo else "",
        footer=spec.brand.footer,
        is_masked=spec.mask_contacts,
        attach_log=spec.attach_log,
        is_interactive=spec.interactive,
        csv_bom=spec.csv_bom,
        siblings=()
        if spec not in workspace.all_reports
        else tuple(Sibling(name=other.name, own_title=other.title or "") for other in workspace.all_reports),
    )

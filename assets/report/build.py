"""Build a `Report` from the warehouse: every figure counted from the log, and proved another way."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

import pyarrow as pa
from sqlalchemy import ColumnElement, func, select

from assets.aggregates.lineage import data_versions
from assets.config.base import reveal
from assets.config.presentation import Component, Format
from assets.config.workspace import ReportSpec, Workspace
from assets.errors import ConfigError, NoSuchReportDate
from assets.events import source_label
from assets.extract.source_stall import find_stall
from assets.periods import DAY, Period, first_instant
from assets.report import findings, reconciliation
from assets.report.assignee_balances import count_holdings, last_steps
from assets.report.brand import logo_address
from assets.report.chains import find_chains, find_hand_offs
from assets.report.comparison import compare
from assets.report.encoded_log import CodedLog, code_log
from assets.report.filters import conditions, look_up
from assets.report.log_query import log_rows
from assets.report.log_table import hours_of_the_week
from assets.report.masking import masked, masked_filters
from assets.report.model import (
    TAGGED_ROWS,
    Components,
    DayCount,
    LogSummary,
    Look,
    ProofLine,
    Report,
    SourceCount,
    Span,
    State,
    Total,
)
from assets.report.persons import have_names_only, known_persons
from assets.report.quality import count_quality
from assets.report.readiness import Readiness, first_loaded_day, not_begun, readiness, running_until
from assets.report.reasons import find_reasons
from assets.report.report_periods import days_of_report, period_of
from assets.report.shares import shares_pct
from assets.warehouse.base import Warehouse

if TYPE_CHECKING:
    import pandas as pd  # a second, and Arrow imports it where a report is counted

_EXAMPLES = 20
_DATA_FORMATS = (Format.CSV, Format.XLSX, Format.PARQUET)
_OF_ROWS = (Component.HEAT_MAP, Component.CHAINS, Component.HAND_OFFS, Component.ASSIGNEES)


@dataclass(frozen=True, slots=True)
class Built:
    """A report, the rows of its log (columns of `assignment_log`), and these coded."""

    report: Report
    rows: pa.Table
    coded: CodedLog


def build_report(
    warehouse: Warehouse, workspace: Workspace, spec: ReportSpec, report_date: date, as_of: datetime
) -> Built:
    """Return the report *spec* of *workspace* as read on *report_date*, counting events before *as_of*.

    While the report date is running, it counts up to the instant to which that day was loaded.
    Raises NoSuchReportDate where the period has not begun.
    """
    period = period_of(spec, report_date, workspace)
    if not spec.has_begun(report_date):
        raise NoSuchReportDate(
            f"{spec.name}: {period.first_day} to {period.last_day} has not begun on {report_date}; "
            "give a later report date, or an earlier `first_day`"
        )
    as_of = min(as_of, running_until(warehouse, period, as_of) or as_of)
    stored = readiness(warehouse, workspace)
    read = _read(warehouse, workspace, spec, period, as_of, stored)
    rows, counts, lacking = read.rows, read.counts, read.lacking
    total = int(counts["count"].sum())
    coded = code_log(rows, read.before)
    assignees = count_holdings(read.before, rows, coded) if has_balances(spec) else ()
    missing = [*stored.missing(period, as_of), *not_begun(period, as_of)]
    first = first_loaded_day(warehouse)
    by_source = _by_source(counts)
    by_day = _by_day(counts, period, as_of, set(missing))
    quality = count_quality(warehouse, period, examples=0 if spec.mask_contacts else _EXAMPLES)
    start, end = period.bounds
    stall = find_stall(warehouse, workspace, min(as_of, end))
    reasons = find_reasons(warehouse, workspace, period, missing, lacking, quality, stall)
    has_nothing = first is None or period.last_day < first or (spec.filters.active and not total)
    components = _components(spec, State.NO_DATA if has_nothing else State.SHOWN)
    if reasons and not quality.accepted:
        components = _without_figures(components)
    shows = components.shows
    heat_map = hours_of_the_week(coded.instants, workspace.zone).tolist()
    hand_offs = find_hand_offs(coded)
    by_rows = (
        ProofLine(name=Total.LOG, total=rows.num_rows),
        ProofLine(name=Total.HOURS, total=sum(map(sum, heat_map))),
        ProofLine(name=Total.HAND_OFFS, total=sum(map(sum, hand_offs.counts))),
        *reconciliation.by_assignees(assignees, hand_offs),
    )
    report = Report(
        workspace=workspace.slug,
        workspace_name=workspace.name,
        name=spec.name,
        preset=spec.preset,
        report_date=report_date,
        as_of=as_of,
        period=Span(
            first_day=period.first_day,
            last_day=period.last_day,
            start=start,
            end=end,
            timezone=workspace.timezone,
        ),
        filters=masked_filters(spec.filters) if spec.mask_contacts else spec.filters,
        total=total,
        by_source=by_source,
        by_day=by_day,
        log=LogSummary(
            rows_total=total,
            rows_shown=min(total, spec.pdf_log_rows),
            files=tuple(each.file for each in _DATA_FORMATS if each in spec.formats),
            sha256="",
        ),
        components=components,
        look=Look(
            language=spec.language,
            paper=spec.paper,
            formats=spec.formats,
            color=spec.brand.color,
            logo=logo_address(spec.brand.logo) if spec.brand.logo else "",
            footer=spec.brand.footer,
            is_masked=spec.mask_contacts,
            attach_log=spec.attach_log,
            is_interactive=spec.interactive,
        ),
        comparison=compare(warehouse, stored, spec, period, as_of, read.conditions, by_source)
        if shows(Component.COMPARISON)
        else None,
        heat_map=heat_map if shows(Component.HEAT_MAP) else (),
        chains=find_chains(coded, spec.return_hours) if shows(Component.CHAINS) else None,
        hand_offs=hand_offs if shows(Component.HAND_OFFS) else None,
        assignees=assignees if shows(Component.ASSIGNEES) else (),
        known_since=read.known_since if shows(Component.ASSIGNEES) else None,
        findings=(),
        quality=quality,
        provisional=bool(reasons),
        reasons=reasons,
        missing_days=tuple(missing),
        proof=(
            ProofLine(name=Total.SOURCES, total=sum(each.count for each in by_source)),
            ProofLine(name=Total.DAYS, total=sum(each.count for each in by_day)),
            *(by_rows if _needs_whole_log(spec) else ()),
            *reconciliation.by_aggregates(warehouse, period, as_of, spec.filters),
        ),
        control=reconciliation.by_export(warehouse, period, as_of, spec.filters),
        data_version=data_versions(warehouse).of(
            days_of_report(spec, report_date, workspace), stall.since if stall else None
        ),
    )
    if shows(Component.FINDINGS):
        report = report.model_copy(update={"findings": findings.find(report)})
    return Built(report, rows, coded)


@dataclass(frozen=True, slots=True)
class _Read:
    """What a report counts: the rows of its log where *conditions* hold, and each subject's last step before.

    *counts* are of all rows; *rows* may be the printed ones only. *lacking* are days that *before* misses.
    """

    conditions: Sequence[ColumnElement[bool]]
    counts: "pd.DataFrame"
    rows: pa.Table
    before: pa.Table
    lacking: Sequence[date]
    known_since: date | None


def _read(  # noqa: PLR0913, PLR0917 - what a report is
    warehouse: Warehouse,
    workspace: Workspace,
    spec: ReportSpec,
    period: Period,
    as_of: datetime,
    stored: Readiness,
) -> _Read:
    known = look_up(warehouse, spec.filters)
    filtered = conditions(spec.filters, known)
    counts = _counts(warehouse, period, as_of, filtered)
    printed = log_rows(_first_days(period, counts, spec.pdf_log_rows), as_of, filtered)
    rows = warehouse.query(
        log_rows(period, as_of, filtered) if _needs_whole_log(spec) else printed.limit(spec.pdf_log_rows)
    )
    lacking = stored.opening_missing(period) if has_balances(spec) else []
    known_since = lacking[-1] + DAY if lacking else first_loaded_day(warehouse)
    before = warehouse.query(last_steps(period, known_since)) if has_balances(spec) else rows.slice(0, 0)
    if have_names_only(rows) or have_names_only(before):
        persons = known.persons or known_persons(warehouse)
        rows, before = persons.with_ids(rows), persons.with_ids(before)
    if spec.mask_contacts:
        if workspace.mask_key is None:
            raise ConfigError(f"{workspace.slug}: `mask_contacts` needs the workspace's `mask_key`")
        rows = masked(rows, reveal(workspace.mask_key))
    return _Read(filtered, counts, rows, before, lacking, known_since)


def has_balances(spec: ReportSpec) -> bool:
    """Tell whether the report counts who has which contacts, for which it needs every day before its period.

    A filter would leave steps out.
    """
    return Component.ASSIGNEES in spec.components and not spec.filters.active


def _needs_whole_log(spec: ReportSpec) -> bool:
    """Tell whether more of the log is needed than the rows that are printed: it is large."""
    formats, components = set(spec.formats), set(spec.components)
    has_filters = spec.interactive and Format.HTML in formats and Component.LOG in components
    carries_log = spec.attach_log or spec.pdf_log_rows > TAGGED_ROWS
    of_rows = not formats.isdisjoint(_DATA_FORMATS) or not components.isdisjoint(_OF_ROWS)
    return has_filters or carries_log or of_rows


def _counts(
    warehouse: Warehouse, period: Period, as_of: datetime, conditions: Sequence[ColumnElement[bool]]
) -> "pd.DataFrame":
    """Return how many log rows each `local_day` and `source` has, as `count`; no row is sorted for that."""
    log = log_rows(period, as_of, conditions).order_by(None).subquery().c
    counted = select(log.local_day, log.source, func.count().label("count"))
    frame: pd.DataFrame = warehouse.query(counted.group_by(log.local_day, log.source)).to_pandas()
    return frame


def _first_days(period: Period, counts: "pd.DataFrame", rows: int) -> Period:
    """Return the days of *period* that have its first *rows* rows: the others need not be sorted for them."""
    so_far = counts.groupby("local_day")["count"].sum().sort_index().cumsum()
    enough = so_far[so_far >= rows]
    return period if enough.empty else Period(period.first_day, enough.index[0], period.zone)


def _by_source(counts: "pd.DataFrame") -> tuple[SourceCount, ...]:
    totals = counts.groupby("source")["count"].sum()
    ordered = sorted(totals.items(), key=lambda each: (-each[1], source_label(str(each[0])), str(each[0])))
    shares = shares_pct([int(count) for _, count in ordered])
    return tuple(
        SourceCount(source=str(code), label=source_label(str(code)), count=int(count), share_pct=share)
        for (code, count), share in zip(ordered, shares, strict=True)
    )


def _by_day(
    counts: "pd.DataFrame", period: Period, as_of: datetime, missing: set[date]
) -> tuple[DayCount, ...]:
    totals = counts.groupby("local_day")["count"].sum().reindex(period.days, fill_value=0)
    return tuple(
        DayCount(
            day=day,
            count=int(totals.loc[day]),
            is_loaded=day not in missing and first_instant(day, period.zone) < as_of,
        )
        for day in period.days
    )


def _without_figures(components: Components) -> Components:
    """Return *components* without those that would show a 0 of what nobody could count."""
    kept = {Component.METRIC.value, Component.QUALITY.value, Component.DEFINITIONS.value}
    states = components.model_dump()
    return Components(
        **{
            name: State.NO_DATA if name not in kept and state is State.SHOWN else state
            for name, state in states.items()
        }
    )


def _components(spec: ReportSpec, figures: State) -> Components:
    """Return the state of each component, where those that filters reach are in the state *figures*."""
    filters = spec.filters
    cuts_chains = filters.source or filters.assigned_to or filters.assigned_by
    unfiltered = State.NOT_APPLICABLE if filters.active else State.SHOWN
    states = {
        Component.CHAINS: State.NOT_APPLICABLE if cuts_chains else figures,
        Component.ASSIGNEES: State.NOT_APPLICABLE if filters.active else figures,
        Component.PROOF: State.SHOWN,
        Component.QUALITY: unfiltered,
        Component.DEFINITIONS: State.SHOWN,
    }
    return Components(
        **{
            each.value: states.get(each, figures) if each in spec.components else State.OFF
            for each in Component
        }
    )

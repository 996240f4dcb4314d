"""Report values made by hand, to be rendered."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pyarrow as pa

from assets.config.presentation import Component, Filters, Format
from assets.events import source_label
from assets.periods import Preset
from assets.report.log_table import HEADER
from assets.report.model import (
    Components,
    DayCount,
    KeyFigure,
    KeyFigureName,
    LogSummary,
    Look,
    ProofLine,
    Quality,
    Report,
    SourceCount,
    Span,
    State,
    Total,
)
from assets.report.shares import shares_pct

FIRST = date(2026, 11, 1)
MakeReport = Callable[..., Report]


def showing(*components: Component) -> Components:
    """Return the states of a report that shows *components* and no other: its pages are made much faster."""
    return Components(**{each.value: State.SHOWN if each in components else State.OFF for each in Component})


LOG_ONLY = showing(Component.METRIC, Component.LOG)
ANALYSIS = (
    Component.COMPARISON,
    Component.FINDINGS,
    Component.HEAT_MAP,
    Component.CHAINS,
    Component.HAND_OFFS,
    Component.ASSIGNEES,
    Component.OWNERSHIP,
    Component.PEOPLE,
    Component.TEAMS,
)


def make_report(counts: dict[str, int], *, days: int = 7, rows_shown: int = 0, **changes: Any) -> Report:
    """Return a report of *counts* per source, all of them on its first day."""
    ordered = sorted(counts.items(), key=lambda each: (-each[1], source_label(each[0])))
    total = sum(counts.values())
    report = Report(
        workspace="acme",
        workspace_name="Acme <b>Support</b>",
        name="last_7_days",
        preset=Preset.LAST_7_DAYS,
        report_date=FIRST + timedelta(days),
        as_of=datetime(2026, 12, 1, tzinfo=UTC),
        period=Span(
            first_day=FIRST,
            last_day=FIRST + timedelta(days - 1),
            start=datetime(2026, 11, 1, 4, tzinfo=UTC),
            end=datetime(2026, 11, 8, 5, tzinfo=UTC),
            timezone="America/New_York",
        ),
        filters=Filters(),
        total=total,
        key_figures=(
            KeyFigure(
                name=KeyFigureName.ASSIGNMENTS, value=total, previous=None, change=None, trend=(total, 0)
            ),
        ),
        by_source=tuple(
            SourceCount(source=code, label=source_label(code), count=count, share_pct=share)
            for (code, count), share in zip(ordered, shares_pct([c for _, c in ordered]), strict=True)
        ),
        by_day=tuple(
            DayCount(day=FIRST + timedelta(n), count=0 if n else total, is_loaded=True) for n in range(days)
        ),
        log=LogSummary(rows_total=total, rows_shown=rows_shown, files=("log.csv",), sha256="0" * 64),
        components=Components(
            **{each.value: State.SHOWN for each in Component if each not in ANALYSIS}
            | {each.value: State.OFF for each in ANALYSIS}
        ),
        look=Look(
            language="en",
            paper="A4",
            formats=tuple(Format),
            color="#332288",
            logo="",
            footer="",
            is_masked=False,
            attach_log=False,
            is_interactive=True,
            siblings=(),
        ),
        comparison=None,
        heat_map=(),
        chains=None,
        hand_offs=None,
        assignees=(),
        known_since=None,
        findings=(),
        quality=Quality(
            read=total,
            accepted=total,
            rejected=0,
            duplicates=0,
            no_change=0,
            unreadable=0,
            cleaned=0,
            inferred=0,
            source_unknown=0,
            examples=(),
        ),
        provisional=False,
        missing_days=(),
        proof=(ProofLine(name=Total.LOG, total=total),),
        data_version="0" * 64,
    )
    return report.model_copy(update=changes)


def log_of(names: list[str]) -> pa.Table:
    """Return printed rows whose every text is one of *names*."""
    times = [f"2026-11-01 00:00:{n % 60:02d}-04:00" for n in range(len(names))]
    return pa.table([times, *([names] * (len(HEADER) - 1))], names=list(HEADER))

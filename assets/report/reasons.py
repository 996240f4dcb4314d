"""Find the reasons why a report is provisional, as codes with facts.

Add a reason here (its code in `model.py`), and its sentence in `render/reasons.py`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select

from assets.extract.source_stall import Stall
from assets.periods import Period
from assets.report.model import Quality, Reason, ReasonCode
from assets.report.request import ReportRequest
from assets.warehouse.base import Warehouse
from assets.warehouse.schema import REJECTED_EVENTS


@dataclass(frozen=True, slots=True)
class Completeness:
    """What a report may lack: *missing* days of its period, *lacking* days before it that openings need."""

    missing: Sequence[date]
    lacking: Sequence[date]
    quality: Quality
    stall: Stall | None


def find_reasons(request: ReportRequest, completeness: Completeness) -> tuple[Reason, ...]:
    """Return every reason why a report is provisional; empty if it is complete."""
    return tuple(_iter_reasons(request, completeness))


def _iter_reasons(request: ReportRequest, completeness: Completeness) -> Iterator[Reason]:
    period, quality = request.period, completeness.quality
    if completeness.missing:
        yield Reason(
            code=ReasonCode.DAYS_MISSING, facts={"count": len(completeness.missing), "days": len(period.days)}
        )
    if lacking := completeness.lacking:
        facts = {"count": len(lacking), "first": str(lacking[0]), "last": str(lacking[-1])}
        yield Reason(code=ReasonCode.DAYS_MISSING, facts=facts)
    problems = _input_problems(request.warehouse, period) if quality.unreadable else {}
    for code in (ReasonCode.INPUT_UNREADABLE, ReasonCode.INPUT_GAVE_NOTHING):
        if texts := problems.get(code):
            yield Reason(code=code, facts={"count": len(texts), "first": min(texts)})
    limit = request.workspace.max_rejected_pct
    if 100 * quality.rejected > limit * quality.read:
        yield Reason(
            code=ReasonCode.REJECTED_SHARE,
            facts={"rejected": quality.rejected, "read": quality.read, "limit_pct": limit},
        )
    if stall := completeness.stall:
        yield stall_reason(stall, period)


def stall_reason(stall: Stall, period: Period) -> Reason:
    """Return the reason of a silent source."""
    since = stall.since.astimezone(period.zone).isoformat(" ", "seconds")
    return Reason(code=ReasonCode.SOURCE_STALLED, facts={"since": since, "expected": stall.expected})


def _input_problems(warehouse: Warehouse, period: Period) -> dict[str, set[str]]:
    """Return the reasons of inputs that could not be read or gave nothing, by the problem's code."""
    rejected = REJECTED_EVENTS.c
    rows = warehouse.query(
        select(rejected.problem, rejected.reason)
        .where(rejected.local_day.between(period.first_day, period.last_day), rejected.problem.is_not(None))
        .distinct()
    )
    texts_by_code = dict[str, set[str]]()
    for row in rows.to_pylist():
        texts_by_code.setdefault(row["problem"], set()).add(row["reason"])
    return texts_by_code

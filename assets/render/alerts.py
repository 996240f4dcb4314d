"""The texts of an alert: its heading, its conditions, and the rows that they are about."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from urllib.parse import urlencode

from assets.config.metrics import Measure, Metric, Unit
from assets.config.presentation import Component, Format
from assets.events import source_code
from assets.render.i18n import Words
from assets.render.metrics import basis_text, condition_text
from assets.render.untrusted_text import limit_marks
from assets.report.folding import is_same_source
from assets.report.log_table import UNASSIGNED
from assets.report.model import AlertResult, ConditionResult, Report

_LISTED_ROWS = 5
_SECTIONS = {
    Metric.REASSIGNMENTS: Component.CHAINS,
    Metric.REASSIGNMENT_RATE_PCT: Component.CHAINS,
    Metric.BOUNCE_BACKS: Component.CHAINS,
    Metric.HELD_NOW: Component.OWNERSHIP,
    Metric.UNASSIGNED_NOW: Component.OWNERSHIP,
    Metric.REJECTED_ROWS: Component.QUALITY,
    Metric.REJECTED_PCT: Component.QUALITY,
    Metric.INFERRED_ROWS: Component.QUALITY,
}
_FILTERS = {
    Metric.FIRST_ASSIGNMENTS: {"previous": UNASSIGNED},
    Metric.UNASSIGNMENTS: {"assigned_to": UNASSIGNED},
}
_HOLDING = {Metric.HOLDING_MEDIAN_MINUTES, Metric.HOLDING_P90_MINUTES, Metric.HOLDING_LONGEST_MINUTES}


@dataclass(frozen=True, slots=True)
class AlertNotice:
    """An alert to send, or its all-clear: the conditions, and the report date since which each was met.

    `since` is empty if that is not known.
    """

    result: AlertResult
    since: tuple[date | None, ...] = ()
    is_all_clear: bool = False

    @property
    def named(self) -> list[tuple[ConditionResult, date | None]]:
        """Return the conditions that it names: those that are met, or no longer met in an all-clear."""
        conditions = self.result.conditions
        each = list(zip(conditions, self.since or [None] * len(conditions), strict=True))
        return [pair for pair in each if pair[0].is_met is (not self.is_all_clear)] or each


@dataclass(frozen=True, slots=True)
class ConditionText:
    """A condition, ready to show: its sentence, what its value rests on, its history, and its rows.

    `fragment` leads to the rows on the page; `rows` are the largest ones, as name and value.
    """

    text: str
    basis: str
    history: str
    fragment: str
    rows: tuple[tuple[str, str], ...]

    @property
    def sentence(self) -> str:
        """Return the condition with what its value rests on."""
        return f"{self.text} · {self.basis}" if self.basis else self.text


def alert_subject(notice: AlertNotice, workspace: str, words: Words) -> str:
    """Return the conditions of *notice* and the name of the workspace."""
    (first, _since), *others = notice.named
    text = condition_text(first, words)
    if others:
        text = words.ngettext(
            "%(condition)s and %(count)s more",
            "%(condition)s and %(count)s more",
            len(others),
            condition=text,
        )
    return f"{alert_heading(text, notice, words)} · {workspace}"


def alert_heading(text: str, notice: AlertNotice, words: Words) -> str:
    """Return *text* after the word that says what *notice* is."""
    _ = words.say
    message = _("All-clear: %(condition)s") if notice.is_all_clear else _("Alert: %(condition)s")
    return message % {"condition": text}


def condition_texts(notice: AlertNotice, report: Report, words: Words) -> list[ConditionText]:
    """Return the conditions that *notice* names."""
    return [
        ConditionText(
            text=condition_text(result, words),
            basis=basis_text(result, words),
            history=_history(result, since, report.report_date, words),
            fragment=rows_fragment(result.condition, report),
            rows=tuple(largest_rows(result.condition, report, words)),
        )
        for result, since in notice.named
    ]


def _history(result: ConditionResult, since: date | None, report_date: date, words: Words) -> str:
    """Return since when a condition has been met, or had been met before; or ""."""
    _ = words.say
    if since is None or since == report_date:
        return ""
    still, ended = _("Met since the report of %(day)s."), _("Met since the report of %(day)s, and no longer.")
    return (still if result.is_met else ended) % {"day": words.day(since)}


def rows_fragment(measure: Measure, report: Report) -> str:
    """Return the fragment of the page's address that shows the rows of *measure*; empty if none does."""
    if Format.HTML not in report.look.formats:
        return ""
    if values := _filter_values(measure, report):
        has_filters = report.look.is_interactive and report.components.shows(Component.LOG)
        return urlencode(values) if has_filters else ""
    section = _SECTIONS.get(measure.metric, Component.LOG)
    if measure.kind.unit is Unit.MINUTES:
        section = Component.OWNERSHIP
    return section.value if report.components.shows(section) else ""


def _filter_values(measure: Measure, report: Report) -> dict[str, str]:
    """Return the filter of the page that leaves the rows of *measure*, if there is one."""
    if measure.source is not None:
        found = (each.source for each in report.by_source if is_same_source(measure.source, each.source))
        return {"source": next(found, source_code(measure.source))}
    if measure.assignee is not None:
        return {"assigned_to": measure.assignee}
    return _FILTERS.get(measure.metric, {})


def largest_rows(measure: Measure, report: Report, words: Words) -> list[tuple[str, str]]:
    """Return what a metric consists of, the largest first: name and value of up to five."""
    rows = _parts_of(measure, report, words)
    return [(words.isolated(limit_marks(name)), value) for name, value in rows][:_LISTED_ROWS]


def _parts_of(measure: Measure, report: Report, words: Words) -> Iterator[tuple[str, str]]:
    _, metric = words.say, measure.metric
    if measure.source is not None or measure.assignee is not None:
        return
    if metric in {Metric.ASSIGNMENTS, Metric.ASSIGNMENTS_PER_DAY}:
        yield from ((_(each.label), words.number(each.count)) for each in report.by_source)
    elif metric in {Metric.REASSIGNMENTS, Metric.REASSIGNMENT_RATE_PCT} and report.chains:
        for chain in report.chains.most_assigned:
            count = words.ngettext("%(count)s assignment", "%(count)s assignments", chain.count)
            yield _("Conversation %(id)s") % {"id": chain.conversation_id}, count
    elif metric is Metric.BOUNCE_BACKS and report.chains:
        for pair in report.chains.return_pairs:
            yield f"{pair.first} {words.arrow} {pair.second}", words.number(pair.count)
    elif metric is Metric.HELD_NOW and report.ownership:
        held = sorted(report.ownership.assignees, key=lambda each: (-each.held_count, each.assignee))
        yield from ((each.assignee, words.number(each.held_count)) for each in held if each.held_count)
    elif metric in _HOLDING and report.ownership:
        name = f"{metric.removesuffix('_minutes').rpartition('_')[2]}_seconds"
        timed = [(getattr(each, name), each.assignee) for each in report.ownership.assignees]
        known = sorted((-seconds, assignee) for seconds, assignee in timed if seconds is not None)
        yield from ((assignee, words.duration(-seconds)) for seconds, assignee in known)

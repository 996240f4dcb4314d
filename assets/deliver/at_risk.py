"""The reports that an incident endangers: due within a day, or due and not complete. Pure."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from assets.archive.version import Key, Version
from assets.config.schedule import Tick
from assets.config.workspace import ReportSpec, Workspace
from assets.periods import DAY, local_day

_AT_DEADLINE = {
    "provisional": "built at {} as provisional if days are missing then",
    "skip": "skipped at {} if days are missing then",
    "wait": "waits for its days",
}


@dataclass(frozen=True, slots=True)
class ArchivedReports:
    """The newest version of each report, and the reports that were skipped."""

    newest: Mapping[Key, Version]
    skipped: Collection[Key]


def reports_at_risk(
    workspace: Workspace,
    names: Collection[str],
    archived: ArchivedReports,
    now: datetime,
    *,
    only_overdue: bool = False,
) -> tuple[str, ...]:
    """Return a line for each report date and time, with the reports *names* and what happens to them.

    Of each report, the first issue of the day before and after *now* that is not complete is listed.
    """
    reports: dict[tuple[datetime, str], list[str]] = {}
    for spec in workspace.all_reports:
        for tick in _ticks_around(workspace, spec, now) if spec.name in names else ():
            version = archived.newest.get(Key(workspace.slug, spec.name, tick.report_date))
            if version and not version.provisional:
                continue
            if tick.at <= now or not only_overdue:
                is_skipped = Key(workspace.slug, spec.name, tick.report_date) in archived.skipped
                outlook = "skipped" if is_skipped else _outlook(workspace, spec, tick, version, now)
                line = f"of {tick.report_date}, due {_local(tick.at, workspace)}: {outlook}"
                reports.setdefault((tick.at, line), []).append(spec.name)
            break
    return tuple(f"{', '.join(found)} {line}" for (_, line), found in sorted(reports.items()))


def _ticks_around(workspace: Workspace, spec: ReportSpec, now: datetime) -> Iterator[Tick]:
    today = local_day(now, workspace.zone)
    for tick in workspace.ticks_of(spec, today - DAY, today + DAY):
        is_past = spec.includes_running_day and tick.report_date < today  # it is the report of another day
        if abs(tick.at - now) <= DAY and spec.has_begun(tick.report_date) and not is_past:
            yield tick


def _outlook(
    workspace: Workspace, spec: ReportSpec, tick: Tick, version: Version | None, now: datetime
) -> str:
    if version is None:
        deadline = tick.at + timedelta(hours=spec.deadline_hours)
        outlook = _AT_DEADLINE[spec.when_late].format(_local(deadline, workspace))
        return f"late, {outlook}" if now >= deadline else outlook
    rebuilt = "rebuilt when its days are loaded"
    if spec.when_changed == "flag":
        rebuilt = "`assignment-reports run --outdated` rebuilds it when its days are loaded"
    return f"provisional, {rebuilt}"


def _local(instant: datetime, workspace: Workspace) -> str:
    return f"{instant.astimezone(workspace.zone):%Y-%m-%d %H:%M}"

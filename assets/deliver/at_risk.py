"""The reports that an incident endangers: due within a day, or due and not complete. Pure."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from assets.archive.version import Key, Version
from assets.config.schedule import Tick
from assets.config.workspace import ReportSpec, Workspace
from assets.periods import DAY, local_day
from assets.state.incident import Incident

_AT_DEADLINE = {
    "provisional": "built at {} as provisional if days are missing then",
    "skip": "skipped at {} if days are missing then",
    "wait": "waits for its days",
}
_LATE = {"provisional": "late, not built yet", "skip": "late, not built", "wait": "late, waits for its days"}
_GRACE = timedelta(minutes=20)
"""What happens at the deadline takes some minutes."""


@dataclass(frozen=True, slots=True)
class ArchivedReports:
    """The newest version of each report, and the reports that were skipped."""

    newest: Mapping[Key, Version]
    skipped: Collection[Key]


def reports_at_risk(
    workspace: Workspace, incident: Incident, archived: ArchivedReports, now: datetime
) -> tuple[str, ...]:
    """Return a line for each report date and time of the reports of *incident*, and what happens to them.

    These are the reports that are due from the day on which it began until tomorrow, and are not complete;
    after its end, only those that were due before *now*.
    """
    reports: dict[tuple[datetime, str], list[str]] = {}
    for spec in workspace.all_reports:
        for tick in _ticks(workspace, spec, incident, now) if spec.name in incident.seen.reports else ():
            key = Key(workspace.slug, spec.name, tick.report_date)
            version = archived.newest.get(key)
            if version is None or version.provisional:
                if key in archived.skipped:
                    outlook = "skipped"
                elif version is None and not incident.is_open:
                    outlook = "built next"
                elif version is None and incident.seen.key.endswith("/reports"):
                    outlook = "not built"
                else:
                    outlook = _outlook(workspace, spec, tick, version, now)
                line = f"of {tick.report_date}, due {_local(tick.at, workspace)}: {outlook}"
                reports.setdefault((tick.at, line), []).append(spec.name)
    return tuple(f"{', '.join(found)} {line}" for (_, line), found in sorted(reports.items()))


def _ticks(workspace: Workspace, spec: ReportSpec, incident: Incident, now: datetime) -> Iterator[Tick]:
    today, began = local_day(now, workspace.zone), local_day(incident.since, workspace.zone)
    for tick in workspace.ticks_of(spec, max(began, today - DAY), today + DAY):
        is_past = spec.includes_running_day and tick.report_date < today  # it is the report of another day
        if (incident.is_open or tick.at <= now) and spec.has_begun(tick.report_date) and not is_past:
            yield tick


def _outlook(
    workspace: Workspace, spec: ReportSpec, tick: Tick, version: Version | None, now: datetime
) -> str:
    if version is None:
        deadline = tick.at + timedelta(hours=spec.deadline_hours)
        if now >= deadline + _GRACE:
            return _LATE[spec.when_late]
        return _AT_DEADLINE[spec.when_late].format(_local(deadline, workspace))
    rebuilt = "rebuilt when its days are loaded"
    if spec.when_changed == "flag":
        rebuilt = "`assignment-reports run --outdated` rebuilds it when its days are loaded"
    return f"provisional, {rebuilt}"


def _local(instant: datetime, workspace: Workspace) -> str:
    return f"{instant.astimezone(workspace.zone):%Y-%m-%d %H:%M}"

"""What `status` prints: a table of the workspaces and the open alerts, or JSON for monitors."""

import json
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from zoneinfo import ZoneInfo

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from assets.state.incident import Incident
from orchestration.automation.status import Level, ReportStatus, Status, WorkspaceStatus
from orchestration.cli.messages import printable

_WIDE = 250
_COLUMNS = (
    "Workspace",
    "Newest event",
    "Loaded until",
    "Last load",
    "Reports",
    "Undelivered",
    "Next load",
    "Next reports",
)
_STYLES = {Level.FINE: "green", Level.ATTENTION: "yellow", Level.FAILING: "red"}
_WORDS = {Level.FINE: "fine", Level.ATTENTION: "needs attention", Level.FAILING: "failing"}


def print_status(status: Status) -> None:
    """Print a table of the workspaces, then the open alerts, and how the deployment fares."""
    console = Console(width=None if sys.stdout.isatty() else _WIDE, highlight=False)
    table = Table(
        "Workspace", "Newest event", "Loaded until", box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False
    )
    for name in ("Last load", "Reports", "Undelivered", "Next load", "Next reports"):
        table.add_column(name)
    for workspace in status.workspaces:
        table.add_row(*_cells(workspace))
    console.print(table)
    if lines := list(_details(status)):
        console.print(printable("\n".join(["", *lines])), soft_wrap=True, markup=False)
    console.print(Text(f"\nStatus: {_WORDS[status.level]}", _STYLES[status.level]))


def _cells(status: WorkspaceStatus) -> Iterator[Text]:
    zone = status.workspace.zone
    yield Text(status.workspace.slug, _STYLES[status.level])
    yield _time(status.newest_event, status.at, zone)
    loaded = _time(status.loaded_until, status.at, zone)
    yield loaded.append(", overdue", "yellow") if status.is_load_overdue else loaded
    yield _time(status.loaded_at, status.at, zone)
    counts = {"due": len(status.due) - len(status.late), "late": len(status.late)}
    yield _counts(counts | {"provisional": len(status.provisional)})
    yield _counts(status.undelivered)
    yield _time(status.next_load, status.at, zone)
    yield _time(status.next_reports, status.at, zone)


def _time(instant: datetime | None, now: datetime, zone: ZoneInfo) -> Text:
    """Return a local time, without the date if that is today."""
    if instant is None:
        return Text("-")
    local = instant.astimezone(zone)
    is_today = local.date() == now.astimezone(zone).date()
    return Text(f"{local:%H:%M}" if is_today else f"{local:%m-%d %H:%M}")


def _counts(counts: Mapping[str, int]) -> Text:
    text = ", ".join(f"{count} {name}" for name, count in counts.items() if count)
    return Text(text, "yellow") if text else Text("-")


def _details(status: Status) -> Iterator[str]:
    """Yield the reports that are due, late or provisional, the mistakes and the open alerts."""
    for workspace in status.workspaces:
        due = [report for report in workspace.due if report not in workspace.late]
        for name, reports in (("late", workspace.late), ("due", due), ("provisional", workspace.provisional)):
            by_date: dict[date, list[str]] = defaultdict(list)
            for report in reports:
                by_date[report.report_date].append(report.report)
            for report_date, names in sorted(by_date.items()):
                yield f"{workspace.workspace.slug}: {name}: {', '.join(names)} of {report_date}"
    for mistake in status.mistakes:
        yield f"configuration: {mistake}"
    zones = {each.workspace.slug: each.workspace.zone for each in status.workspaces}
    incidents = [*status.incidents, *(each for space in status.workspaces for each in space.incidents)]
    for incident in sorted(incidents, key=lambda each: each.since):
        yield from _incident_lines(incident, zones.get(incident.seen.workspace, ZoneInfo("UTC")))


def _incident_lines(incident: Incident, zone: ZoneInfo) -> Iterator[str]:
    seen = incident.seen
    since = f"{incident.since.astimezone(zone):%Y-%m-%d %H:%M}"
    yield f"{seen.severity}: {seen.title} since {since}, {incident.times}"
    yield f"  {seen.text}"
    for label, text in (("next", seen.next_step), ("fix", seen.remedy), ("run", seen.run)):
        if text:
            yield f"  {label}: {text}"


def print_json(status: Status) -> None:
    """Print the status as a JSON object; instants are in UTC."""
    record = {
        "level": _WORDS[status.level],
        "at": status.at,
        "workspaces": [_record(workspace) for workspace in status.workspaces],
        "alerts": [_incident_record(incident) for incident in status.incidents],
        "mistakes": status.mistakes,
    }
    sys.stdout.write(json.dumps(record, indent=2, ensure_ascii=False, default=_plain) + "\n")


def _record(status: WorkspaceStatus) -> dict[str, object]:
    return {
        "workspace": status.workspace.slug,
        "level": _WORDS[status.level],
        "timezone": status.workspace.timezone,
        "newest_event": status.newest_event,
        "last_load": status.loaded_at,
        "loaded_until": status.loaded_until,
        "load_overdue": status.is_load_overdue,
        "due": [_report_record(report) for report in status.due],
        "late": [_report_record(report) for report in status.late],
        "provisional": [{"report": key.report, "report_date": key.report_date} for key in status.provisional],
        "undelivered": dict(status.undelivered),
        "next_load": status.next_load,
        "next_reports": status.next_reports,
        "alerts": [_incident_record(incident) for incident in status.incidents],
    }


def _report_record(report: ReportStatus) -> dict[str, object]:
    return {"report": report.report, "report_date": report.report_date, "due_at": report.due_at}


def _incident_record(incident: Incident) -> dict[str, object]:
    seen = incident.seen
    return {
        "key": seen.key,
        "severity": seen.severity,
        "kind": seen.kind,
        "title": seen.title,
        "text": seen.text,
        "since": incident.since,
        "last_at": incident.last_at,
        "count": incident.count,
        "at_risk": incident.at_risk,
        "next_step": seen.next_step,
        "remedy": seen.remedy,
        "run": seen.run,
    }


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, date | datetime) else str(value)

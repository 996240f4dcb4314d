"""The status of a deployment as Prometheus gauges: what `assignment-reports status` shows.

The status is read at most every half a minute. A failure to read it fails no scrape: then only
`assignment_reports_status_up` is there, as 0.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from assets.clock import Clock
from assets.deliver.ledger import UNDELIVERED
from assets.state.incident import Severity
from orchestration.automation.status import Level, Status, WorkspaceStatus

_MAX_AGE = timedelta(seconds=30)
_PREFIX = "assignment_reports"
_LEVELS = {Level.FINE: 0, Level.ATTENTION: 1, Level.FAILING: 2}
_LOG = logging.getLogger(__name__)


@dataclass(eq=False, slots=True)
class StatusCollector(Collector):
    """A collector of a Prometheus registry; *read* returns the status at an instant."""

    read: Callable[[datetime], Status]
    clock: Clock
    _status: Status | None = None
    _read_at: datetime | None = None
    _lock: Lock = field(default_factory=Lock)

    def describe(self) -> list[Metric]:
        """Return nothing, so that registering it reads nothing."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield the gauges of the status."""
        status = self._recent_status()
        yield _gauge("status_up", "Whether the status could be read.", [((), 0 if status is None else 1)])
        if status is not None:
            yield from _gauges(status)

    def _recent_status(self) -> Status | None:
        with self._lock:
            now = self.clock()
            if self._read_at is None or now - self._read_at >= _MAX_AGE:
                self._read_at, self._status = now, self._read(now)
            return self._status

    def _read(self, now: datetime) -> Status | None:
        try:
            return self.read(now)
        except Exception as error:  # noqa: BLE001 - the other metrics are still served
            _LOG.error("the status could not be read: %s", type(error).__name__)
            return None


def _gauges(status: Status) -> Iterator[Metric]:
    mistakes = [((), len(status.mistakes))]
    yield _gauge("configuration_mistakes", "Mistakes of workspaces that are left out.", mistakes)
    levels = [((each.workspace.slug,), _LEVELS[each.level]) for each in status.workspaces]
    levels.append((("",), _LEVELS[status.own_level]))
    yield _gauge("status_level", "0 is fine, 1 needs attention, 2 fails.", levels, "workspace")
    for name, (text, instant_of) in _INSTANTS.items():
        instants = ((each.workspace.slug, instant_of(each)) for each in status.workspaces)
        seconds = [((slug,), instant.timestamp()) for slug, instant in instants if instant]
        yield _gauge(f"{name}_timestamp_seconds", text, seconds, "workspace")
    for name, (text, label, counts_of) in _COUNTS.items():
        counts = [
            ((each.workspace.slug, value), count)
            for each in status.workspaces
            for value, count in counts_of(each).items()
        ]
        yield _gauge(name, text, counts, "workspace", label)
    alerts = {each.workspace.slug: each.incidents for each in status.workspaces} | {"": status.incidents}
    open_alerts = [
        ((slug, severity.value), sum(incident.seen.severity is severity for incident in incidents))
        for slug, incidents in alerts.items()
        for severity in Severity
    ]
    yield _gauge("open_alerts", "Open alerts to the operator.", open_alerts, "workspace", "severity")


_INSTANTS: Mapping[str, tuple[str, Callable[[WorkspaceStatus], datetime | None]]] = {
    "newest_event": ("When the newest event occurred.", lambda each: each.newest_event),
    "last_load": ("When days were last loaded.", lambda each: each.loaded_at),
    "loaded_until": ("Up to when days are loaded.", lambda each: each.loaded_until),
    "next_load": ("When the next load is due.", lambda each: each.next_load),
    "next_reports": ("When the next reports are due.", lambda each: each.next_reports),
}

_COUNTS: Mapping[str, tuple[str, str, Callable[[WorkspaceStatus], Mapping[str, int]]]] = {
    "reports": (
        "Reports that are due and not done, late, or provisional; late ones are due, too.",
        "state",
        lambda each: {"due": len(each.due), "late": len(each.late), "provisional": len(each.provisional)},
    ),
    "undelivered": (
        "Deliveries of the last three days that did not arrive.",
        "state",
        lambda each: {state.value: each.undelivered.get(state, 0) for state in UNDELIVERED},
    ),
}


def _gauge(name: str, text: str, samples: Iterable[tuple[Sequence[str], float]], *labels: str) -> Metric:
    family = GaugeMetricFamily(f"{_PREFIX}_{name}", text, labels=labels)
    for values, value in samples:
        family.add_metric(values, value)
    return family

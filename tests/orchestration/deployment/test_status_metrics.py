"""The gauges of a deployment's status, as Prometheus scrapes them."""

import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import yaml
from prometheus_client import CollectorRegistry, generate_latest
from sqlalchemy.exc import OperationalError

from assets.deliver.failures import Failure, report_failures
from assets.errors import SourceUnreadable
from orchestration.automation.status import Status, read_status
from orchestration.deployment.status_metrics import StatusCollector
from tests.orchestration.simulated_scheduler import configure, simulated_scheduler, write_events

START = datetime(2026, 6, 15, 4, tzinfo=UTC)  # midnight in New York


def test_metrics_have_the_status_and_are_read_at_most_twice_a_minute(tmp_path: Path) -> None:
    write_events(tmp_path, date(2026, 6, 1), 30)
    configure(tmp_path)
    reads = []
    with simulated_scheduler(tmp_path, START, presets=["yesterday"]) as scheduler:
        scheduler.pass_time(START + timedelta(hours=7))
        report_failures(
            scheduler.config, [Failure("acme", "load", SourceUnreadable("no file"))], scheduler.now
        )

        def read(now: datetime) -> Status:
            reads.append(now)
            return read_status(scheduler.config, scheduler.broken, now)

        registry = CollectorRegistry()
        registry.register(StatusCollector(read, lambda: scheduler.now))
        assert reads == [], "nothing is read before the first scrape"
        scraped = {generate_latest(registry).decode() for _ in range(3)}.pop()
        scheduler.now += timedelta(seconds=30)
        generate_latest(registry)
    assert len(reads) == 2
    for line in (
        "assignment_reports_status_up 1.0",
        'assignment_reports_status_level{workspace="acme"} 2.0',
        'assignment_reports_newest_event_timestamp_seconds{workspace="acme"} 1.7814834e+09',
        'assignment_reports_reports{state="late",workspace="acme"} 0.0',
        'assignment_reports_undelivered{state="failed",workspace="acme"} 0.0',
        'assignment_reports_open_alerts{severity="error",workspace="acme"} 1.0',
        'assignment_reports_open_alerts{severity="error",workspace=""} 0.0',
    ):
        assert f"{line}\n" in scraped
    rules = Path("deploy/prometheus-alerts.yaml").read_text()
    named = set(re.findall(r"assignment_reports_\w+", rules))
    assert named == {name for name in named if f"# TYPE {name} gauge\n" in scraped}
    assert len(yaml.safe_load(rules)["groups"][0]["rules"]) == len(named)


def test_a_status_that_cannot_be_read_fails_no_scrape() -> None:
    def read(_now: datetime) -> Status:
        raise OperationalError("SELECT 1", {}, OSError("away"))

    registry = CollectorRegistry()
    registry.register(StatusCollector(read, lambda: START))
    assert generate_latest(registry).decode().splitlines()[-1] == "assignment_reports_status_up 0.0"

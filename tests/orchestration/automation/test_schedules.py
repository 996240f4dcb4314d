"""Each schedule has a job of its name, whose runs the UI lists; what is not of the job is left to the sensor."""

from datetime import UTC, date, datetime
from pathlib import Path

import dagster as dg
import pytest

from assets.archive.catalog import Catalog
from assets.config.loader import load_config
from assets.periods import PRESETS
from orchestration.automation.runs import FLOW_ASSETS
from orchestration.automation.schedules import MAX_WORKSPACES_WITH_JOBS, schedule_jobs, workspace_schedules
from orchestration.definitions import build_definitions
from tests.orchestration.simulated_scheduler import configure, simulated_scheduler, write_events

FLOW = set(FLOW_ASSETS)


def test_each_schedule_targets_a_job_with_the_assets_that_it_requests(tmp_path: Path) -> None:
    reports = [{"name": preset, "preset": preset} for preset in ("last_week", "last_quarter")]
    configure(tmp_path, {"slug": "acme-eu", "reports": reports, "today_every": 15})
    repository = build_definitions(load_config(tmp_path / "reports.yaml")).get_repository_def()
    targets = {
        schedule.name.removeprefix("acme_eu_"): {
            "/".join(key.path[1:])
            for key in repository.get_job(schedule.job_name).asset_layer.executable_asset_keys
        }
        for schedule in repository.schedule_defs
        if schedule.name.startswith("acme_eu_") and schedule.job_name == schedule.name
    }
    assert targets == {
        "nightly_flow": FLOW,
        "today": FLOW | {"report/today", "report/this_month"},
        "daily_reports": FLOW | {f"report/{preset}" for preset in PRESETS if not preset.closed_unit},
        "weekly_report": {"report/last_week"},
        "monthly_report": {"report/last_month"},
        "quarterly_report": {"report/last_quarter"},
        "source_watch": {"source_watch"},
    }


@pytest.mark.parametrize(("more", "has_jobs"), [(0, True), (1, False)])
def test_too_many_workspaces_share_the_job_of_all_assets(
    tmp_path: Path, *, more: int, has_jobs: bool
) -> None:
    configure(tmp_path)
    config = load_config(tmp_path / "reports.yaml")
    (workspace,) = config.workspaces
    config = config.model_copy(update={"workspaces": (workspace,) * (MAX_WORKSPACES_WITH_JOBS + more)})
    stopped = dg.DefaultScheduleStatus.STOPPED
    schedules = workspace_schedules(workspace, config, Catalog(config.state), schedule_jobs(config), stopped)
    assert {schedule.job_name == schedule.name for schedule in schedules} == {has_jobs}
    assert {"so it has no job" in str(schedule.description) for schedule in schedules} == {not has_jobs}


def test_a_monthly_report_waits_until_the_sensor_has_changed_files_loaded(tmp_path: Path) -> None:
    write_events(tmp_path, date(2026, 5, 25), 20)
    configure(tmp_path, {"first_day": "2026-05-25", "at": "05:00"})
    start = datetime(2026, 6, 1, 5, 0, tzinfo=UTC)  # one o'clock in New York
    with simulated_scheduler(tmp_path, start, presets=["yesterday"]) as scheduler:
        scheduler.look()
        write_events(tmp_path, date(2026, 5, 25), 9, "later.csv")
        scheduler.now = datetime(2026, 6, 1, 10, 15, tzinfo=UTC)
        told = str(scheduler.tick("acme_monthly_report"))
        assert "files were added, changed or removed: later.csv" in told
        assert "last_month of 2026-06-01: wait for a load" in told
        scheduler.now = datetime(2026, 6, 1, 10, 18, tzinfo=UTC)
        scheduler.look()
        scheduler.look()
        assert scheduler.made("last_month") == ["2026-06-01 v1 06-01 06:18"]
        assert all(run.success for run in scheduler.runs)


def test_the_sensor_gives_each_run_to_the_job_of_a_schedule(tmp_path: Path) -> None:
    write_events(tmp_path, date(2026, 5, 25), 20)
    reports = [{"name": "last_week", "preset": "last_week"}]
    configure(tmp_path, {"first_day": "2026-05-25", "today_every": 15, "reports": reports})
    start = datetime(2026, 6, 1, 14, 5, tzinfo=UTC)
    with simulated_scheduler(tmp_path, start, presets=["today", "yesterday"]) as scheduler:
        for _ in range(2):
            scheduler.look()
        write_events(tmp_path, date(2026, 5, 30), 3, "late.csv")
        scheduler.now = datetime(2026, 6, 1, 14, 33, tzinfo=UTC)
        for _ in range(3):
            scheduler.look()
        assert {(run.due.split("/")[1], run.job) for run in scheduler.runs} == {
            ("flow", "acme_nightly_flow"),
            ("inputs", "acme_nightly_flow"),
            ("reports", "acme_daily_reports"),
            ("today", "acme_today"),
            ("week", "acme_weekly_report"),
            ("month", "acme_monthly_report"),
            ("rebuild", "acme_daily_reports"),
            ("rebuild", "acme_monthly_report"),
        }

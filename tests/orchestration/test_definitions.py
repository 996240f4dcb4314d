"""The flow as Dagster runs it: the same bytes as the command line, whatever the partitions."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import dagster as dg
import pytest
from sqlalchemy import select

from assets.config.deployment import Config
from assets.config.loader import load_config
from assets.config.workspace import ReportSpec
from assets.extract.load_checks import WATCHED
from assets.partitions import days_read_by, report_dates_of
from assets.periods import PRESETS, RELATIVE_PRESETS, Preset, first_day_of, preset_period
from assets.warehouse.base import open_warehouse
from assets.warehouse.schema import ASSIGNMENT_LOG, LOAD_COUNTS, LOG_COUNTS
from orchestration.automation.runs import FLOW_ASSETS
from orchestration.definitions import build_definitions
from tests.orchestration.command_line import (
    DEMO_PRESETS,
    LAST_DAY,
    CommandLine,
    lose_a_count,
    make_command_line,
)

DAILY = [f"report/{preset}" for preset in PRESETS if preset is not Preset.LAST_MONTH]
ROOT = Path(__file__).parents[2]
RANGE_START, RANGE_END = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


def config_of(command_line: CommandLine) -> Config:
    return load_config(command_line.folder / "reports.yaml")


def run(
    config: Config,
    assets: Sequence[str],
    instance: dg.DagsterInstance,
    *,
    key: str | None = None,
    span: tuple[str, str] | None = None,
) -> dg.ExecuteInProcessResult:
    tags = {RANGE_START: span[0], RANGE_END: span[1]} if span else {}
    return (
        build_definitions(config)
        .resolve_implicit_global_asset_job_def()
        .execute_in_process(
            instance=instance,
            partition_key=key,
            tags=tags,
            raise_on_error=False,
            asset_selection=[dg.AssetKey(["acme", *name.split("/")]) for name in assets],
        )
    )


def materialization(instance: dg.DagsterInstance, *key: str) -> dict[str, object]:
    event = instance.get_latest_materialization_event(dg.AssetKey(list(key)))
    assert event
    assert event.asset_materialization
    return {name: value.value for name, value in event.asset_materialization.metadata.items()}


@pytest.mark.parametrize(
    "command", [("dagster", "definitions", "validate", "-w", "workspace.yaml"), ("dg", "check", "defs")]
)
def test_the_code_location_loads_without_any_variable(command: tuple[str, ...]) -> None:
    program = Path(sys.executable).with_name(command[0])
    environment = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME")}
    done = subprocess.run(
        [str(program), *command[1:]], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_dagster_and_the_command_line_write_the_same_bytes(
    demo: CommandLine, tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    daily = [f"report/{preset}" for preset in DEMO_PRESETS if preset is not Preset.LAST_MONTH]
    check_same_bytes(demo, tmp_path, instance, daily)


def check_same_bytes(
    by_command_line: CommandLine, folder: Path, instance: dg.DagsterInstance, reports: Sequence[str]
) -> None:
    """Make daily *reports* by Dagster in *folder*; fail where a file is not the one of the command line."""
    config = config_of(by_dagster := make_command_line(folder))
    assert run(config, FLOW_ASSETS, instance, span=("2026-09-10", str(LAST_DAY))).success
    assert run(config, reports, instance, key=str(LAST_DAY)).success
    made, told = by_dagster.files(), by_command_line.files()
    same = [name for name in made if not name.endswith("index.html")]
    assert sum(name.endswith(".pdf") for name in same) == len(reports)
    assert [name for name in same if made[name] != told[name]] == []


def test_the_monthly_report_covers_the_month_before_its_partition(
    command_line_all_formats: CommandLine, instance: dg.DagsterInstance
) -> None:
    config = config_of(command_line_all_formats).model_copy(
        update={"archive_url": "https://reports.example.org"}
    )
    assert run(config, FLOW_ASSETS, instance, span=("2026-10-26", "2026-10-31")).success
    assert run(config, ["report/last_month"], instance, key="2026-11-01").success
    shown = materialization(instance, "acme", "report", "last_month")
    assert shown["period"] == "2026-10-01 to 2026-10-31, America/New_York"
    report = json.loads(
        (command_line_all_formats.folder / "out/acme/last_month/2026-11-01/v1/report.json").read_text()
    )
    assert report["total"] > 0
    assert report["total"] == shown["assignments"]
    assert datetime.fromtimestamp(float(str(shown["next_due"])), UTC) > datetime.now(UTC)
    assert "█" * 40 in str(shown["chart"])
    assert shown["pdf"] == "https://reports.example.org/acme/last_month/2026-11-01/v1/report.pdf"


def test_days_run_singly_store_what_one_run_over_them_stores(
    command_line: CommandLine, instance: dg.DagsterInstance
) -> None:
    config = config_of(command_line)
    days = ("2026-10-31", "2026-11-01", "2026-11-02")  # the second has 25 hours
    for day in days:
        assert run(config, FLOW_ASSETS, instance, key=day).success
    one_by_one = command_line.files()
    assert len(one_by_one) == 6 * len(days) + 1, "and who held what when November began"
    assert run(config, FLOW_ASSETS, instance, span=(days[0], days[-1])).success
    assert command_line.files() == one_by_one


def test_a_date_that_never_was_stores_nothing(
    command_line: CommandLine, instance: dg.DagsterInstance
) -> None:
    config = config_of(command_line)
    there = config.workspaces[0].model_copy(
        update={"timezone": "Pacific/Apia", "first_day": date(2011, 12, 1)}
    )
    config = config.model_copy(update={"workspaces": (there,)})
    assert run(config, FLOW_ASSETS, instance, span=("2011-12-29", "2011-12-31")).success
    assert run(config, FLOW_ASSETS, instance, key="2011-12-30").success
    loaded = open_warehouse(config, "acme").query(LOAD_COUNTS.select()).column("local_day").to_pylist()
    assert sorted(loaded) == [date(2011, 12, 29), date(2011, 12, 31)]


def test_each_day_of_a_backfill_shows_its_own_rows(
    command_line: CommandLine, instance: dg.DagsterInstance
) -> None:
    assert run(config_of(command_line), FLOW_ASSETS, instance, span=("2026-10-30", "2026-11-02")).success
    shown: dict[str, dict[str, object]] = {"assignment_events": {}, "assignment_log": {}}
    for name, by_day in shown.items():
        for record in instance.fetch_materializations(dg.AssetKey(["acme", name]), limit=9).records:
            assert record.asset_materialization
            metadata = record.asset_materialization.metadata
            by_day[str(record.partition_key)] = metadata["dagster/partition_row_count"].value
    lake = open_warehouse(config_of(command_line), "acme")
    for name, table, column in (
        ("assignment_events", LOAD_COUNTS, "accepted_count"),
        ("assignment_log", LOG_COUNTS, "log_count"),
    ):
        rows = lake.query(select(table.c.local_day, table.c[column])).to_pylist()
        assert shown[name] == {str(row["local_day"]): row[column] for row in rows}


def test_no_log_line_names_a_contact(
    command_line_all_formats: CommandLine, instance: dg.DagsterInstance
) -> None:
    config = config_of(command_line_all_formats)
    runs = [
        run(config, FLOW_ASSETS, instance, span=("2026-10-27", "2026-11-02")),
        run(config, ["report/last_7_days"], instance, key="2026-11-03"),
    ]
    rows = open_warehouse(config, "acme").query(select(ASSIGNMENT_LOG.c.contact_name).distinct())
    names = {str(name) for name in rows.column(0).to_pylist() if name and len(name) > 3}
    assert len(names) > 10
    for done in runs:
        assert done.success
        for entry in instance.all_logs(done.run_id):
            assert [name for name in names if name in str(entry)] == []


def test_checks_say_what_they_counted(command_line: CommandLine, instance: dg.DagsterInstance) -> None:
    result = run(config_of(command_line), FLOW_ASSETS, instance, key="2026-11-02")
    found = {check.check_name: check for check in result.get_asset_check_evaluations()}
    assert set(found) == {"rows_accounted_for", "rows_reconciled", *WATCHED}
    assert all(check.passed for name, check in found.items() if name != "newest_day_loaded")
    assert "newest day: 2026-11-02; yesterday: " in str(found["newest_day_loaded"].description)
    assert " read = " in str(found["rows_accounted_for"].description)


def test_a_check_of_a_range_has_a_current_result_for_each_partition(
    command_line: CommandLine, instance: dg.DagsterInstance
) -> None:
    days = ("2026-10-31", "2026-11-01", "2026-11-02")
    assert run(config_of(command_line), FLOW_ASSETS, instance, span=(days[0], days[-1])).success
    assert run(config_of(command_line), ["report/yesterday"], instance, span=(days[1], days[2])).success
    for asset, check, partitions in (
        ("assignment_events", "rows_accounted_for", days),
        ("assignment_log", "rows_reconciled", days),
        ("daily_source_aggregates", "rows_reconciled", days),
        ("report/yesterday", "totals_reconcile", days[1:]),
        ("report/yesterday", "complete", days[1:]),
    ):
        key = dg.AssetCheckKey(dg.AssetKey(["acme", *asset.split("/")]), check)
        stored = instance.event_log_storage.get_asset_check_partition_info([key])
        found = {each.partition_key: each for each in stored}
        assert set(found) == set(partitions), check
        assert all(each.is_current for each in stored), "it is about the newest materialization"
        assert {each.latest_execution_status.value for each in stored} == {"SUCCEEDED"}


def test_a_report_over_days_that_are_not_loaded_warns(
    command_line: CommandLine, instance: dg.DagsterInstance
) -> None:
    result = run(config_of(command_line), DAILY, instance, key="2026-11-02")
    assert result.success
    complete = [check for check in result.get_asset_check_evaluations() if check.check_name == "complete"]
    assert len(complete) == 6
    assert not any(check.passed for check in complete)
    assert {check.severity for check in complete} == {dg.AssetCheckSeverity.WARN}


def test_a_report_says_its_period_its_time_and_its_files(command_line: CommandLine) -> None:
    graph = build_definitions(config_of(command_line)).get_repository_def().asset_graph

    def description(report: str) -> str:
        return str(graph.get(dg.AssetKey(["acme", "report", report])).description)

    assert description("explorer") == (
        "Assignments of any period since the first of the previous month. "
        "Due every day at 06:00 (America/New_York). Archived as HTML."
    )
    assert description("last_month") == (
        "Assignments of the month before that of the report date. "
        "Due on the first day of each month at 06:15 (America/New_York). Archived as CSV."
    )


def test_totals_that_differ_fail_their_check_and_archive_nothing(
    command_line: CommandLine, instance: dg.DagsterInstance
) -> None:
    config = config_of(command_line)
    assert run(config, FLOW_ASSETS, instance, key="2026-11-02").success
    lose_a_count(command_line, date(2026, 11, 2))
    result = run(config, DAILY, instance, key="2026-11-02")
    assert not result.success
    logged = instance.all_logs(result.run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION)
    checks = [
        entry.dagster_event.asset_check_evaluation_data
        for entry in logged
        if entry.dagster_event and "today" in entry.dagster_event.asset_check_evaluation_data.asset_key.path
    ]
    assert [(check.check_name, check.passed, check.partition) for check in checks] == [
        ("totals_reconcile", False, "2026-11-02")
    ]
    assert "Daily source aggregates 0" in str(checks[0].description)
    assert not list((command_line.folder / "out/acme/today").glob("*/v*"))


def test_a_source_that_only_a_correction_mends_is_not_tried_again(
    command_line: CommandLine, instance: dg.DagsterInstance
) -> None:
    (command_line.folder / "events" / "events.csv").unlink()
    result = run(config_of(command_line), FLOW_ASSETS, instance, key="2026-11-02")
    assert not result.success
    (failure,) = [event for event in result.all_node_events if event.is_step_failure]
    assert "no file matches" in str(failure.step_failure_data.error)
    assert not [event for event in result.all_node_events if event.is_step_up_for_retry]
    assert command_line.files() == {}


@pytest.mark.filterwarnings("ignore:Parameter `allow_nonexistent_upstream_partitions`")  # in beta, pinned
@pytest.mark.parametrize("week_starts", ["monday", "saturday"])
@pytest.mark.parametrize("preset", RELATIVE_PRESETS)
def test_a_report_waits_for_at_least_the_days_it_covers(
    command_line: CommandLine, preset: Preset, week_starts: str
) -> None:
    spec = ReportSpec(name="mine", preset=preset)
    workspace = (
        config_of(command_line)
        .workspaces[0]
        .model_copy(update={"first_day": date(2023, 1, 1), "week_starts": week_starts})
    )
    dates, days = report_dates_of(workspace, spec), report_dates_of(workspace, workspace.all_reports[0])
    for report_date in (date(2024, 3, 1), date(2024, 3, 31), date(2024, 11, 4)):
        unit = preset.closed_unit
        key = str(first_day_of(unit, report_date, workspace.week_start) if unit else report_date)
        mapped = days_read_by(workspace, spec).get_upstream_mapped_partitions_result_for_partitions(
            dates.subset_with_partition_keys([key]),
            dates,
            days,
            current_time=datetime(2025, 1, 1, tzinfo=UTC),
        )
        read = {date.fromisoformat(each) for each in mapped.partitions_subset.get_partition_keys()}
        covered = set(
            preset_period(
                preset, date.fromisoformat(key), workspace.zone, week_start=workspace.week_start
            ).days
        )
        assert covered <= read
        if not preset.running_unit:
            assert read == covered

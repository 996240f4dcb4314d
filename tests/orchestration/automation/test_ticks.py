"""Days of a deployment: real schedules, real runs, a clock that the test sets."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import dagster as dg
import pytest

from orchestration.automation.failure_sensor import failure_of
from orchestration.automation.runs import FLOW_ASSETS
from tests.orchestration.simulated_scheduler import configure, simulated_scheduler, write_events

NEW_YORK = ZoneInfo("America/New_York")


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def new_york(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=NEW_YORK)


@pytest.mark.parametrize(
    ("zone", "start", "flows"),
    [
        # 23 hours: midnight to one o'clock is missing, so the nightly flow ticks an hour later
        ("America/Havana", "2026-03-07T12:00", ["03-08 01:20", "03-09 00:20"]),
        ("America/Havana", "2026-10-31T12:00", ["11-01 00:20", "11-02 00:20"]),
        ("Pacific/Apia", "2011-12-28T12:00", ["12-29 00:20", "12-31 00:20"]),  # no 30th
    ],
)
def test_each_workspace_ticks_once_a_day_at_its_own_times(
    tmp_path: Path, zone: str, start: str, flows: list[str]
) -> None:
    local = datetime.fromisoformat(start).replace(tzinfo=ZoneInfo(zone))
    write_events(tmp_path, local.date() - timedelta(10), 14)
    configure(tmp_path, {"timezone": zone, "first_day": str(local.date() - timedelta(2))})
    with simulated_scheduler(tmp_path, local.astimezone(UTC), presets=["yesterday"]) as scheduler:
        end = local + timedelta(days=3 if zone == "Pacific/Apia" else 2)
        scheduler.pass_time(end.astimezone(UTC))
        ticked = [run for run in scheduler.runs if run.by != "catch_up"]
        assert all(run.success for run in scheduler.runs)
        told = [
            f"{run.at.astimezone(ZoneInfo(zone)):%m-%d %H:%M}"
            for run in ticked
            if run.by == "acme_nightly_flow"
        ]
        assert list(dict.fromkeys(told)) == flows
        days = [flow[:5] for flow in flows]
        assert [made[-11:] for made in scheduler.made("yesterday")][-2:] == [f"{day} 06:00" for day in days]


def test_data_that_is_there_before_the_tick_waits_for_it(tmp_path: Path) -> None:
    write_events(tmp_path, date(2026, 6, 1), 30)
    configure(tmp_path, {"explorer": True})
    with simulated_scheduler(
        tmp_path, new_york("2026-06-15T00:00").astimezone(UTC), by_dagster=True
    ) as scheduler:
        scheduler.pass_time(new_york("2026-06-15T05:50").astimezone(UTC))
        assert [run.due for run in scheduler.runs if run.due] == ["acme/flow/2026-06-15"]
        assert scheduler.versions() == {}
        scheduler.pass_time(new_york("2026-06-15T07:00").astimezone(UTC))
        assert scheduler.made("yesterday") == ["2026-06-15 v1 06-15 06:00"]
        assert {key.report for key in scheduler.versions()} >= {
            "explorer",
            "today",
            "last_30_days",
            "this_month",
        }
        assert not any(
            version.provisional for key, version in scheduler.versions().items() if key.report == "yesterday"
        )


def test_a_week_and_a_quarter_are_reported_once_each_on_their_first_day(tmp_path: Path) -> None:
    write_events(tmp_path, date(2026, 6, 1), 40)
    reports = [{"name": preset, "preset": preset} for preset in ("last_week", "last_quarter", "this_week")]
    configure(tmp_path, {"reports": reports, "week_starts": "sunday", "first_day": "2026-06-25"})
    start = new_york("2026-06-28T00:00").astimezone(UTC)
    with simulated_scheduler(tmp_path, start, presets=["yesterday"], by_dagster=True) as scheduler:
        scheduler.pass_time(new_york("2026-06-28T06:20").astimezone(UTC))
        assert scheduler.made("last_week") == ["2026-06-28 v1 06-28 06:15"]
        scheduler.is_on = False  # an outage over the first day of the quarter
        scheduler.pass_time(new_york("2026-07-02T08:05").astimezone(UTC))
        scheduler.is_on = True
        scheduler.pass_time(new_york("2026-07-02T09:30").astimezone(UTC))
        assert scheduler.made("last_week") == ["2026-06-28 v1 06-28 06:15"]
        assert [made[:10] for made in scheduler.made("last_quarter")] == ["2026-07-01"]
        assert [made[:10] for made in scheduler.made("this_week")] == ["2026-06-28", "2026-07-02"]
        assert all(run.success for run in scheduler.runs)
        assert {
            "acme/week/2026-06-28/2026-06-28T06:15",
            "acme/quarter/2026-07-01/2026-07-01T06:15",
        } <= {run.due for run in scheduler.runs}


def test_an_outage_leaves_out_no_report_and_doubles_none(tmp_path: Path) -> None:
    write_events(tmp_path, date(2026, 6, 1), 30)
    configure(tmp_path)
    with simulated_scheduler(
        tmp_path, new_york("2026-06-14T12:00").astimezone(UTC), presets=["today", "yesterday"]
    ) as scheduler:
        scheduler.pass_time(new_york("2026-06-15T07:00").astimezone(UTC))
        scheduler.is_on = False
        scheduler.pass_time(new_york("2026-06-18T10:05").astimezone(UTC))
        scheduler.is_on = True
        scheduler.pass_time(new_york("2026-06-19T07:00").astimezone(UTC))
        assert scheduler.made("yesterday") == [
            "2026-06-14 v1 06-14 13:00",  # the first look made good the day's own tick
            "2026-06-15 v1 06-15 06:00",
            "2026-06-16 v1 06-18 11:05",
            "2026-06-17 v1 06-18 11:05",
            "2026-06-18 v1 06-18 11:05",
            "2026-06-19 v1 06-19 06:00",
        ]
        # a report over the running day belongs to that day: those of the outage are gone
        assert [made[:10] for made in scheduler.made("today")] == [
            "2026-06-14",
            "2026-06-15",
            "2026-06-18",
            "2026-06-19",
        ]


def test_after_an_outage_the_running_day_is_loaded_once_for_all_its_reports(tmp_path: Path) -> None:
    write_events(tmp_path, date(2026, 6, 1), 30)
    reports = [
        {"name": preset, "preset": preset, "at": at}
        for preset, at in (("today", "06:00"), ("this_week", "06:10"), ("this_month", "06:20"))
    ]
    configure(tmp_path, {"reports": reports, "first_day": "2026-06-14"})
    start = new_york("2026-06-15T00:00").astimezone(UTC)
    with simulated_scheduler(tmp_path, start, presets=["yesterday"]) as scheduler:
        scheduler.pass_time(new_york("2026-06-15T05:00").astimezone(UTC))
        scheduler.is_on = False
        scheduler.pass_time(new_york("2026-06-15T08:00").astimezone(UTC))
        scheduler.is_on = True
        scheduler.pass_time(new_york("2026-06-15T09:30").astimezone(UTC))
        assert [run.due for run in scheduler.runs if "/today/" in run.due] == [
            "acme/today/2026-06-15/2026-06-15T06:20"
        ]
        made = [scheduler.made(report["name"]) for report in reports]
        assert made == [["2026-06-15 v1 06-15 08:30"]] * 3


def test_a_late_day_makes_a_provisional_report_which_is_made_anew(tmp_path: Path) -> None:
    configure(tmp_path)
    with simulated_scheduler(
        tmp_path, new_york("2026-06-15T00:00").astimezone(UTC), presets=["yesterday", "last_7_days"]
    ) as scheduler:
        scheduler.pass_time(new_york("2026-06-15T11:50").astimezone(UTC))
        assert scheduler.versions() == {}  # no file: the flow fails, the reports wait for their deadline
        flows = [f"{run.at.astimezone(NEW_YORK):%H:%M}" for run in scheduler.runs if "/flow/2026" in run.due]
        assert flows[:2] == ["00:20", "00:30"]  # the tick, then the sensor, with pauses that double
        assert 6 < len(flows) < 12
        scheduler.pass_time(new_york("2026-06-15T12:30").astimezone(UTC))
        made = {key.report: version for key, version in scheduler.versions().items()}
        assert made["yesterday"].provisional
        assert made["yesterday"].version == 1
        write_events(tmp_path, date(2026, 6, 1), 30)
        scheduler.pass_time(new_york("2026-06-16T05:00").astimezone(UTC))
        made = {key.report: version for key, version in scheduler.versions().items()}
        assert (made["yesterday"].provisional, made["yesterday"].version) == (False, 2)
        assert made["yesterday"].outdated_since is None


def test_a_late_report_is_left_out_where_that_is_wanted(tmp_path: Path) -> None:
    configure(tmp_path, {"when_late": "skip", "deadline_hours": 1})
    with simulated_scheduler(
        tmp_path, new_york("2026-06-15T00:00").astimezone(UTC), presets=["yesterday", "last_7_days"]
    ) as scheduler:
        scheduler.pass_time(new_york("2026-06-15T08:00").astimezone(UTC))
        (incident,) = scheduler.alerts.open("acme/load")
        assert "yesterday, last_7_days of 2026-06-15, due 2026-06-15 06:00: skipped" in incident.at_risk
        write_events(tmp_path, date(2026, 6, 1), 30)
        scheduler.pass_time(new_york("2026-06-15T23:00").astimezone(UTC))
        assert "yesterday" not in {key.report for key in scheduler.versions()}
        skipped = {key.report for key in scheduler.catalog.skipped(date(2026, 6, 1))}
        assert "yesterday" in skipped
        scheduler.pass_time(new_york("2026-06-16T07:00").astimezone(UTC))
        assert scheduler.made("yesterday") == ["2026-06-16 v1 06-16 06:00"]


@pytest.mark.parametrize("when_changed", ["rebuild", "flag"])
def test_late_events_are_seen_and_reports_over_them_made_anew_or_flagged(
    tmp_path: Path, when_changed: str
) -> None:
    write_events(tmp_path, date(2026, 6, 1), 30)
    configure(tmp_path, {"when_changed": when_changed})
    with simulated_scheduler(
        tmp_path,
        new_york("2026-06-14T12:00").astimezone(UTC),
        presets=["yesterday", "last_7_days", "last_14_days"],
    ) as scheduler:
        scheduler.pass_time(new_york("2026-06-16T12:00").astimezone(UTC))
        before = scheduler.versions()
        write_events(tmp_path, date(2026, 6, 14), 1, "late.csv", per_day=7, hour=12)
        scheduler.pass_time(new_york("2026-06-17T01:00").astimezone(UTC))
        after = {key: scheduler.versions()[key] for key in before}
        changed = {key for key in after if after[key].version == 2}
        flagged = {key for key in after if after[key].outdated_since}
        assert (flagged if when_changed == "rebuild" else changed) == set()
        over_it = {(key.report, key.report_date.day) for key in changed | flagged}
        assert {("yesterday", 15), ("last_7_days", 15), ("last_7_days", 16)} <= over_it
        assert not {("yesterday", 14), ("last_14_days", 14), ("yesterday", 16)} & over_it
        page = (tmp_path / "out" / "index.html").read_text()
        if when_changed == "rebuild":
            assert "Changes since v1:<br>Total: 4 → 11 (+7)<br>Workflow: 4 → 11 (+7)" in page
        else:
            assert "The data has changed since this version." in page


def test_the_running_day_is_made_as_often_as_told(tmp_path: Path) -> None:
    write_events(tmp_path, date(2026, 6, 1), 30, per_day=24)
    configure(tmp_path, {"today_every": 180})
    with simulated_scheduler(
        tmp_path, new_york("2026-06-15T00:10").astimezone(UTC), presets=["today", "yesterday"]
    ) as scheduler:
        scheduler.pass_time(new_york("2026-06-15T10:00").astimezone(UTC))
        ticked = [f"{run.at.astimezone(NEW_YORK):%H:%M}" for run in scheduler.runs if run.by == "acme_today"]
        assert ticked == ["03:00", "06:00", "09:00"]
        assert scheduler.made("today") == ["2026-06-15 v3 06-15 09:00"]


def test_a_wrong_workspace_is_told_of_and_the_others_go_on(tmp_path: Path) -> None:
    write_events(tmp_path, date(2026, 6, 1), 30)
    configure(tmp_path, {}, {"slug": "beta", "timezone": "Mars/Olympus"}, {"slug": "acme", "name": "twice"})
    with simulated_scheduler(
        tmp_path, new_york("2026-06-15T05:00").astimezone(UTC), presets=["yesterday"]
    ) as scheduler:
        assert [each.slug for each in scheduler.config.workspaces] == ["acme"]
        assert any("workspaces.1.timezone" in sentence for sentence in scheduler.broken)
        scheduler.pass_time(new_york("2026-06-15T07:00").astimezone(UTC))
        assert scheduler.made("yesterday") == ["2026-06-15 v1 06-15 06:00"]
        (incident,) = scheduler.alerts.open("/configuration")
        assert incident.seen.text == "\n".join(scheduler.broken) + "."
        scheduler.folder.joinpath("reports.yaml").unlink()
        configure(tmp_path)
        scheduler.read_configuration()
        scheduler.look()
        assert not scheduler.alerts.open("/configuration")


def test_a_damaged_lake_is_told_of_and_the_others_go_on(tmp_path: Path) -> None:
    write_events(tmp_path, date(2026, 6, 1), 30)
    configure(tmp_path, {}, {"slug": "beta"})
    damaged = tmp_path / "lake" / "acme" / "load_counts" / "local_day=2026-06-12" / "part.parquet"
    damaged.parent.mkdir(parents=True)
    damaged.write_text("no Parquet")
    with simulated_scheduler(
        tmp_path, new_york("2026-06-15T06:30").astimezone(UTC), presets=["yesterday"]
    ) as scheduler:
        scheduler.look()
        assert {run.due[:5] for run in scheduler.runs} == {"beta/"}
        (incident,) = scheduler.alerts.open("acme/planning")
        assert f"{damaged} is damaged, or no file of the lake; remove its day" in incident.seen.text
        damaged.unlink()
        scheduler.look()
        assert not scheduler.alerts.open("acme/planning")


def test_a_failed_run_is_told_in_plain_words(tmp_path: Path) -> None:
    configure(tmp_path)
    with simulated_scheduler(
        tmp_path, new_york("2026-06-15T00:00").astimezone(UTC), by_dagster=True
    ) as scheduler:
        scheduler.pass_time(new_york("2026-06-15T00:25").astimezone(UTC))
        (record,) = scheduler.instance.get_run_records()
        failure = failure_of(scheduler.failure_context(record.dagster_run.run_id), scheduler.config)
    assert (failure.workspace, failure.what, failure.kind) == ("acme", "load", "SourceUnreadable")
    assert failure.days == "2026-06-12 to 2026-06-14"
    assert "no file matches" in str(failure.error)
    assert failure.next_step.startswith("The sensor catch_up tries again within two minutes")
    assert failure.run == f"{record.dagster_run.run_id} in Dagster's UI"


@pytest.mark.parametrize("tag", ["dagster/will_retry", "dagster/backfill"])
def test_a_failure_that_is_not_told_keeps_no_other_from_being_told(tmp_path: Path, tag: str) -> None:
    configure(tmp_path)
    with simulated_scheduler(
        tmp_path, new_york("2026-06-15T00:25").astimezone(UTC), by_dagster=True
    ) as scheduler:
        scheduler.is_failure_sensor_on = False
        for number, tags in enumerate(({}, {tag: "true"}, {})):
            flow = [dg.AssetKey(["acme", name]) for name in FLOW_ASSETS]
            request = dg.RunRequest(f"{number}", asset_selection=flow, partition_key="2026-06-14", tags=tags)
            scheduler.run(request, "acme_nightly_flow")
        scheduler.look("run_failure_alert")
        (incident,) = scheduler.alerts.open("acme/load")
    assert incident.count == 2

"""Changed zones and files, and a source that stops: by the command line, and in the operator's mail."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import yaml

from tests.conftest import HEADER
from tests.orchestration.command_line import CONFIG, DATA_ONLY, LAST_DAY, CommandLine
from tests.servers.mail_server import MailServer

DAY = timedelta(days=1)


def mails(server: MailServer) -> list[str]:
    return [each.content.decode().replace("=\r\n", "").replace("\r\n", " ") for each in server.received]


def write_steady(path: Path, until: datetime, days: int = 60, per_day: int = 96) -> None:
    """Write events at equal distances up to *until*."""
    step = timedelta(days=1) / per_day
    rows = [
        f"{path.stem}-{n},{(until - n * step).isoformat()},c{n},k{n},Ann,,Bob,workflow,"
        for n in range(1, days * per_day)
    ]
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join([HEADER, *rows, ""]))


def test_the_operator_is_mailed_once_when_a_source_stops_and_once_when_it_goes_on(
    tmp_path: Path, server: MailServer
) -> None:
    now = datetime.now(UTC)
    write_steady(tmp_path / "events" / "events.csv", now - timedelta(hours=30))
    first_day = str((now - 58 * DAY).date())
    smtp = yaml.safe_dump(
        {"smtp": json.loads(server.settings().model_dump_json()), "operator": "ops@acme.example"}
    )
    (tmp_path / "reports.yaml").write_text(CONFIG.replace("2026-09-10", first_day) + DATA_ONLY + smtp)
    command_line = CommandLine(tmp_path)
    presets = [f"--preset={name}" for name in ("today", "last_30_days")]
    done = command_line.call(
        "run", "--json", *presets, f"--from={first_day}", f"--to={(now - 3 * DAY).date()}"
    )
    made = {each["report"].partition("_2")[0]: each for each in json.loads(done.stdout)}
    assert made["today"]["reasons"] == ["source_stalled"]
    assert made["today"]["total"] is None
    assert made["custom"]["reasons"] == []
    command_line.call("run", *presets)
    title = "Assignment Reports: acme: the source sends no events Date:"
    assert [f"Subject: {title}" in mail for mail in mails(server)].count(True) == 1
    write_steady(tmp_path / "events" / "more.csv", datetime.now(UTC) - timedelta(minutes=20), days=1)
    done = command_line.call("run", "--json", *presets)
    assert {tuple(each["reasons"]) for each in json.loads(done.stdout)} == {()}
    (resumed,) = (mail for mail in mails(server) if f"Subject: Resolved: {title}" in mail)
    assert "Events have resumed; the newest is at" in resumed


def test_another_zone_or_file_is_read_again_and_the_next_version_says_why(command_line: CommandLine) -> None:
    command_line.run("--preset", "last_7_days")
    (command_line.folder / "events" / "more.csv").write_text(
        f"{HEADER}\nx,2026-10-30T12:00:00Z,c,k,Ann,,Bob,workflow,\n"
    )
    (one,) = command_line.run("--preset", "last_7_days")
    manifest = json.loads((Path(one["path"]) / "manifest.json").read_text())
    assert manifest["supersedes"]["causes"] == ["data"]
    assert manifest["supersedes"]["changes"]["total"][1] == manifest["supersedes"]["changes"]["total"][0] + 1
    configuration = (command_line.folder / "reports.yaml").read_text()
    (command_line.folder / "reports.yaml").write_text(configuration.replace("America/New_York", "Asia/Tokyo"))
    done = command_line.call("run", "--json", "--report-date", str(LAST_DAY), "--preset", "last_7_days")
    assert "reloading: the time zone was America/New_York" in done.stderr
    (two,) = json.loads(done.stdout)
    causes = json.loads((Path(two["path"]) / "manifest.json").read_text())["supersedes"]["causes"]
    assert causes == ["configuration", "data"]
    fresh = CommandLine(command_line.folder / "fresh")
    fresh.folder.mkdir()
    (command_line.folder / "events").rename(fresh.folder / "events")
    (fresh.folder / "reports.yaml").write_text((command_line.folder / "reports.yaml").read_text())
    (again,) = fresh.run("--preset", "last_7_days")
    assert two["total"] == again["total"]


def test_a_renamed_slug_leaves_no_silent_orphan(command_line: CommandLine) -> None:
    command_line.run("--preset", "yesterday")
    path = command_line.folder / "reports.yaml"
    path.write_text(path.read_text().replace("slug: acme", "slug: other"))
    done = command_line.call("check-config")
    assert done.returncode == 0
    for folder in ("lake/acme", "out/acme"):
        assert f"{command_line.folder / folder} belongs to no configured workspace" in done.stderr
    assert "FAIL  Orphan: lake folder" in command_line.call("doctor").stdout

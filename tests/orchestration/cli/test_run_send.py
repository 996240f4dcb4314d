"""`run --send`, as cron starts it: what is due is loaded, made and delivered, once, and what was missed too."""

import json
import re
import shutil
from datetime import UTC, date, datetime, timedelta
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from assets.archive.catalog import Catalog
from assets.deliver.ledger import Ledger
from assets.periods import PRESETS, Preset
from assets.state.run_lock import sole_run
from tests.orchestration.command_line import CommandLine, Finished
from tests.orchestration.simulated_scheduler import configure, write_events
from tests.servers.mail_server import MailServer

FIRST_NIGHT = datetime(2026, 6, 15, 10, 5, tzinfo=UTC)  # 06:05 in New York
DAY = timedelta(days=1)
EVENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ (INFO|WARNING|ERROR) .+")
MANAGERS = {
    "name": "managers",
    "reports": ["yesterday"],
    "recipients": ["ann@acme.example", "bob@acme.example"],
    "attach": ["csv"],
}


class Cron:
    """A folder with an inbox, whose nights the test chooses."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch, server: MailServer) -> None:
        self.folder, self.server, self.now = folder, server, FIRST_NIGHT
        self.command_line = CommandLine(folder)
        self.state = SecretStr(f"sqlite:///{folder}/state.sqlite")
        patch.setattr("orchestration.cli.run_due.read_clock", lambda: self.now)
        kept = tuple(each for each in PRESETS if each in {Preset.TODAY, Preset.YESTERDAY})
        patch.setattr("assets.config.workspace.PRESETS", kept)

    def configure(self, *workspaces: dict[str, Any]) -> None:
        smtp = json.loads(self.server.settings().model_dump_json())
        configure(self.folder, *workspaces, smtp=smtp, operator="ops@acme.example")

    def run(self, *options: str, at: datetime) -> Finished:
        self.now = at
        return self.command_line.call("run", "--send", *options)

    def sent(self) -> list[str]:
        """Return the recipients of all mails so far but the operator's."""
        return [each.recipient for each in self.server.received if each.recipient != "ops@acme.example"]

    def alerts(self) -> list[str]:
        """Return the subjects of the operator's mails."""
        return [
            str(message_from_bytes(each.content, policy=default)["Subject"])
            for each in self.server.received
            if each.recipient == "ops@acme.example"
        ]

    def made(self, slug: str = "acme") -> list[str]:
        return [
            f"{key.report} {key.report_date:%d} v{version.version}"
            for key, version in sorted(Catalog(self.state).newest(workspace=slug).items())
        ]


@pytest.fixture
def cron(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: MailServer) -> Cron:
    write_events(tmp_path, date(2026, 6, 1), 30)
    cron = Cron(tmp_path, monkeypatch, server)
    cron.configure({"subscriptions": [MANAGERS]})
    Ledger(cron.state).since("acme", "managers", ["yesterday"], FIRST_NIGHT - DAY)
    return cron


def test_a_night_is_made_and_sent_once(cron: Cron) -> None:
    done = cron.run(at=FIRST_NIGHT)
    assert done.returncode == 0, done.stderr
    assert cron.made() == ["today 15 v1", "yesterday 15 v1"]
    assert sorted(cron.sent()) == MANAGERS["recipients"]
    lines = done.stderr.splitlines()
    assert all(EVENT.fullmatch(line) for line in lines), done.stderr
    texts = [line.split(" ", 1)[1] for line in lines]
    assert "INFO acme: archived yesterday of 2026-06-15" in texts
    assert (
        "INFO acme: managers, yesterday of 2026-06-15 to ann@acme.example, bob@acme.example: accepted"
        in texts
    )

    again = cron.run("--json", at=FIRST_NIGHT + timedelta(minutes=10))
    assert again.returncode == 0
    (event,) = map(json.loads, again.stdout.splitlines())
    assert (event["level"], event["text"][:11]) == ("INFO", "Finished in")
    assert (again.stderr, len(cron.sent())) == ("", 2)


def test_a_missed_night_is_caught_up_and_sent_unless_it_is_too_late(cron: Cron) -> None:
    cron.run(at=FIRST_NIGHT)
    done = cron.run("--quiet", at=FIRST_NIGHT + 2 * DAY - timedelta(hours=2))  # the first since
    assert (done.returncode, done.stderr) == (0, "")
    assert cron.made() == ["today 15 v2", "yesterday 15 v1", "yesterday 16 v1"]
    assert len(cron.sent()) == 4
    done = cron.run(at=FIRST_NIGHT + 4 * DAY)
    assert cron.made()[-3:] == ["yesterday 17 v1", "yesterday 18 v1", "yesterday 19 v1"]
    assert done.returncode == 7
    assert re.search("ERROR acme: managers, yesterday of 2026-06-17 to .*: expired, not ready", done.stderr)
    assert len(cron.sent()) == 6


def test_late_events_are_loaded_once_a_night_and_sent_as_a_correction(cron: Cron) -> None:
    cron.run(at=FIRST_NIGHT)
    write_events(cron.folder, date(2026, 6, 14), 1, "late.csv", per_day=7, hour=12)
    assert cron.run(at=FIRST_NIGHT + timedelta(minutes=10)).returncode == 0
    assert "yesterday 15 v1" in cron.made()
    done = cron.run(at=FIRST_NIGHT + timedelta(hours=18, minutes=30))  # 00:35, after `flow_at`
    assert done.returncode == 0, done.stderr
    assert "yesterday 15 v2" in cron.made()
    assert len(cron.sent()) == 4


def test_a_refused_recipient_is_said_and_gives_a_code_of_its_own(cron: Cron) -> None:
    cron.server.does("RCPT", "550 nobody here")
    done = cron.run(at=FIRST_NIGHT)
    assert done.returncode == 7
    (lost,) = {*MANAGERS["recipients"]} - {*cron.sent()}
    text = f"ERROR acme: managers, yesterday of 2026-06-15 to {lost}: failed, RCPT: 550 nobody here"
    assert text in done.stderr
    assert len(cron.sent()) == 1
    assert cron.alerts() == ["Assignment Reports: acme: deliveries of managers did not arrive"]
    assert cron.run(at=FIRST_NIGHT + timedelta(minutes=10)).returncode == 0


def test_what_a_mail_server_did_not_take_is_sent_by_the_next_run(cron: Cron) -> None:
    cron.server.does("greeting", "421 not now", "421 not now")
    assert cron.run(at=FIRST_NIGHT).returncode == 7
    assert cron.sent() == []
    done = cron.run(at=FIRST_NIGHT + timedelta(minutes=10))
    assert done.returncode == 0, done.stderr
    assert sorted(cron.sent()) == MANAGERS["recipients"]


def test_a_failing_source_stops_no_other_workspace_and_is_made_up_for(cron: Cron) -> None:
    beta = {"slug": "beta", "source": {"type": "files", "path": "beta/*.csv"}}
    cron.configure(beta, {"subscriptions": [MANAGERS]})
    done = cron.run(at=FIRST_NIGHT)
    assert done.returncode == 3
    assert "ERROR beta: no file matches" in done.stderr
    assert "WARNING beta: yesterday of 2026-06-15: wait, days not loaded: 1" in done.stderr
    assert (cron.made("beta"), len(cron.made()), len(cron.sent())) == ([], 2, 2)
    (alert,) = cron.alerts()
    assert alert.startswith("Assignment Reports: beta: the ")
    cron.run(at=FIRST_NIGHT + timedelta(hours=7))  # past the deadline of the report
    assert cron.made("beta") == ["today 15 v1", "yesterday 15 v1"]
    (cron.folder / "beta").mkdir()
    shutil.copy(cron.folder / "events" / "events.csv", cron.folder / "beta")
    done = cron.run(at=FIRST_NIGHT + DAY)
    assert done.returncode == 0, done.stderr
    assert "yesterday 15 v2" in cron.made("beta")
    assert "yesterday 16 v1" in cron.made("beta")


def test_a_second_one_at_the_same_time_is_refused(cron: Cron) -> None:
    with sole_run(cron.state):
        done = cron.command_line.call_process("run", "--send")
    assert done.returncode == 6
    assert re.fullmatch(
        r"\S+Z ERROR another `run --send` is at work with this state database.*\n", done.stderr
    )
    assert cron.sent() == []


def test_it_takes_no_option_that_chooses_reports(cron: Cron) -> None:
    done = cron.run("--preset", "yesterday", at=FIRST_NIGHT)
    assert done.returncode == 2
    assert "--send makes what is due, and excludes" in done.stderr

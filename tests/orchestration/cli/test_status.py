"""The command `status`: its exit code is for monitors."""

import json
from datetime import UTC, datetime

from pydantic import SecretStr

from assets.state.alerts import AlertLog
from assets.state.incident import Observation
from tests.orchestration.command_line import CONFIG, CommandLine

NOW = datetime(2026, 6, 15, tzinfo=UTC)


def test_the_exit_code_says_how_the_deployment_fares(command_line: CommandLine) -> None:
    state = command_line.folder / "state.sqlite"
    alerts = AlertLog(SecretStr(f"sqlite:///{state}"))
    alerts.observe(Observation("acme/load", "SourceUnreadable", "acme: the load fails", "no file"), NOW)
    failing = command_line.call("status", "--json")
    assert failing.returncode == 9
    (workspace,) = json.loads(failing.stdout)["workspaces"]
    assert [alert["title"] for alert in workspace["alerts"]] == ["acme: the load fails"]
    alerts.end("acme/load", "it works", NOW)
    assert command_line.call("status").returncode in {0, 8}  # by the time of day, reports are due
    (command_line.folder / "reports.yaml").write_text(
        CONFIG.replace("lake: ./lake", "lake: ./lake\nstate: sqlite:////dev/null/x")
    )
    unread = command_line.call("status")
    assert unread.returncode == 1
    assert unread.stderr.startswith("error: the state database cannot be read: ")

"""What the command line says: of a wrong call, the warehouse, this machine and the configuration."""

import csv
import json

import pytest

from assets.config.deployment import Config
from tests.orchestration.command_line import (
    CommandLine,
)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (
            ["run", "--config", "nope.yaml"],
            2,
            "error: nope.yaml: file not found\nhint: name it with --config",
        ),
        (
            ["run", "--preset", "nope"],
            2,
            "error: unknown report of workspace acme: 'nope'\nhint: expected one of today, yesterday",
        ),
        (["run", "--workspace", "nope"], 2, "error: unknown workspace: 'nope'\nhint: expected one of acme"),
        (["run", "--from", "2026-10-01"], 2, "error: --from and --to are required together"),
        (
            ["run", "--from", "2026-10-02", "--to", "2026-10-01"],
            2,
            "--to must not be before --from: 2026-10-01 is before 2026-10-02",
        ),
        (
            ["run", "--report-date", "2999-01-01"],
            2,
            "report date 2999-01-01 has not begun in America/New_York",
        ),
        (["run", "--report-date", "1 May"], 2, "Invalid value for '--report-date'"),
        (["sql", "DROP TABLE assignment_log"], 2, "error: must be one SELECT"),
        (["check-config", "nope.yaml"], 2, "nope.yaml: file not found"),
    ],
)
def test_a_wrong_call_says_what_to_do(
    command_line: CommandLine, arguments: list[str], code: int, message: str
) -> None:
    done = command_line.call(*arguments)
    assert (done.returncode, "Traceback" in done.stderr) == (code, False), done.stderr
    assert message in done.stderr


def test_the_warehouse_answers_questions(demo: CommandLine) -> None:
    done = demo.call(
        "sql",
        "--csv",
        "SELECT source, sum(assignment_count) AS n FROM daily_source_aggregates GROUP BY 1 ORDER BY 2 DESC, 1",
    )
    assert done.returncode == 0, done.stderr
    rows = list(csv.DictReader(done.stdout.splitlines()))
    assert rows[0]["source"] == "user"
    assert (
        "assignment_count"
        in demo.call("sql", "SELECT assignment_count FROM daily_source_aggregates LIMIT 1").stdout
    )


def test_doctor_finds_this_machine_fit(command_line: CommandLine) -> None:
    done = command_line.call("doctor")
    assert done.returncode == 0, done.stdout
    assert "FAIL" not in done.stdout
    (command_line.folder / "reports.yaml").write_text("lake: [")
    sick = command_line.call("doctor")
    assert sick.returncode == 1
    assert "fix: correct reports.yaml" in sick.stdout


def test_the_schema_describes_every_key(command_line: CommandLine) -> None:
    schema = json.loads(command_line.call("schema").stdout)
    assert schema["properties"].keys() == Config.model_fields.keys()
    assert "Workspace" in schema["$defs"]


def test_check_config_counts_what_is_right(command_line: CommandLine) -> None:
    assert (
        command_line.call("check-config", "reports.yaml").stdout
        == "reports.yaml is valid: 1 workspace, 8 reports\n"
    )

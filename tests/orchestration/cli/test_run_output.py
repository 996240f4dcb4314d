"""What `run` prints: its progress on a terminal and in a log, its table, and nothing at all."""

import json
import os
import pty
import re
import subprocess
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from tests.orchestration.command_line import (
    CONFIG,
    DATA_ONLY,
    LAST_DAY,
    PROGRAM,
    CommandLine,
    make_command_line,
)

RUN = ("run", "--report-date", str(LAST_DAY))
COMPARED = (
    DATA_ONLY.replace("[metric, log]", "[metric, comparison, log]")
    + """    reports:
      - {name: handed_over, preset: last_14_days, filters: {source: [user]}}
"""
)
LOG_LINE = re.compile(r"(?P<time>\S+Z) (?P<level>INFO|ERROR) (?P<text>.+)")


def log_lines(text: str) -> list[str]:
    """Return the texts of a log; each line has a time with an offset, and a level."""
    found = [LOG_LINE.fullmatch(line) for line in text.splitlines()]
    assert all(found), text
    assert all(datetime.fromisoformat(each["time"]).tzinfo for each in found if each)
    return [each["text"] for each in found if each]


def on_a_terminal(command_line: CommandLine, *arguments: str) -> str:
    """Run a command on a terminal of 80 columns and return all that it writes there."""
    ours, theirs = pty.openpty()
    environment = {"PATH": "/usr/bin:/bin", "TERM": "xterm", "COLUMNS": "80", "HOME": "/"}
    with subprocess.Popen(
        [PROGRAM, *arguments], cwd=command_line.folder, env=environment, stdout=theirs, stderr=theirs
    ) as process:
        os.close(theirs)
        written = b""
        with suppress(OSError):  # raised when the other end is closed
            while block := os.read(ours, 65536):
                written += block
        os.close(ours)
    assert process.returncode == 0, written
    return written.decode()


def test_a_log_has_each_step_and_the_durations(command_line: CommandLine) -> None:
    lines = log_lines(command_line.call(*RUN, "--preset", "last_7_days").stderr)
    assert lines[:4] == [
        "acme: loading 2026-10-27 to 2026-11-02",
        "acme: building 2026-10-27 to 2026-11-02",
        "acme: rendering 1 report",
        "acme: archived last_7_days of 2026-11-03",
    ]
    assert re.fullmatch(r"Loaded 7 days, [\d,]+ rows in \d+\.\d s \([\d,]+ rows/s\)", lines[4])
    assert re.fullmatch(r"Built 7 days in \d+\.\d s", lines[5])
    assert re.fullmatch(r"Rendered 1 report in \d+\.\d s", lines[6])
    assert re.fullmatch(r"Finished in \d+\.\d s", lines[7])


def test_verbose_also_says_how_far_a_load_is(command_line: CommandLine) -> None:
    lines = log_lines(command_line.call(*RUN, "--preset", "yesterday", "--verbose").stderr)
    read = len((command_line.folder / "events" / "events.csv").read_text().splitlines()) - 1
    assert f"acme: loading 2026-11-02: 1 of 1 day, {read:,} rows" in lines


def test_quiet_prints_errors_and_nothing_else(command_line: CommandLine) -> None:
    done = command_line.call(*RUN, "--preset", "yesterday", "--quiet")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    done = command_line.call(*RUN, "--preset", "yesterday", "--quiet", "--json")
    assert (len(json.loads(done.stdout)), done.stderr) == (1, "")
    done = command_line.call(*RUN, "--from", "2026-11-10", "--to", "2026-11-12", "--quiet")
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = log_lines(done.stderr)
    assert "2026-11-10 to 2026-11-12 has not begun on 2026-11-03" in line
    assert command_line.call("run", "--quiet", "--verbose").returncode == 2


def test_a_terminal_shows_one_live_line_and_removes_it(command_line: CommandLine) -> None:
    written = on_a_terminal(command_line, *RUN, "--preset", "last_7_days")
    live, _, rest = written.rpartition("\x1b[2K")
    assert "acme · loading 2026-10-27 to 2026-11-02 · " in live
    assert all(len(line) < 80 for line in re.sub(r"\x1b\[\??\d*[A-Za-z]", "\n", live).split("\n"))
    plain = re.sub(r"\x1b\[[\d;]*m", "", rest)
    assert "·" not in plain
    assert "Last 7 Days" in plain
    assert "Finished in " in plain
    assert "INFO" not in plain


def test_the_table_has_the_presets_in_order_with_their_change(tmp_path: Path) -> None:
    command_line = make_command_line(tmp_path, 300, CONFIG + COMPARED)
    done = command_line.call(
        *RUN, "--from", "2026-10-01", "--to", "2026-10-02",
        *("--preset", "handed_over"), *("--preset", "last_7_days"), *("--preset", "today"),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Acme Support (acme), report date 2026-11-03" in done.stdout
    rows = re.findall(
        r"^(\S.*?)  +(2026\S.*?)  +([\d,]+)  +([+-][\d,.]+%?|-)  +(v\d .*?) *$", done.stdout, re.MULTILINE
    )
    assert [row[0] for row in rows] == [
        "Today",
        "Last 7 Days",
        "Handed Over",
        "Custom 2026-10-01 2026-10-02",
    ]
    report = json.loads((command_line.folder / "out/acme/last_7_days/2026-11-03/v1/report.json").read_text())
    change = report["total"] / report["comparison"]["total"] - 1
    assert rows[1][1:] == ("2026-10-27 – 11-02", f"{report['total']:,}", f"{change:+.1%}", "v1 new")
    assert f"\nIndex page: {command_line.folder / 'out' / 'index.html'}\n" in done.stdout


def test_reasons_stand_below_the_table_each_once_with_its_reports(command_line: CommandLine) -> None:
    events = command_line.folder / "events" / "events.csv"
    events.with_name("more.csv").write_bytes(b"\x1b[31m no file of rows")
    done = command_line.call(*RUN, "--preset", "yesterday", "--preset", "today")
    assert done.returncode == 3
    assert len(re.findall(r"v1 new, provisional", done.stdout)) == 2
    _, _, below = done.stdout.partition("\nProvisional, the figures can still change:\n")
    assert re.match(
        r"  Today, Yesterday: .*more\.csv.*\n  Today: .*1 of 9 rows was rejected.*\n\nIndex page: ", below
    ), done.stdout
    assert "\x1b" not in done.stdout + done.stderr
    assert re.search(r"ERROR acme: more\.csv.*", done.stderr)
    assert re.search(r"Finished in .* s, exit code 3$", done.stderr.strip())


def test_the_index_has_the_address_that_a_web_server_shows(command_line: CommandLine) -> None:
    config = command_line.folder / "reports.yaml"
    config.write_text(f"archive_url: https://reports.example/acme/\n{config.read_text()}")
    done = command_line.call(*RUN, "--preset", "yesterday")
    assert "\nIndex page: https://reports.example/acme/index.html\n" in done.stdout

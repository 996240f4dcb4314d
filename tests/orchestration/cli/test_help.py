"""`--help` and `--version`: each fits a screen, has an example that the command accepts, and uses the words of others."""

import re
import shlex
from importlib.metadata import version
from typing import Any

import pytest
import typer

from orchestration.cli.app import app
from tests.orchestration.command_line import CommandLine, commands

GROUPS = ["", "sources", "deliveries", "archive"]
NAMES = [*GROUPS, *(name for name, _ in commands(typer.main.get_command(app)))]


def help_of(name: str, command_line: CommandLine) -> str:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TERMINAL_WIDTH", "80")
        done = command_line.call(*name.split(), "--help")
    assert done.returncode == 0, done.stderr
    return done.stdout


def example_of(text: str) -> list[str]:
    found: list[str] = re.findall(r"^  Example:\n    assignment-reports (.*)\n\Z", text, re.MULTILINE)
    assert len(found) == 1, text
    return shlex.split(found[0].partition(" > ")[0])


@pytest.mark.parametrize("name", NAMES)
def test_help_fits_a_screen_and_describes_every_option(name: str, command_line: CommandLine) -> None:
    text = help_of(name, command_line)
    assert len(text.splitlines()) <= 32
    assert max(map(len, text.splitlines())) <= 90
    assert not re.search(r"<bool>|<%|\b(told|anew|so many|whatever|mend)\b|[a-z]\.\.\.$", text, re.MULTILINE)
    for line in re.findall(r"^  -.*", text, re.MULTILINE):
        assert re.search(r"  +[A-Z]|^  -[^ ]+( / --\S+)?( [A-Z:]+)?$", line), line


@pytest.mark.parametrize("name", NAMES)
def test_the_example_of_a_command_is_accepted_by_it(name: str, command_line: CommandLine) -> None:
    words = example_of(help_of(name, command_line))
    assert words[: len(name.split())] == name.split()
    command: Any = typer.main.get_command(app)
    while hasattr(command, "commands"):
        command = command.commands[words.pop(0)]
    if command.name == "import":
        words[0] = "reports.yaml"  # a file that exists
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(command_line.folder)
        command.make_context(command.name, words)


def test_the_commands_are_listed_with_whole_sentences(command_line: CommandLine) -> None:
    listed = re.findall(r"^  ([a-z][a-z-]+)  +([A-Z].*)$", help_of("", command_line), re.MULTILINE)
    assert [name for name, _ in listed][:3] == ["init", "check-config", "run"]
    assert len(listed) == len(typer.main.get_command(app).commands)  # type: ignore[attr-defined]
    assert all(text.endswith(".") for _, text in listed)


def test_the_version_is_that_of_the_distribution(command_line: CommandLine) -> None:
    assert command_line.call("--version").stdout == f"assignment-reports {version('assignment-reports')}\n"

"""Small inboxes with the command line, shared by the tests of what runs the flow."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from assets.runtime.file_locks import file_lock
from tests.orchestration.command_line import (
    CONFIG,
    DATA_ONLY,
    DEMO_PRESETS,
    CommandLine,
    make_command_line,
    make_demo,
)
from tests.servers.mail_server import MailServer, mail_server


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> CommandLine:
    """A folder with the reports of three presets, made by the first process of the tests that wants it."""
    shared = tmp_path_factory.getbasetemp().parent if "PYTEST_XDIST_WORKER" in os.environ else None
    folder = shared / "demo" if shared else tmp_path_factory.mktemp("demo")
    with file_lock(folder):
        if not (folder / "out").exists():
            folder.mkdir(exist_ok=True)
            make_demo(folder, *DEMO_PRESETS)
    return CommandLine(folder)


@pytest.fixture
def command_line_all_formats(tmp_path: Path) -> CommandLine:
    """A small inbox whose reports are made as every file there is."""
    return make_command_line(tmp_path, 300)


@pytest.fixture
def command_line(tmp_path: Path) -> CommandLine:
    """A small inbox whose reports are data files, which are made fast."""
    return make_command_line(tmp_path, 300, CONFIG + DATA_ONLY)


@pytest.fixture
def server() -> Iterator[MailServer]:
    with mail_server() as server:
        yield server

"""Small inboxes with the command line, shared by the tests of what runs the flow."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from assets.runtime.file_locks import file_lock
from tests.orchestration.command_line import CONFIG, DATA_ONLY, CommandLine, make_command_line
from tests.servers.mail_server import MailServer, mail_server


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> CommandLine:
    """A folder in which every preset was run once, by the first process of the tests that wants it."""
    shared = tmp_path_factory.getbasetemp().parent if "PYTEST_XDIST_WORKER" in os.environ else None
    folder = shared / "demo" if shared else tmp_path_factory.mktemp("demo")
    with file_lock(folder):
        if not (folder / "out").exists():
            folder.mkdir(exist_ok=True)
            make_command_line(folder).run_process(PYTHONHASHSEED="1", TZ="Etc/GMT+1", SOURCE_DATE_EPOCH="1")
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

"""A web server that does what a test tells it to, and a folder for a deployment that posts to it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.web_receiver import Receiver, web_receiver


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with web_receiver() as receiver:
        yield receiver


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, receiver: Receiver) -> Path:
    monkeypatch.setenv("HOOK_URL", receiver.url)
    return tmp_path

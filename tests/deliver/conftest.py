"""A mail server that does what a test tells it to, and a deployment that sends to it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deliver.delivery_deployment import DeliveryDeployment
from tests.servers.mail_server import MailServer, mail_server


@pytest.fixture
def server() -> Iterator[MailServer]:
    with mail_server() as server:
        yield server


@pytest.fixture
def deployment(tmp_path: Path, server: MailServer) -> DeliveryDeployment:
    return DeliveryDeployment(tmp_path, server)

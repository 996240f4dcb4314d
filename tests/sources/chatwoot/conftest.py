"""An account of its own for each test of Chatwoot's tables."""

from collections.abc import Iterator

import pytest

from tests.conftest import Inbox
from tests.servers.postgres import Postgres
from tests.sources.chatwoot.account import Account


@pytest.fixture
def account(postgres: Postgres, inbox: Inbox) -> Iterator[Account]:
    made = Account(postgres, inbox)
    yield made
    postgres.run(f"DROP DATABASE {made.name} WITH (FORCE)")

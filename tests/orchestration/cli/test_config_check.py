"""What `check-config` finds in the URLs of databases, also where a password is not set yet."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from orchestration.cli.config_check import examine_config
from tests.config.test_loader import LEAST, read

NOW = datetime(2026, 11, 28, tzinfo=UTC)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgres://h/d", "unknown dialect 'postgres'; did you mean 'postgresql'?"),
        ("foo+bar://u:${NOT_SET}@h/d", "unknown dialect 'foo+bar'; expected one of mssql, mysql, oracle, postgresql, sqlite"),
        ("h/d", "must be a database URL, such as postgresql://user@host/name"),
        ("postgresql//u:hunter2@h/d", "must be a database URL, such as postgresql://user@host/name"),
        ("mysql+nope://h/d", "unknown dialect 'mysql+nope'; did you mean 'mysql'?"),
    ],
)  # fmt: skip
def test_a_database_that_cannot_be_is_found_at_once(tmp_path: Path, url: str, said: str) -> None:
    source = '{type: files, path: "events/*.csv"}'
    config = read(tmp_path, LEAST.replace(source, f'{{type: sql, url: "{url}", table: t}}'))
    found = [each.text for each in examine_config(config, NOW)]
    assert f"workspaces.acme.source.url: {said}" in found


@pytest.mark.parametrize("url", ["${NOT_SET}", "postgresql://u:${NOT_SET}@h/d"])
def test_a_url_whose_variable_is_not_set_is_no_mistake_beyond_that(tmp_path: Path, url: str) -> None:
    config = read(tmp_path, f'{LEAST}state: "{url}"\n'.replace("events/*.csv", "*.csv"))
    (tmp_path / "a.csv").write_text("occurred_at,contact_id,assignee\n2026-11-01T12:00:00Z,k,Bob\n")
    found = [each.text for each in examine_config(config, NOW)]
    assert found == ["state: environment variable NOT_SET is not set"]

"""What one machine needs is the core; what is configured beyond it names the extra to install."""

import sys
import tomllib
from collections.abc import Callable
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from pydantic import SecretStr
from sqlalchemy import make_url
from typer.testing import CliRunner

from assets.archive.archive import Archive
from assets.archive.catalog import Catalog
from assets.archive.index_pages import write_index
from assets.config.deployment import Config
from assets.config.loader import load_config
from assets.config.needed_extras import missing_extras, needed_extras
from assets.deliver.channels.base import Timeouts
from assets.deliver.channels.connect import open_transport
from assets.deliver.outbox import Outbox
from assets.runtime.extras import EXTRAS, MissingExtraError
from assets.sources.database.connections import open_database
from assets.sources.webhooks.inbox import open_inbox
from assets.state.database import open_state
from assets.warehouse.base import open_warehouse
from orchestration.cli.app import app
from orchestration.deployment.instance_files import instance_of
from tests.conftest import LATER

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EVERYTHING = """
lake: s3://bucket/lake
archive: s3://bucket/reports
state: "postgresql+psycopg://localhost/state"
execution: celery
broker: redis://localhost
workspaces:
  - slug: acme
    name: Acme
    timezone: UTC
    first_day: 2024-01-01
    source: {type: respond_io, signing_keys: [k], api_token: t, inbox: "postgresql://localhost/inbox"}
    subscriptions:
      - name: shelf
        reports: [yesterday]
        sftp: {host: files.example, username: acme, password: p, known_hosts: known_hosts}
  - slug: beta
    name: Beta
    timezone: UTC
    first_day: 2024-01-01
    source: {type: sql, url: "postgresql://localhost/events", table: events}
"""
NEEDED = {
    "state": "postgresql",
    "lake": "s3",
    "archive": "s3",
    "execution": "celery",
    "workspaces.acme.source.type": "webhooks",
    "workspaces.acme.source.inbox": "postgresql",
    "workspaces.acme.source.api_token": "respond-io",
    "workspaces.acme.subscriptions.shelf.sftp": "sftp",
    "workspaces.beta.source.url": "postgresql",
}


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """A configuration that uses nearly every extra."""
    (tmp_path / "reports.yaml").write_text(EVERYTHING)
    return load_config(tmp_path / "reports.yaml")


@pytest.fixture
def core_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide the modules of all extras: they are neither found nor imported."""
    for module in {module for modules in EXTRAS.values() for module in modules}:
        monkeypatch.setitem(sys.modules, module, None)


def test_the_extras_of_the_code_are_those_of_the_distribution() -> None:
    extras = {
        name: [Requirement(each) for each in listed]
        for name, listed in PROJECT["optional-dependencies"].items()
    }
    (everything,) = extras.pop("all")
    assert everything.name == PROJECT["name"]
    assert everything.extras == extras.keys() == EXTRAS.keys()
    distributions = packages_distributions()
    core = {Requirement(each).name for each in PROJECT["dependencies"]}
    for name, modules in EXTRAS.items():
        brought = {each.name for each in extras[name]}
        for module in modules:
            found = {canonicalize_name(each) for each in distributions[module]}
            assert found & brought, (name, module)
            assert not found & core, (name, module)


def test_a_configuration_says_which_key_needs_which_extra(config: Config) -> None:
    assert dict(needed_extras(config)) == NEEDED
    in_pods = {"execution": "k8s", "broker": None, "warehouse": SecretStr("postgresql+psycopg://localhost/w")}
    assert set(needed_extras(config.model_copy(update=in_pods))) >= {
        ("execution", "k8s"), ("warehouse", "postgresql"),
    }  # fmt: skip
    assert missing_extras(config) == {}
    assert dict(needed_extras(load_config(ROOT / "reports.yaml"))) == {}


@pytest.mark.usefixtures("core_only")
def test_check_config_and_doctor_name_every_missing_extra_by_its_key(config: Config, tmp_path: Path) -> None:
    del config
    asked = CliRunner().invoke(app, ["check-config", str(tmp_path / "reports.yaml")])
    examined = CliRunner().invoke(app, ["doctor", "--config", str(tmp_path / "reports.yaml")])
    for key, extra in NEEDED.items():
        command = f'pip install "assignment-reports[{extra}]"'
        assert f'{key}: requires the extra "{extra}": {command}' in str(asked.exception)
        assert f'FAIL  Extra: {key}: requires the extra "{extra}"\n      fix: {command}' in examined.output
    assert "Broker" not in examined.output
    assert "Install s3fs" not in examined.output


@pytest.mark.usefixtures("core_only")
def test_what_is_used_without_its_extra_says_which_to_install(config: Config, tmp_path: Path) -> None:
    acme = config.workspaces[0]
    url = "postgresql+psycopg://localhost/events"
    way_out = open_transport(config, acme, acme.subscriptions[0], Timeouts(), lambda: LATER)
    in_postgresql = config.model_copy(update={"lake": None, "warehouse": SecretStr(url)})
    uses: list[tuple[str, str, Callable[[], object]]] = [
        ("lake", "s3", lambda: open_warehouse(config, "acme")),
        ("warehouse", "postgresql", lambda: open_warehouse(in_postgresql, "acme")),
        ("archive", "s3", lambda: Archive(config.archive)),
        ("archive", "s3", lambda: Outbox(config.archive, "acme")),
        ("archive", "s3", lambda: write_index(Catalog(SecretStr("sqlite://")), config.archive, [])),
        ("state", "postgresql", lambda: open_state(url)),
        ("source.inbox", "postgresql", lambda: open_inbox(url)),
        ("source.url", "postgresql", lambda: open_database(make_url(url), "events").__enter__()),
        ("execution", "celery", lambda: instance_of(config)),
        ("workspaces.acme.subscriptions.shelf.sftp", "sftp", way_out.__enter__),
    ]
    for key, extra, use in uses:
        with pytest.raises(MissingExtraError) as caught:
            use()
        assert str(caught.value).startswith(f'{key}: requires the extra "{extra}": pip install ')
    path = str(tmp_path / "reports.yaml")
    for command, extra in {
        "webhooks": "webhooks",
        "worker": "celery",
        "sources snapshot": "respond-io",
    }.items():
        ended = CliRunner().invoke(app, [*command.split(), "--config", path])
        assert isinstance(ended.exception, MissingExtraError), command
        assert ended.exception.extra == extra

"""A known secret in every place that has one: whatever fails, it appears in nothing that is printed or stored."""

import base64
import json
import logging
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import dagster as dg
import pytest

from assets.config.loader import load_config
from assets.errors import ConfigError, TransientError
from assets.periods import Preset
from orchestration.definitions import build_definitions
from tests.audit.conftest import Tally
from tests.conftest import HEADER, line
from tests.orchestration.command_line import CommandLine
from tests.servers.postgres import Postgres, free_port
from tests.servers.web_receiver import web_receiver

# A command is a process that ends; here its connections to PostgreSQL are left to garbage collection.
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings(
        "ignore:Exception ignored in.*BaseConnection:pytest.PytestUnraisableExceptionWarning"
    ),
]
CANARY = "Kanarie%2BVogel/4711=geel"
DAY = "2026-11-02"
FORMS = {
    CANARY,
    quote(CANARY, safe=""),
    quote_plus(CANARY),
    json.dumps(CANARY)[1:-1],
    CANARY.replace("%2B", "+"),
}
FORMS |= {
    base64.b64encode(form.encode()).decode().rstrip("=") for form in (CANARY, f":{CANARY}", f"x:{CANARY}")
}
COMMANDS = (
    ("check-config", "reports.yaml"),
    ("doctor",),
    ("run", "--report-date", DAY, "--preset=yesterday", "--json"),
    ("sources", "test"),
    ("sources", "snapshot"),
    ("status", "--json"),
    ("send-test", "all", "--to", "ann@acme.example"),
    ("preview", "all", "--to", "mails"),
    ("deployment", "dagster-files"),
)
SENDING = ("run", "--send")
Plan = dict[str, Any]


def plan_of(**workspace: Any) -> Plan:
    acme = {
        "slug": "acme",
        "name": "Acme",
        "timezone": "UTC",
        "first_day": "2026-11-01",
        "formats": ["csv"],
        "explorer": False,
        "components": ["metric", "log"],
        "source": {"type": "files", "path": "events/*.csv"},
    }
    return {"lake": "lake", "archive": "out", "workspaces": [acme | workspace]}


def subscription(**channel: Any) -> list[dict[str, Any]]:
    return [{"name": "all", "reports": ["yesterday"], "attach": ["csv"]} | channel]


@dataclass(frozen=True)
class Servers:
    """What answers on loopback: a database that refuses, a web server that repeats what it is sent, nothing."""

    postgres: Postgres
    web: str
    nobody: int

    @property
    def databases(self) -> dict[str, str]:
        return {
            "a refused password": f"postgresql+psycopg://reader:SECRET@127.0.0.1:{self.postgres.port}/postgres",
            "no server": f"postgresql+psycopg://reader:SECRET@127.0.0.1:{self.nobody}/postgres",
            "another driver": f"postgresql+asyncpg://reader:SECRET@127.0.0.1:{self.nobody}/postgres",
            "no port": "postgresql://reader:SECRET@127.0.0.1:port/postgres",
            "another dialect": "postgres://reader:SECRET@127.0.0.1/postgres",
            "no URL": "SECRET",
            "options": f"postgresql://127.0.0.1:{self.nobody}/postgres?password=SECRET&user=reader",
            "unknown options": f"postgresql://127.0.0.1:{self.nobody}/postgres?passwort=SECRET",
        }


@dataclass
class Place:
    """A configuration with SECRET at one place; *urls* are what stands around it."""

    plan: Plan
    at: tuple[str | int, ...]
    values: Mapping[str, Any] = field(default_factory=lambda: {"alone": "SECRET"})

    def plans(self) -> Iterator[tuple[str, Plan]]:
        for how, value in self.values.items():
            plan = deepcopy(self.plan)
            part: Any = plan
            for key in self.at[:-1]:
                part = part[key]
            part[self.at[-1]] = value
            yield how, plan


def places(servers: Servers) -> dict[str, Place]:
    """Return every place of a secret."""
    ws: tuple[str | int, ...] = ("workspaces", 0)
    of_mail = {"smtp": {"host": "127.0.0.1", "port": servers.nobody, "security": "tls", "username": "ann",
                        "password": "x", "sender": "reports@acme.example"}}  # fmt: skip
    mailed = subscription(recipients=["ann@acme.example"])
    addresses = {
        "an answer that repeats it": f"{servers.web}SECRET",
        "no server": f"http://127.0.0.1:{servers.nobody}/SECRET",
        "in clear": "http://chat.example/SECRET",
        "no name": "https://nowhere.invalid/SECRET",
        "a password": f"http://ann:SECRET@127.0.0.1:{servers.nobody}/",
        "no URL": "SECRET",
    }
    hook = {"url": servers.web, "secret": "x"}
    sftp = {
        "host": "127.0.0.1",
        "port": servers.nobody,
        "username": "ann",
        "password": "x",
        "known_hosts": "known",
    }
    tokened = {"type": "respond_io", "signing_keys": ["k"], "api_token": "t", "api_url": servers.web}
    found = {
        "state": Place(plan_of(), ("state",), servers.databases),
        "warehouse": Place({**plan_of(), "lake": None, "warehouse": "x"}, ("warehouse",), servers.databases),
        "broker": Place({**plan_of(), "execution": "celery", "state": servers.postgres.url(), "broker": "x"}, ("broker",),
                        {"no server": f"redis://:SECRET@127.0.0.1:{servers.nobody}/0", "no URL": "SECRET"}),
        "smtp.password": Place(plan_of(subscriptions=mailed) | of_mail, ("smtp", "password")),
        "web.token": Place({**plan_of(), "web": {"token": "x"}}, ("web", "token")),
        "mask_key": Place(plan_of(mask_contacts=True, mask_key="x" * 16), (*ws, "mask_key")),
        "source.url": Place(plan_of(source={"type": "sql", "url": "x", "table": "events"}), (*ws, "source", "url"),
                            servers.databases),
        "source.url of Chatwoot": Place(plan_of(source={"type": "chatwoot", "url": "x", "account_id": 1}),
                                        (*ws, "source", "url"), servers.databases),
        "source.inbox": Place(plan_of(source={"type": "respond_io", "signing_keys": ["k"], "inbox": "x"}),
                              (*ws, "source", "inbox"), servers.databases),
        "source.signing_keys": Place(plan_of(source={"type": "chatwoot_webhooks", "signing_keys": ["x"]}),
                                     (*ws, "source", "signing_keys", 0)),
        "source.api_token": Place(plan_of(source=tokened), (*ws, "source", "api_token")),
        "webhook.secret": Place(plan_of(subscriptions=subscription(webhook=hook)),
                                (*ws, "subscriptions", 0, "webhook", "secret"),
                                {"alone": "SECRET", "base64": "whsec_SECRET"}),
        "sftp.password": Place(plan_of(subscriptions=subscription(sftp=sftp)),
                               (*ws, "subscriptions", 0, "sftp", "password")),
    }  # fmt: skip
    for channel, rest in (("webhook", {"secret": "x"}), ("slack", {}), ("teams", {}), ("google_chat", {})):
        plan = plan_of(subscriptions=subscription(**{channel: {"url": "x"} | rest}))
        found[f"{channel}.url"] = Place(plan, (*ws, "subscriptions", 0, channel, "url"), addresses)
    return found


WRAPPED: dict[str, Callable[[str], Any]] = {
    "as it is": lambda value: value,
    "in a list": lambda value: [value],
    "in a mapping": lambda value: {"value": value},
    "as a key": lambda value: {value: None},
}


def ways(servers: Servers) -> Iterator[tuple[str, Plan]]:
    """Yield each place with each thing around the secret, and with the secret where a part of its kind belongs."""
    for name, place in places(servers).items():
        for how, plan in place.plans():
            yield f"{name}, {how}", plan
        for wrapping, wrap in WRAPPED.items():
            if wrapping != "as it is":
                plan = deepcopy(place.plan)
                part: Any = plan
                for key in place.at[:-1]:
                    part = part[key]
                part[place.at[-1]] = wrap("SECRET")
                yield f"{name}, {wrapping}", plan
        parent = deepcopy(place.plan)
        part = parent
        for key in place.at[:-2]:
            part = part[key]
        if len(place.at) > 1 and not isinstance(place.at[-2], int):
            part[place.at[-2]] = "SECRET"
            yield f"{name}, in place of {place.at[-2]}", parent


def filled(plan: Plan, value: str) -> str:
    return json.dumps(plan).replace("SECRET", json.dumps(value)[1:-1])


def traces(folder: Path, printed: str) -> list[str]:
    """Return where the secret is: in what was printed, or in a file but the configuration."""
    found = ["printed" for form in FORMS if form in printed]
    for path in folder.rglob("*"):
        if path.is_file() and path.name not in {"reports.yaml", "key"}:
            content = path.read_bytes()
            found += [str(path.relative_to(folder)) for form in FORMS if form.encode() in content]
    return sorted({*found})


def commands_for(folder: Path, plan: Plan) -> tuple[tuple[str, ...], ...]:
    """Return the commands to call: of an invalid configuration, all say the same."""
    try:
        load_config(folder / "reports.yaml")
    except ConfigError:
        return COMMANDS[:3]
    return (*COMMANDS, SENDING) if "subscriptions" in plan["workspaces"][0] else COMMANDS


def call_all(folder: Path, plan: Plan, caplog: pytest.LogCaptureFixture) -> str:
    """Call every command; return what they print, log and raise."""
    printed = []
    for command in commands_for(folder, plan):
        try:
            done = CommandLine(folder).call(*command)
            printed += [done.stdout, done.stderr]
        except Exception as error:  # noqa: BLE001 - a bug's traceback is printed, too
            printed += [repr(error), *map(str, error.args)]
    printed += [logging.Formatter().format(record) for record in caplog.records]
    caplog.clear()
    return "\n".join(printed)


@pytest.fixture
def servers(postgres: Postgres, monkeypatch: pytest.MonkeyPatch) -> Iterator[Servers]:
    """Servers that fail, and one report a workspace."""
    monkeypatch.setattr("assets.config.workspace.PRESETS", (Preset.YESTERDAY,))
    with web_receiver() as web:
        web.echoes = True
        web.statuses.extend([403] * 100_000)
        yield Servers(postgres, f"http://127.0.0.1:{web.port}/hook/", free_port())


def prepare(folder: Path, text: str) -> None:
    (folder / "events").mkdir(parents=True)
    (folder / "events" / "a.csv").write_text("\n".join((HEADER, line("e1", "2026-11-01T12:00:00Z"), "")))
    (folder / "known").write_text("")
    (folder / "reports.yaml").write_text(text)


@pytest.mark.parametrize("stored", ["in the configuration", "in the environment"])
def test_a_secret_appears_nowhere_whatever_fails(  # noqa: PLR0913, PLR0917
    servers: Servers,
    tally: Tally,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    stored: str,
) -> None:
    is_literal = stored == "in the configuration"
    monkeypatch.setenv("THE_SECRET", CANARY)
    caplog.set_level(logging.INFO)
    outcomes = {}
    for number, (name, plan) in enumerate(ways(servers)):
        folder = tmp_path / str(number)
        prepare(folder, filled(plan, CANARY if is_literal else "${THE_SECRET}"))
        outcomes[name] = ", ".join(traces(folder, call_all(folder, plan, caplog)))
    tally(f"secrets {stored}, looked for in what {len(COMMANDS)} commands print, log and store", outcomes)


def test_a_secret_appears_nowhere_in_dagster(
    servers: Servers, tally: Tally, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with pytest.MonkeyPatch.context() as patch:  # each step is tried again at once
        for error in (TransientError, *TransientError.__subclasses__()):
            patch.setattr(error, "retry_seconds", 0)
        patch.setattr("assets.warehouse.resource._SERVER_PAUSE_SECONDS", 0)
        tally(
            "secrets looked for in Dagster's event log and logs", look_in_dagster(servers, tmp_path, caplog)
        )


def look_in_dagster(servers: Servers, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> dict[str, str]:
    """Run Dagster with a secret in some of the places; return where it was found."""
    outcomes = {}
    for number, (name, plan) in enumerate([*ways(servers)][::8]):  # a run takes seconds
        folder = tmp_path / str(number)
        prepare(folder, filled(plan, CANARY))
        try:
            config = load_config(folder / "reports.yaml")
        except ConfigError:
            continue
        printed = run_in_dagster(config, folder / "dagster")
        outcomes[name] = ", ".join(traces(folder, printed + caplog.text))
        caplog.clear()
    return outcomes


def run_in_dagster(config: Any, folder: Path) -> str:
    """Load a day and make its report in Dagster; return every event as it is shown."""
    folder.mkdir()
    with dg.DagsterInstance.local_temp(str(folder)) as instance:
        try:
            job = build_definitions(config).resolve_implicit_global_asset_job_def()
        except Exception as error:  # noqa: BLE001 - what stops the code location is shown, too
            return repr(error)
        names = (
            "assignment_events",
            "rejected_events",
            "assignment_log",
            "daily_source_aggregates",
            "report/yesterday",
        )
        result = job.execute_in_process(
            instance=instance,
            partition_key=DAY,
            raise_on_error=False,
            asset_selection=[dg.AssetKey(["acme", *name.split("/")]) for name in names],
        )
        return "\n".join(str(entry) for entry in instance.all_logs(result.run_id))

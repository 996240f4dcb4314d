"""A deployment with subscriptions whose clock is set by the test: reports made, rounds run, mails received."""

import json
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from assets.archive.catalog import Catalog
from assets.config.deployment import Config
from assets.config.loader import load_config
from assets.config.subscription import Subscription
from assets.config.workspace import Workspace
from assets.deliver.channels.base import Timeouts
from assets.deliver.delivery import Delivery
from assets.deliver.dispatcher import Dispatcher, DispatchResult
from assets.deliver.ledger import Ledger
from orchestration import pipeline
from orchestration.cli.app import app
from tests.conftest import HEADER
from tests.servers.mail_server import MailServer, mail_server

BEFORE = datetime(2026, 6, 15, 9, tzinfo=UTC)  # 05:00 in New York
DUE = datetime(2026, 6, 15, 10, 5, tzinfo=UTC)  # 06:05, after the reports' time
TODAY = date(2026, 6, 15)
CHANNELS = ("webhook", "slack", "teams", "google_chat", "sftp")
BRIEF = Timeouts(connection=0.4, command=0.4, data=0.4, block=0.4, dot=0.4, whole=1)
EVENTS = [
    "e1,2026-06-14T14:00:00Z,c1,k1,Ann,,Bob,workflow,",
    "e2,2026-06-14T15:00:00Z,c2,k2,Ben,,Cy,user,Dan",
    "e3,2026-06-14T16:00:00Z,c3,k3,Eve,,Bob,user,Dan",
]


@dataclass
class DeliveryDeployment:
    folder: Path
    server: MailServer
    subscription: dict[str, Any] = field(default_factory=dict)
    workspace: dict[str, Any] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    now: datetime = BEFORE

    def __post_init__(self) -> None:
        self.configure()
        self.dispatcher.ledger.since("acme", "managers", self.managers.reports, self.now)

    def configure(self, **subscription: Any) -> None:
        """Write the configuration, with changes to the subscription."""
        self.subscription |= subscription
        if not {"recipients_file", *CHANNELS} & self.subscription.keys():
            self.subscription.setdefault("recipients", ["ann@acme.example", "bob@acme.example"])
        managers = {"name": "managers", "reports": ["yesterday"], "attach": ["csv"]} | self.subscription
        acme = {
            "slug": "acme",
            "name": "Acme Support",
            "timezone": "America/New_York",
            "first_day": "2026-06-10",
            "source": {"type": "files", "path": "events/*.csv"},
            "formats": ["html", "csv"],
            "components": ["metric", "findings", "log"],
            "mask_key": "a key of sixteen letters",
            "subscriptions": [managers],
        } | self.workspace
        whole = {
            "lake": "lake",
            "archive": "out",
            "operator": "ops@acme.example",
            "smtp": json.loads(self.server.settings().model_dump_json()),
            "workspaces": [acme],
        }
        path = self.folder / "reports.yaml"
        path.write_text(json.dumps(whole | self.settings, default=str))
        self.config: Config = load_config(path)

    @property
    def acme(self) -> Workspace:
        return self.config.workspaces[0]

    @property
    def managers(self) -> Subscription:
        return self.acme.subscriptions[0]

    @property
    def dispatcher(self) -> Dispatcher:
        """Return a new one each time, as a new process would."""
        state = self.config.state
        return Dispatcher(self.config, Catalog(state), Ledger(state), lambda: self.now, BRIEF)

    def make(self, *more: str, on: date = TODAY, events: list[str] = EVENTS) -> None:
        """Load the events and make the report as of *on*."""
        (self.folder / "events").mkdir(exist_ok=True)
        (self.folder / "events" / "all.csv").write_text("\n".join([HEADER, *events, *more, ""]))
        specs = tuple(spec for spec in self.acme.all_reports if spec.name in self.managers.reports)
        request = pipeline.PipelineRequest(self.config, self.acme, specs, on, self.now, reload=True)
        pipeline.run_pipeline(request, self.dispatcher.catalog, lambda _: None)

    def round(self, after: timedelta = timedelta()) -> DispatchResult:
        self.now += after
        return self.dispatcher.deliver(self.acme, self.managers)

    def make_and_send(self, *more: str) -> DispatchResult:
        """Make the report before it is due, and send it when it is."""
        self.make(*more)
        self.now = DUE
        return self.round()

    def rows(self, day: date = TODAY) -> list[Delivery]:
        return self.dispatcher.ledger.of_subscription("acme", "managers", day, day)

    def states(self, day: date = TODAY) -> dict[str, str]:
        """Return the state of the newest version for each recipient."""
        return {row.recipient: str(row.state) for row in self.rows(day)}

    def run_command(self, *arguments: str, group: tuple[str, ...] = ("deliveries",)) -> str:
        """Run a command of the command line in this process; return what it prints."""
        command = [*group, *arguments, "--config", str(self.folder / "reports.yaml")]
        result = CliRunner().invoke(app, command)
        if result.exception:
            raise result.exception
        return result.stdout

    def mails(self) -> list[EmailMessage]:
        """Return what the server has, parsed, with the recipient as header `X-To`."""
        found = []
        for each in self.server.received:
            mail = message_from_bytes(each.content, policy=default)
            assert isinstance(mail, EmailMessage)
            with suppress(ValueError):
                mail["X-To"] = each.recipient
            found.append(mail)
        return found


def deployment_of(folder: Path, **subscription: Any) -> DeliveryDeployment:
    """Return a deployment whose subscription uses a channel; its mail server is not reachable."""
    with mail_server() as nobody:
        return DeliveryDeployment(folder, nobody, subscription)


def text_of(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    assert body
    return str(body.get_content())


def attachments(mail: EmailMessage) -> dict[str, bytes]:
    found = {}
    for part in mail.iter_attachments():
        assert isinstance(part, EmailMessage)
        content = part.get_content()
        found[part.get_filename() or ""] = content.encode() if isinstance(content, str) else content
    return found

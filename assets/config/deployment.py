"""The configuration of a deployment: its tables, reports, state, mail server and workspaces. No I/O."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator

from assets.config.base import (
    LOOPBACK,
    Address,
    ConfigModel,
    DatabaseUrl,
    Folder,
    Place,
    missing_names,
    refuse_duplicates,
)
from assets.config.workspace import Workspace
from assets.errors import ConfigError


class Smtp(ConfigModel):
    """The mail server."""

    host: str
    port: int = Field(default=587, ge=1, le=65535)
    security: Literal["starttls", "tls", "none"] = Field(
        default="starttls", description="`none` is allowed on this machine only."
    )
    username: str | None = None
    password: SecretStr | None = None
    sender: Address
    reply_to: Address | None = Field(
        default=None, description="Who reads answers, and wishes to be taken off; the sender unless told."
    )
    bounces: Address | None = Field(
        default=None,
        description="Mailbox of returned mails; each mail comes from `name+ID@domain` of it.",
    )
    max_mb: float = Field(
        default=20, gt=0, description="Larger mails go without files, with their address instead."
    )

    @model_validator(mode="after")
    def _nothing_goes_out_in_clear(self) -> Self:
        if self.security == "none" and self.host not in LOOPBACK:
            raise ValueError("`security: none` is for a server on this machine; use starttls or tls")
        if self.security == "none" and self.username is not None:
            raise ValueError("`username` needs `security: starttls` or `tls`: a password never goes in clear")
        if (self.username is None) != (self.password is None):
            raise ValueError("give both `username` and `password`, or neither")
        return self


class Limits(ConfigModel):
    """How many runs there are at one time: of all, of one workspace, and of those that load or report."""

    runs: int = Field(default=4, ge=1, description="All runs; about the number of cores.")
    per_workspace: int = Field(default=2, ge=1, description="Runs of one workspace: it starves no other.")
    loads: int | None = Field(default=None, ge=1, description="Runs that load days, for the sources' sake.")
    reports: int | None = Field(default=None, ge=1, description="Runs that make reports only.")


class Config(ConfigModel):
    """The whole configuration of one deployment."""

    lake: Place | None = Field(
        default=None, description="Folder of the Parquet lake, or `s3://bucket/folder`."
    )
    warehouse: DatabaseUrl | None = Field(
        default=None, description="SQLAlchemy URL of a PostgreSQL that holds the tables instead of a lake."
    )
    archive: Place = Field(description="Folder of the archived reports, or `s3://bucket/folder`.")
    archive_url: str | None = Field(
        default=None,
        pattern=r"^https?://\S+$",
        description="Where a web server of yours shows that folder; the UI links to it.",
    )
    state: DatabaseUrl = Field(
        default=SecretStr("sqlite:///state.sqlite"),
        validate_default=True,
        description="SQLAlchemy URL of the catalog of reports and of what the operator was told.",
    )
    start_schedules: bool = Field(
        default=False,
        description="Schedules and sensors run from the start; otherwise they are turned on by hand.",
    )
    catch_up_days: int = Field(
        default=7,
        ge=1,
        le=62,
        description="How far back reports are made that an outage left out.",
    )
    operator: Address | None = Field(default=None, description="Who is told what went wrong.")
    smtp: Smtp | None = None
    allowed_domains: tuple[str, ...] = Field(
        default=(), description="Mail domains that reports may be sent to; any, unless told."
    )
    keep_runs_days: int = Field(
        default=400, ge=1, description="Dagster's runs and their logs are deleted after so many days."
    )
    keep_versions: int | None = Field(
        default=None, ge=1, description="Versions of one report that are kept; all, unless told."
    )
    keep_reports_days: int | None = Field(
        default=None, ge=62, description="Reports of older report dates are removed; none, unless told."
    )
    keep_mails_days: int = Field(
        default=30, ge=1, description="Mails are removed after so many days; the ledger keeps their rows."
    )
    imports: Folder = Field(
        default=Path("imports"),
        validate_default=True,
        description="Folder of the files that `assignment-reports import` took over.",
    )
    execution: Literal["local", "celery", "k8s"] = Field(
        default="local", description="What runs the work: this machine, Celery workers, Kubernetes pods."
    )
    broker: SecretStr | None = Field(
        default=None, description="Celery's broker, such as redis://broker.example:6379/0."
    )
    limits: Limits = Limits()
    locations: int = Field(
        default=1, ge=1, le=200, description="Code locations over which the workspaces are spread."
    )
    workspaces: tuple[Workspace, ...]

    @field_validator("workspaces")
    @classmethod
    def _slugs_differ(cls, workspaces: tuple[Workspace, ...]) -> tuple[Workspace, ...]:
        if not workspaces:
            raise ValueError("list at least one workspace")
        refuse_duplicates([workspace.slug.replace("-", "_") for workspace in workspaces], "slug")
        return workspaces

    @model_validator(mode="after")
    def _tables_have_a_place(self) -> Self:
        if (self.lake is None) == (self.warehouse is None):
            raise ValueError("give either `lake` or `warehouse`")
        if self.warehouse and not self.warehouse.get_secret_value().startswith(("postgresql", "${")):
            raise ValueError("`warehouse` is a PostgreSQL: postgresql+psycopg://...")
        return self

    @model_validator(mode="after")
    def _several_machines_share_what_they_know(self) -> Self:
        if self.execution != "local" and self.state.get_secret_value().startswith("sqlite"):
            raise ValueError(f"`execution: {self.execution}` needs a `state` in PostgreSQL")
        if (self.execution == "celery") != (self.broker is not None):
            raise ValueError("`execution: celery` and `broker` belong together")
        return self

    @model_validator(mode="after")
    def _the_operator_can_be_reached(self) -> Self:
        if self.operator is not None and self.smtp is None:
            raise ValueError("`operator` needs `smtp`")
        return self

    @model_validator(mode="after")
    def _subscriptions_reach_their_recipients(self) -> Self:
        for workspace in self.workspaces:
            for subscription in workspace.subscriptions:
                name = f"subscription {workspace.slug}/{subscription.name}"
                if self.smtp is None and subscription.channel is None:
                    raise ValueError(f"{name} needs `smtp`")
                if subscription.cc_operator and self.operator is None:
                    raise ValueError(f"{name}: `cc_operator` needs `operator`")
                for recipient in subscription.recipients:
                    if not self.allows(recipient.address):
                        raise ValueError(f"{name}: {recipient.address} is in none of the `allowed_domains`")
        return self

    @property
    def tables(self) -> Path | SecretStr:
        """Return where the tables are stored: the lake's folder, or the URL of a PostgreSQL."""
        place = self.warehouse or self.lake
        if place is None:
            raise ConfigError("give either `lake` or `warehouse`")
        return place

    @property
    def mail_server(self) -> Smtp:
        """Return the mail server. Raises ConfigError where there is none."""
        if self.smtp is None:
            raise ConfigError("`smtp`: required, where mails are sent")
        return self.smtp

    @property
    def celery_broker(self) -> SecretStr:
        """Return Celery's broker. Raises ConfigError where there is none."""
        if self.broker is None:
            raise ConfigError("a worker needs a `broker`, such as redis://broker.example:6379/0")
        return self.broker

    def allows(self, address: str) -> bool:
        """Return whether reports may be sent to *address*."""
        domain = address.rpartition("@")[2].lower()
        return not self.allowed_domains or domain in map(str.lower, self.allowed_domains)


def missing_variables(config: Config) -> list[str]:
    """Return a message for every `${NAME}` of *config* that the environment does not define."""
    return [
        f"{key}: environment variable {name} is not set"
        for key, secret in _list_secrets(config)
        for name in missing_names(secret)
    ]


def _list_secrets(config: Config) -> Iterator[tuple[str, SecretStr]]:
    yield "state", config.state
    if config.broker:
        yield "broker", config.broker
    if config.warehouse:
        yield "warehouse", config.warehouse
    if config.smtp and config.smtp.password:
        yield "smtp.password", config.smtp.password
    for number, workspace in enumerate(config.workspaces):
        yield from _secrets_of(workspace.source, f"workspaces.{number}.source")
        if workspace.mask_key:
            yield f"workspaces.{number}.mask_key", workspace.mask_key
        for at, subscription in enumerate(workspace.subscriptions):
            if subscription.channel:
                yield from _secrets_of(subscription.channel, f"workspaces.{number}.subscriptions.{at}")


def _secrets_of(model: ConfigModel, key: str) -> Iterator[tuple[str, SecretStr]]:
    for name, value in model:
        for item in value if isinstance(value, tuple) else (value,):
            if isinstance(item, SecretStr):
                yield f"{key}.{name}", item

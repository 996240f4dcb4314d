"""The configuration of a deployment: its tables, reports, state, mail server and workspaces. No I/O."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator

from assets.config.base import (
    LOOPBACK,
    WEB_URL,
    Address,
    ConfigModel,
    DatabaseUrl,
    Folder,
    Place,
    StoreUrl,
    missing_names,
    refuse_duplicates,
)
from assets.config.web import Web
from assets.config.workspace import Workspace
from assets.errors import ConfigError


class Smtp(ConfigModel):
    """The mail server."""

    host: str
    port: int = Field(default=587, ge=1, le=65535)
    security: Literal["starttls", "tls", "none"] = Field(
        default="starttls", description="Encryption; `none` is allowed for a server on this machine only."
    )
    username: str | None = None
    password: SecretStr | None = None
    sender: Address
    reply_to: Address | None = Field(
        default=None, description="Address for replies and unsubscribe requests (default: the sender)."
    )
    bounces: Address | None = Field(
        default=None,
        description="Mailbox for bounced mails; envelope senders are `name+ID@domain`.",
    )
    max_mb: float = Field(
        default=20,
        gt=0,
        description="Maximum size; larger mails link to the files instead of attaching them.",
    )

    @model_validator(mode="after")
    def _nothing_goes_out_in_clear(self) -> Self:
        if self.security == "none" and self.host not in LOOPBACK:
            raise ValueError(
                "`security` must be starttls or tls; none is allowed for a server on this machine only"
            )
        if self.security == "none" and self.username is not None:
            raise ValueError(
                "`username` requires `security: starttls` or `tls`: a password must be encrypted"
            )
        if (self.username is None) != (self.password is None):
            raise ValueError("`username` and `password` are required together")
        return self


class Limits(ConfigModel):
    """Limits on concurrent runs: all, of one workspace, and those that load days or build reports."""

    runs: int = Field(default=4, ge=1, description="Maximum number of runs, about the number of cores.")
    per_workspace: int = Field(default=2, ge=1, description="Maximum number of runs of one workspace.")
    loads: int | None = Field(default=None, ge=1, description="Maximum number of runs that load days.")
    reports: int | None = Field(
        default=None, ge=1, description="Maximum number of runs that only build reports."
    )


class Config(ConfigModel):
    """The whole configuration of one deployment."""

    lake: Place | None = Field(
        default=None, description="Folder of the Parquet lake, or `s3://bucket/folder`."
    )
    warehouse: DatabaseUrl | None = Field(
        default=None, description="SQLAlchemy URL of a PostgreSQL database for the tables, instead of `lake`."
    )
    archive: Place = Field(description="Folder of the archived reports, or `s3://bucket/folder`.")
    archive_url: str | None = Field(
        default=None,
        pattern=WEB_URL,
        description="URL at which a web server serves that folder; mails and the UI link to it.",
    )
    ui_url: str | None = Field(
        default=None,
        pattern=WEB_URL,
        description="URL of Dagster's UI; mails to the operator link to its runs.",
    )
    state: StoreUrl = Field(
        default=SecretStr("sqlite:///state.sqlite"),
        validate_default=True,
        description="SQLAlchemy URL of the state database: catalog, ledger and alerts.",
    )
    start_schedules: bool = Field(
        default=False,
        description="Start schedules and sensors automatically; otherwise turn them on in the UI.",
    )
    catch_up_days: int = Field(
        default=7,
        ge=1,
        le=62,
        description="Maximum age in days of missed reports that are caught up after an outage.",
    )
    operator: Address | None = Field(default=None, description="Address that is notified of failures.")
    smtp: Smtp | None = None
    allowed_domains: tuple[str, ...] = Field(
        default=(), description="Mail domains that reports may be sent to (default: any)."
    )
    keep_runs_days: int = Field(
        default=400, ge=1, description="Days after which Dagster's runs and their logs are deleted."
    )
    keep_versions: int | None = Field(
        default=None, ge=1, description="Number of versions of a report that are kept (default: all)."
    )
    keep_reports_days: int | None = Field(
        default=None,
        ge=62,
        description="Days after which reports are deleted, by report date (default: never).",
    )
    keep_mails_days: int = Field(
        default=30, ge=1, description="Days after which mails are deleted; their rows stay in the ledger."
    )
    keep_webhooks_days: int | None = Field(
        default=None,
        ge=62,
        description="Days after which received webhooks of loaded days are deleted (default: never).",
    )
    imports: Folder = Field(
        default=Path("imports"),
        validate_default=True,
        description="Folder for the files of `assignment-reports import`.",
    )
    execution: Literal["local", "celery", "k8s"] = Field(
        default="local", description="Where runs are executed: this machine, Celery workers, Kubernetes pods."
    )
    broker: SecretStr | None = Field(
        default=None, description="URL of Celery's broker, such as redis://broker.example:6379/0."
    )
    limits: Limits = Limits()
    web: Web = Web()
    locations: int = Field(
        default=1, ge=1, le=200, description="Number of code locations that share the workspaces."
    )
    workspaces: tuple[Workspace, ...]

    @field_validator("workspaces")
    @classmethod
    def _slugs_differ(cls, workspaces: tuple[Workspace, ...]) -> tuple[Workspace, ...]:
        if not workspaces:
            raise ValueError("at least one workspace is required")
        refuse_duplicates([workspace.slug.replace("-", "_") for workspace in workspaces], "slug")
        return workspaces

    @model_validator(mode="after")
    def _tables_have_a_place(self) -> Self:
        if (self.lake is None) == (self.warehouse is None):
            raise ValueError("either `lake` or `warehouse` is required, not both")
        if self.warehouse and not self.warehouse.get_secret_value().startswith(("postgresql", "${")):
            raise ValueError(
                "`warehouse` must be a PostgreSQL URL, such as postgresql+psycopg://user@host/name"
            )
        return self

    @model_validator(mode="after")
    def _several_machines_share_what_they_know(self) -> Self:
        if self.execution != "local" and self.state.get_secret_value().startswith("sqlite"):
            raise ValueError(f"`execution: {self.execution}` requires a `state` in PostgreSQL")
        if (self.execution == "celery") != (self.broker is not None):
            raise ValueError("`execution: celery` and `broker` are required together")
        return self

    @model_validator(mode="after")
    def _the_operator_can_be_reached(self) -> Self:
        if self.operator is not None and self.smtp is None:
            raise ValueError("`operator` requires `smtp`")
        return self

    @model_validator(mode="after")
    def _subscriptions_reach_their_recipients(self) -> Self:
        for workspace in self.workspaces:
            for subscription in workspace.subscriptions:
                name = f"subscription {workspace.slug}/{subscription.name}"
                if self.smtp is None and subscription.channel is None:
                    raise ValueError(f"{name}: `smtp` is required")
                if subscription.cc_operator and self.operator is None:
                    raise ValueError(f"{name}: `cc_operator` requires `operator`")
                for recipient in subscription.recipients:
                    if not self.allows(recipient.address):
                        raise ValueError(f"{name}: {recipient.address} is not in `allowed_domains`")
        return self

    @property
    def tables(self) -> Path | SecretStr:
        """Return where the tables are stored: the lake's folder, or the URL of a PostgreSQL."""
        place = self.warehouse or self.lake
        if place is None:
            raise ConfigError("either `lake` or `warehouse` is required, not both")
        return place

    @property
    def mail_server(self) -> Smtp:
        """Return the mail server. Raises ConfigError where there is none."""
        if self.smtp is None:
            raise ConfigError("`smtp`: required to send mails")
        return self.smtp

    @property
    def celery_broker(self) -> SecretStr:
        """Return Celery's broker. Raises ConfigError where there is none."""
        if self.broker is None:
            raise ConfigError("`broker`: required by a worker, such as redis://broker.example:6379/0")
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
    if config.web.token:
        yield "web.token", config.web.token
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

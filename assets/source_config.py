"""Where a workspace's events come from: the `source` of the configuration. No I/O."""

import glob
import re
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, SecretStr, ValidationInfo, field_validator, model_validator

from assets.events import CONTRACT_COLUMNS, contract_column
from assets.setting import DatabaseUrl, Setting, Zone

_TIME_DIRECTIVES = {f"%{letter}" for letter in "YymdbBaAHIpMSfgjz%"} | {f"%-{letter}" for letter in "mdHIMS"}


def _known_columns(columns: dict[str, str]) -> dict[str, str]:
    mapped = {contract_column(name): column for name, column in columns.items()}
    unknown = sorted(set(mapped) - set(CONTRACT_COLUMNS))
    if unknown:
        raise ValueError(
            f"no such contract column: {', '.join(unknown)}; there are {', '.join(CONTRACT_COLUMNS)}"
        )
    return mapped


def _absolute_glob(pattern: str, info: ValidationInfo) -> str:
    folder: Path = (info.context or {}).get("folder", Path.cwd())
    return str(Path(glob.escape(str(folder))) / Path(pattern).expanduser())


Glob = Annotated[str, AfterValidator(_absolute_glob)]
ColumnMap = Annotated[dict[str, str], AfterValidator(_known_columns)]


class _Times(Setting):
    timezone: Zone | None = Field(
        default=None, description="Zone of times that carry none; without it such rows are rejected."
    )
    time_format: str | None = Field(
        default=None, description="strptime format of `occurred_at` where it is not ISO 8601 or an epoch."
    )

    @field_validator("time_format")
    @classmethod
    def _known_directives(cls, form: str | None) -> str | None:
        unknown = sorted(set(re.findall(r"%-?.", form or "")) - _TIME_DIRECTIVES)
        if unknown:
            known = " ".join(sorted(_TIME_DIRECTIVES))
            raise ValueError(f"cannot read {' '.join(unknown)}; it knows {known}, and zones as %z only")
        return form


class _SourceOptions(_Times):
    columns: ColumnMap = Field(
        default_factory=dict,
        description="Contract column -> column of the source; equal names need no entry.",
    )


class FilesSource(_SourceOptions):
    """Events in CSV, NDJSON or Parquet files."""

    type: Literal["files"]
    path: Glob = Field(description="Glob of the files, relative to the configuration.")
    layout: Literal["zendesk_audits", "intercom_conversations", "zammad_histories"] | None = Field(
        default=None, description="What another system exported as JSON; without it, rows of events."
    )


class ConversationsExport(_Times):
    """respond.io's conversations export, whose numbers of assignments are compared with the log."""

    path: Glob = Field(description="Glob of the CSV files, relative to the configuration.")


class SqlSource(_SourceOptions):
    """Events in a database: one table, or a query with `:start` and `:end`."""

    type: Literal["sql"]
    url: DatabaseUrl = Field(description="SQLAlchemy URL; `${NAME}` takes an environment variable.")
    table: str | None = Field(default=None, description="Table or view, optionally schema.table.")
    query: str | None = Field(
        default=None, description="SELECT with :start and :end, the window's UTC instants, the end excluded."
    )
    statement_timeout: int = Field(
        default=900, ge=1, description="Seconds after which the server ends a statement of ours."
    )

    @model_validator(mode="after")
    def _table_or_query(self) -> Self:
        if (self.table is None) == (self.query is None):
            raise ValueError("give either `table` or `query`")
        for mark in (":start", ":end"):
            if self.query is not None and not re.search(rf"{mark}\b", self.query):
                raise ValueError(f"`query` must use {mark}, so that only the asked days are read")
        return self


class WebhookSource(Setting):
    """Events that a system sends by itself, stored by `assignment-reports webhooks`."""

    type: str
    inbox: DatabaseUrl = Field(
        default=SecretStr("sqlite:///inbox.sqlite"),
        validate_default=True,
        description="SQLAlchemy URL of what `assignment-reports webhooks` stores, SQLite or PostgreSQL.",
    )
    signing_keys: tuple[SecretStr, ...] = Field(
        default=(), description="Signing key of each webhook; while keys are changed, the old ones too."
    )
    most_per_second: float = Field(
        default=500, gt=0, description="More webhooks than that on average are told to come later."
    )
    timezone: None = None  # every time in these events has its zone
    time_format: None = None


class RespondIoSource(WebhookSource):
    """Events of respond.io: its webhooks, and contacts as its Developer API lists them."""

    type: Literal["respond_io"]
    signing_keys: tuple[SecretStr, ...] = Field(
        min_length=1, description="Signing key of each webhook; while keys are changed, the old ones too."
    )
    api_token: SecretStr | None = Field(
        default=None, description="Token of the Developer API, to find by it what the webhooks missed."
    )
    api_url: str = Field(default="https://api.respond.io/v2", pattern=r"^https?://\S+$")


class ChatwootSource(Setting):
    """Events of Chatwoot, read from its PostgreSQL."""

    type: Literal["chatwoot"]
    url: DatabaseUrl = Field(
        description="SQLAlchemy URL of Chatwoot's database; a role that reads is enough."
    )
    account_id: int = Field(description="The number in the addresses of its pages: /app/accounts/1.")
    locales: Glob | None = Field(
        default=None,
        description="Chatwoot's own config/locales/*.yml, for accounts that do not speak English.",
    )
    statement_timeout: int = Field(
        default=900, ge=1, description="Seconds after which the server ends a statement of ours."
    )
    timezone: None = None  # Rails writes UTC
    time_format: None = None


class ChatwootWebhooksSource(WebhookSource):
    """Events of Chatwoot as its webhooks send them."""

    type: Literal["chatwoot_webhooks"]
    signing_keys: tuple[SecretStr, ...] = Field(
        min_length=1, description="Secret of each webhook; while they are changed, the old ones too."
    )


Source = Annotated[
    FilesSource | SqlSource | RespondIoSource | ChatwootSource | ChatwootWebhooksSource,
    Field(discriminator="type"),
]

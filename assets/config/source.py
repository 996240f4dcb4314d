"""The `source` of a workspace in the configuration: where its events come from. No I/O."""

import codecs
import glob
import hashlib
import json
import re
from pathlib import Path
from typing import Annotated, ClassVar, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    Field,
    SecretStr,
    ValidationInfo,
    field_validator,
    model_validator,
)

from assets.config.base import ConfigModel, DatabaseUrl, Zone
from assets.events import CONTRACT_COLUMNS, UNASSIGNED_VALUES, contract_column

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


class _Times(ConfigModel):
    timezone: Zone | None = Field(
        default=None,
        description="Zone of times that carry none; required for them, but in the original's log.",
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
        if form is not None and not set(re.findall(r"%-?.", form)) - {"%%"}:
            raise ValueError(f'{form!r} has no directive; write it like "%d.%m.%Y %H:%M"')
        return form


class _SourceOptions(_Times):
    columns: ColumnMap = Field(
        default_factory=dict,
        description="Contract column -> column of the source; equal names need no entry.",
    )
    assignee_of: Literal["contact", "conversation"] = Field(
        default="contact", description="Whose assignee an event changes."
    )
    unassigned_values: tuple[str, ...] = Field(
        default=UNASSIGNED_VALUES,
        description="What its columns of names hold for nobody, in any case, beside an empty cell.",
    )


def _known_encoding(name: str) -> str:
    try:
        return codecs.lookup(name).name
    except LookupError:
        raise ValueError(f'{name!r} is not a known encoding; try "cp1252" or "latin-1"') from None


class FilesSource(_SourceOptions):
    """Events in CSV, XLSX, NDJSON or Parquet files."""

    type: Literal["files"]
    path: Glob = Field(description="Glob of the files, relative to the configuration.")
    encoding: Annotated[str, AfterValidator(_known_encoding)] | None = Field(
        default=None, description="Encoding of text files that are neither UTF-8 nor UTF-16 with its mark."
    )
    sheet: str | None = Field(default=None, description="Sheet of XLSX files; default: the first.")
    layout: Literal["zendesk_audits", "intercom_conversations", "zammad_histories"] | None = Field(
        default=None, description="What another system exported as JSON; without it, rows of events."
    )

    @model_validator(mode="after")
    def _layouts_are_of_conversations(self) -> Self:
        if self.layout is None:
            return self
        if "assignee_of" in self.model_fields_set and self.assignee_of != "conversation":
            raise ValueError(f"`assignee_of` must be conversation: that is what {self.layout} tell of")
        return self.model_copy(update={"assignee_of": "conversation"})


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


class WebhookSource(ConfigModel):
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
    max_per_second: float = Field(
        default=500, gt=0, description="More webhooks than that on average are told to come later."
    )
    timezone: ClassVar[None] = None  # every time in these events has its zone
    time_format: ClassVar[None] = None
    assignee_of: ClassVar[str] = "conversation"
    unassigned_values: ClassVar[tuple[str, ...]] = ()


class RespondIoSource(WebhookSource):
    """Events of respond.io: its webhooks, and contacts as its Developer API lists them."""

    assignee_of: ClassVar[str] = "contact"

    type: Literal["respond_io"]
    signing_keys: tuple[SecretStr, ...] = Field(
        min_length=1, description="Signing key of each webhook; while keys are changed, the old ones too."
    )
    api_token: SecretStr | None = Field(
        default=None, description="Token of the Developer API, to find by it what the webhooks missed."
    )
    api_url: str = Field(default="https://api.respond.io/v2", pattern=r"^https?://\S+$")


class ChatwootSource(ConfigModel):
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
    former_names: dict[str, int | Literal["user", "team"]] = Field(
        default_factory=dict,
        description="Names in old messages: each of a user (the id, or `user` if unknown) or of a `team`.",
    )
    statement_timeout: int = Field(
        default=900, ge=1, description="Seconds after which the server ends a statement of ours."
    )
    timezone: ClassVar[None] = None  # Rails writes UTC
    time_format: ClassVar[None] = None
    assignee_of: ClassVar[str] = "conversation"
    unassigned_values: ClassVar[tuple[str, ...]] = ()


class ChatwootWebhooksSource(WebhookSource):
    """Events of Chatwoot as its webhooks send them."""

    type: Literal["chatwoot_webhooks"]
    signing_keys: tuple[SecretStr, ...] = Field(
        min_length=1, description="Secret of each webhook; while they are changed, the old ones too."
    )


_NOT_READING = {
    *("path", "url", "inbox", "locales"),
    *("statement_timeout", "max_per_second", "signing_keys", "api_token", "api_url"),
}
_READING_RULES = {"chatwoot": 2}
"""A number above 1 where a release parses a type of source differently: all its days are then reloaded."""


def reading_version(source: BaseModel) -> str:
    """Return a digest of the part of a source's configuration that determines its rows and their meaning.

    Secrets, limits and the folder of files are left out: the list of files is compared separately.
    """
    options = source.model_dump(mode="json", exclude=_NOT_READING, exclude_defaults=True)
    places = {name: _place_of_source(getattr(source, name, None)) for name in ("url", "inbox", "locales")}
    text = json.dumps([_READING_RULES.get(options["type"], 1), options, places], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _place_of_source(value: SecretStr | str | None) -> str:
    """Return the server and database of a URL without user and options; for a file, its name."""
    text = value.get_secret_value() if isinstance(value, SecretStr) else value or ""
    scheme, _, rest = text.partition("?")[0].partition("://")
    return (
        f"{scheme} {rest.rpartition('@')[2]}" if rest and not scheme.startswith("sqlite") else Path(text).name
    )


Source = Annotated[
    FilesSource | SqlSource | RespondIoSource | ChatwootSource | ChatwootWebhooksSource,
    Field(discriminator="type"),
]


IMPORTED = "import/"
"""Prefix of `source_version` for a day that is read from an imported file."""

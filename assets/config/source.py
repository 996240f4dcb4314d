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

from assets.config.base import WEB_URL, ConfigModel, DatabaseUrl, StoreUrl, Zone, in_message, quote
from assets.events import CONTRACT_COLUMNS, UNASSIGNED_VALUES, contract_column

_TIME_DIRECTIVES = {f"%{letter}" for letter in "YymdbBaAHIpMSfgjz%"} | {f"%-{letter}" for letter in "mdHIMS"}


def _known_columns(columns: dict[str, str]) -> dict[str, str]:
    mapped = {contract_column(name): column for name, column in columns.items()}
    unknown = sorted(set(mapped) - set(CONTRACT_COLUMNS))
    if unknown:
        raise ValueError(
            f"unknown field: {in_message(', '.join(unknown))}; expected one of {', '.join(CONTRACT_COLUMNS)}"
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
        description="Time zone of times without one; required for them, except in respond.io's log.",
    )
    time_format: str | None = Field(
        default=None, description="strptime format of `occurred_at`, unless it is ISO 8601 or an epoch."
    )

    @field_validator("time_format")
    @classmethod
    def _known_directives(cls, form: str | None) -> str | None:
        unknown = sorted(set(re.findall(r"%-?.", form or "")) - _TIME_DIRECTIVES)
        if unknown:
            known = " ".join(sorted(_TIME_DIRECTIVES))
            raise ValueError(
                f"unknown directive {in_message(' '.join(unknown))}; expected one of {known}; "
                "of a time zone, %z"
            )
        if form is not None and not set(re.findall(r"%-?.", form)) - {"%%"}:
            raise ValueError(f'{quote(form)} has no directive; expected a format such as "%d.%m.%Y %H:%M"')
        return form


class _SourceOptions(_Times):
    columns: ColumnMap = Field(
        default_factory=dict,
        description="Field: column of the source. Fields with the name of their column need no entry.",
    )
    assignee_of: Literal["contact", "conversation"] = Field(
        default="contact", description="Whether contacts or conversations have an assignee."
    )
    unassigned_values: tuple[str, ...] = Field(
        default=UNASSIGNED_VALUES,
        description="Names that mean unassigned, in any case, in addition to an empty cell.",
    )


def _known_encoding(name: str) -> str:
    try:
        return codecs.lookup(name).name
    except LookupError:
        raise ValueError(
            f'{quote(name)} is not a known encoding; expected one such as "cp1252" or "latin-1"'
        ) from None


class FilesSource(_SourceOptions):
    """Events in CSV, XLSX, NDJSON or Parquet files."""

    type: Literal["files"]
    path: Glob = Field(description="Glob of the files, relative to the configuration file.")
    encoding: Annotated[str, AfterValidator(_known_encoding)] | None = Field(
        default=None,
        description="Encoding of text files other than UTF-8, and UTF-16 with a byte order mark.",
    )
    sheet: str | None = Field(default=None, description="Sheet of XLSX files (default: the first).")
    layout: Literal["zendesk_audits", "intercom_conversations", "zammad_histories"] | None = Field(
        default=None, description="JSON export of another system (default: rows of events)."
    )

    @model_validator(mode="after")
    def _layouts_are_of_conversations(self) -> Self:
        if self.layout is None:
            return self
        if "assignee_of" in self.model_fields_set and self.assignee_of != "conversation":
            raise ValueError(f"`assignee_of` must be conversation for `layout: {self.layout}`")
        return self.model_copy(update={"assignee_of": "conversation"})


class ConversationsExport(_Times):
    """respond.io's conversations export, whose numbers of assignments are compared with the log."""

    path: Glob = Field(description="Glob of the CSV files, relative to the configuration file.")


class SqlSource(_SourceOptions):
    """Events in a database: one table, or a query with `:start` and `:end`."""

    type: Literal["sql"]
    url: DatabaseUrl = Field(description="SQLAlchemy URL; `${NAME}` is replaced by an environment variable.")
    table: str | None = Field(
        default=None, description="Table or view, optionally with its schema: `schema.table`."
    )
    query: str | None = Field(
        default=None,
        description="SELECT with :start and :end, the UTC bounds of the days to read, end excluded.",
    )
    statement_timeout: int = Field(
        default=900, ge=1, description="Seconds after which the server cancels a query."
    )

    @model_validator(mode="after")
    def _table_or_query(self) -> Self:
        if (self.table is None) == (self.query is None):
            raise ValueError("either `table` or `query` is required, not both")
        for mark in (":start", ":end"):
            if self.query is not None and not re.search(rf"{mark}\b", self.query):
                raise ValueError(f"`query` must contain {mark}, so that only the requested days are read")
        return self


class WebhookSource(ConfigModel):
    """Events that a system sends by itself, stored by `assignment-reports webhooks`."""

    type: str
    inbox: StoreUrl = Field(
        default=SecretStr("sqlite:///inbox.sqlite"),
        validate_default=True,
        description="SQLAlchemy URL of the received webhooks, in SQLite or PostgreSQL.",
    )
    signing_keys: tuple[SecretStr, ...] = Field(
        default=(), description="Signing key of each webhook; during a key change, the old ones too."
    )
    max_per_second: float = Field(
        default=500, gt=0, description="Maximum average rate; webhooks beyond it are answered with 429."
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
        min_length=1, description="Signing key of each webhook; during a key change, the old ones too."
    )
    api_token: SecretStr | None = Field(
        default=None, description="Token of the Developer API, used to find assignments that webhooks missed."
    )
    api_url: str = Field(default="https://api.respond.io/v2", pattern=WEB_URL)


class ChatwootSource(ConfigModel):
    """Events of Chatwoot, read from its PostgreSQL."""

    type: Literal["chatwoot"]
    url: DatabaseUrl = Field(description="SQLAlchemy URL of Chatwoot's database; a read-only role is enough.")
    account_id: int = Field(description="Account ID, the number in the URLs of its pages: /app/accounts/1.")
    locales: Glob | None = Field(
        default=None,
        description="Glob of Chatwoot's config/locales/*.yml, for accounts in other languages.",
    )
    former_names: dict[str, int | Literal["user", "team"]] = Field(
        default_factory=dict,
        description="Former names in messages: the ID of the user, `user` if unknown, or `team`.",
    )
    statement_timeout: int = Field(
        default=900, ge=1, description="Seconds after which the server cancels a query."
    )
    timezone: ClassVar[None] = None  # Rails writes UTC
    time_format: ClassVar[None] = None
    assignee_of: ClassVar[str] = "conversation"
    unassigned_values: ClassVar[tuple[str, ...]] = ()


class ChatwootWebhooksSource(WebhookSource):
    """Events of Chatwoot as its webhooks send them."""

    type: Literal["chatwoot_webhooks"]
    signing_keys: tuple[SecretStr, ...] = Field(
        min_length=1, description="Secret of each webhook; during a change, the old ones too."
    )


class SyntheticSource(ConfigModel):
    """Events of an invented inbox, up to the present: to try the product without data."""

    type: Literal["synthetic"]
    seed: int = Field(default=7, description="Number that determines the events.")
    events_per_day: int = Field(default=300, ge=50, le=10_000, description="Average number of events a day.")
    timezone: ClassVar[None] = None  # every time in these events has its zone
    time_format: ClassVar[None] = None
    assignee_of: ClassVar[str] = "contact"
    unassigned_values: ClassVar[tuple[str, ...]] = ()


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
    FilesSource | SqlSource | RespondIoSource | ChatwootSource | ChatwootWebhooksSource | SyntheticSource,
    Field(discriminator="type"),
]


IMPORTED = "import/"
"""Prefix of `source_version` for a day that is read from an imported file."""
PRUNED = "pruned/"
"""Prefix of `source_version` for a day whose webhooks were deleted: it stays as it was loaded."""

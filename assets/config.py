"""The YAML configuration as validated models; `config_file.py` reads it. No I/O.

Secrets stay `${NAME}` until
`reveal` is called at the moment of use, so that checking a configuration needs no environment.
"""

import glob
import os
import re
from collections.abc import Iterator
from datetime import date
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo, available_timezones

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationInfo,
    field_validator,
    model_validator,
)

from assets.errors import ConfigError
from assets.events import CONTRACT_COLUMNS, contract_column
from assets.periods import PRESETS, Preset

DEFAULT_LOG_ROWS = 1_000


def _known_zone(name: str) -> str:
    if name in available_timezones():
        return name
    near = get_close_matches(name, sorted(available_timezones()), n=1)
    hint = f"; did you mean {near[0]}?" if near else ', for example "Europe/Berlin"'
    raise ValueError(f"{name!r} is not an IANA time zone{hint}")


def _absolute(path: Path, info: ValidationInfo) -> Path:
    base: Path = (info.context or {}).get("folder", Path.cwd())
    return (base / path.expanduser()).resolve()


Zone = Annotated[str, AfterValidator(_known_zone)]
Folder = Annotated[Path, AfterValidator(_absolute)]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,62}$")]

_TIME_DIRECTIVES = {f"%{letter}" for letter in "YymdbBaAHIpMSfgjz%"} | {f"%-{letter}" for letter in "mdHIMS"}


def _known_columns(columns: dict[str, str]) -> dict[str, str]:
    mapped = {contract_column(name): column for name, column in columns.items()}
    unknown = sorted(set(mapped) - set(CONTRACT_COLUMNS))
    if unknown:
        raise ValueError(
            f"no such contract column: {', '.join(unknown)}; there are {', '.join(CONTRACT_COLUMNS)}"
        )
    return mapped


ColumnMap = Annotated[dict[str, str], AfterValidator(_known_columns)]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _SourceOptions(_Model):
    timezone: Zone | None = Field(
        default=None, description="Zone of times that carry none; without it such rows are rejected."
    )
    time_format: str | None = Field(
        default=None, description="strptime format of `occurred_at` where it is not ISO 8601 or an epoch."
    )
    columns: ColumnMap = Field(
        default_factory=dict,
        description="Contract column -> column of the source; equal names need no entry.",
    )

    @field_validator("time_format")
    @classmethod
    def _known_directives(cls, form: str | None) -> str | None:
        unknown = sorted(set(re.findall(r"%-?.", form or "")) - _TIME_DIRECTIVES)
        if unknown:
            known = " ".join(sorted(_TIME_DIRECTIVES))
            raise ValueError(f"cannot read {' '.join(unknown)}; it knows {known}, and zones as %z only")
        return form


class FilesSource(_SourceOptions):
    """Events in CSV, NDJSON or Parquet files."""

    type: Literal["files"]
    path: str = Field(description="Glob of the files, relative to the configuration.")

    @field_validator("path")
    @classmethod
    def _absolute_glob(cls, pattern: str, info: ValidationInfo) -> str:
        folder: Path = (info.context or {}).get("folder", Path.cwd())
        return str(Path(glob.escape(str(folder))) / Path(pattern).expanduser())


class SqlSource(_SourceOptions):
    """Events in a database: one table, or a query with `:start` and `:end`."""

    type: Literal["sql"]
    url: SecretStr = Field(description="SQLAlchemy URL; `${NAME}` takes an environment variable.")
    table: str | None = Field(default=None, description="Table or view, optionally schema.table.")
    query: str | None = Field(
        default=None, description="SELECT with :start and :end, the window's UTC instants, the end excluded."
    )

    @field_validator("url")
    @classmethod
    def _absolute_sqlite(cls, url: SecretStr, info: ValidationInfo) -> SecretStr:
        scheme, slashes, path = url.get_secret_value().partition(":///")
        if not scheme.startswith("sqlite") or not slashes or path.startswith(("/", "${")):
            return url
        return SecretStr(f"{scheme}:///{_absolute(Path(path), info)}")

    @model_validator(mode="after")
    def _table_or_query(self) -> Self:
        if (self.table is None) == (self.query is None):
            raise ValueError("give either `table` or `query`")
        for mark in (":start", ":end"):
            if self.query is not None and not re.search(rf"{mark}\b", self.query):
                raise ValueError(f"`query` must use {mark}, so that only the asked days are read")
        return self


Source = Annotated[FilesSource | SqlSource, Field(discriminator="type")]


class Filters(_Model):
    """Values per filter: any of one filter's values, all of the filters. Empty = no filter."""

    source: tuple[str, ...] = ()
    assigned_to: tuple[str, ...] = Field(default=(), description="Name or id; `Unassigned` for none.")
    assigned_by: tuple[str, ...] = ()
    contact: tuple[str, ...] = Field(default=(), description="Part of the name, any case, or the exact id.")
    conversation: tuple[str, ...] = ()

    @property
    def active(self) -> bool:
        """Tell whether anything is filtered."""
        return any(self.model_dump().values())


class Component(StrEnum):
    """The parts of a report, in its order."""

    METRIC = "metric"
    BAR_CHART = "bar_chart"
    PIE_CHART = "pie_chart"
    TREND = "trend"
    COMPARISON = "comparison"
    FINDINGS = "findings"
    HEAT_MAP = "heat_map"
    CHAINS = "chains"
    HAND_OFFS = "hand_offs"
    ASSIGNEES = "assignees"
    PROOF = "proof"
    QUALITY = "quality"
    DEFINITIONS = "definitions"
    LOG = "log"


class Format(StrEnum):
    """The files of a report beside `report.json`."""

    HTML = "html"
    PDF = "pdf"
    CSV = "csv"
    XLSX = "xlsx"
    PARQUET = "parquet"


Language = Literal["en", "de", "es", "pt-BR", "zh-CN", "ar"]


class Brand(_Model):
    """Whose report it is, as its reader sees."""

    color: str = Field(
        default="#332288", pattern=r"^#[0-9a-fA-F]{6}$", description="Of lines and large figures, `#rrggbb`."
    )
    logo: Folder | None = Field(default=None, description="PNG, JPEG or SVG file, up to 1 MB.")
    footer: str = Field(default="", max_length=200, description="Line at the end, and on each printed page.")


class Presentation(_Model):
    """How reports are presented; a workspace's values hold for its reports unless one has its own."""

    components: tuple[Component, ...] = Field(default=tuple(Component), description="What is shown.")
    formats: tuple[Format, ...] = Field(default=tuple(Format), min_length=1, description="Files made.")
    language: Language = Field(default="en", description="Of words, dates and numbers.")
    paper: Literal["A4", "Letter"] = "A4"
    brand: Brand = Brand()
    mask_contacts: bool = Field(
        default=False, description="Contacts and conversations appear under stable pseudonyms."
    )
    pdf_log_rows: int = Field(default=DEFAULT_LOG_ROWS, ge=0, description="Rows of the log that are printed.")
    attach_log: bool = Field(
        default=False, description="The PDF is PDF/A-3 and carries log.csv, instead of PDF/UA-1."
    )
    return_hours: int = Field(
        default=24, ge=1, description="A conversation that comes back within this time is a return."
    )


class ReportSpec(Presentation):
    """One report: which days, which rows, and how it is presented."""

    name: Name
    preset: Preset = Preset.CUSTOM
    first_day: date | None = None
    last_day: date | None = None
    include_today: bool = Field(default=False, description='Let "last N days" end with the report date.')
    filters: Filters = Filters()

    @model_validator(mode="after")
    def _custom_has_days(self) -> Self:
        days = (self.first_day, self.last_day)
        if self.preset is Preset.CUSTOM and None in days:
            raise ValueError("give a `preset`, or `first_day` and `last_day`")
        if self.preset is not Preset.CUSTOM and days != (None, None):
            raise ValueError("`first_day` and `last_day` belong to `preset: custom` only")
        if self.first_day and self.last_day and self.last_day < self.first_day:
            raise ValueError("`last_day` is before `first_day`")
        return self


class Workspace(Presentation):
    """One inbox: its zone, its source, its reports."""

    slug: Name = Field(description="Folder and asset name: lower case, digits, - and _.")
    name: str
    timezone: Zone
    first_day: date = Field(description="First local day that the source can tell about.")
    source: Source
    mask_key: SecretStr | None = Field(
        default=None,
        description="Secret of the pseudonyms, at least 16 characters; another key, other names.",
    )
    owner: str = Field(
        default="team:support",
        pattern=r"^(team:[A-Za-z0-9_-]+|\S+@\S+\.\S+)$",
        description="Who answers for it: an address, or team:name.",
    )
    reports: tuple[ReportSpec, ...] = Field(default=(), description="Reports beside the seven presets.")

    @model_validator(mode="after")
    def _report_names_differ(self) -> Self:
        _refuse_twice([spec.name.replace("-", "_") for spec in self.all_reports], "report name")
        return self

    @model_validator(mode="after")
    def _pseudonyms_have_a_key(self) -> Self:
        if self.mask_key is None and any(spec.mask_contacts for spec in self.all_reports):
            raise ValueError('`mask_contacts` needs the workspace\'s `mask_key`, such as "${MASK_KEY}"')
        return self

    @property
    def zone(self) -> ZoneInfo:
        """The workspace's time zone."""
        return ZoneInfo(self.timezone)

    @property
    def all_reports(self) -> tuple[ReportSpec, ...]:
        """The seven presets, then the workspace's own, all presented as configured."""
        presets = (ReportSpec(name=preset.value, preset=preset) for preset in PRESETS)
        return tuple(self.presented(spec) for spec in (*presets, *self.reports))

    def presented(self, spec: ReportSpec) -> ReportSpec:
        """Return *spec* with the workspace's presentation where it has none of its own."""
        own = {name: getattr(self, name) for name in Presentation.model_fields.keys() - spec.model_fields_set}
        return spec.model_copy(update=own)


class Config(_Model):
    """The whole configuration of one deployment."""

    lake: Folder = Field(description="Folder of the Parquet lake.")
    archive: Folder = Field(description="Folder of the archived reports.")
    workspaces: tuple[Workspace, ...]

    @field_validator("workspaces")
    @classmethod
    def _slugs_differ(cls, workspaces: tuple[Workspace, ...]) -> tuple[Workspace, ...]:
        if not workspaces:
            raise ValueError("list at least one workspace")
        _refuse_twice([workspace.slug.replace("-", "_") for workspace in workspaces], "slug")
        return workspaces


def _refuse_twice(names: list[str], what: str) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"{what} used twice (- and _ count as one): {', '.join(twice)}")


def missing_variables(config: Config) -> list[str]:
    """Return a sentence for every `${NAME}` of *config* that the environment does not have."""
    return [
        f"workspaces.{number}.{key}: environment variable {name} is not set"
        for number, workspace in enumerate(config.workspaces)
        for key, secret in _secrets(workspace)
        for name in _VARIABLE.findall(secret.get_secret_value())
        if name not in os.environ
    ]


def _secrets(workspace: Workspace) -> Iterator[tuple[str, SecretStr]]:
    if isinstance(workspace.source, SqlSource):
        yield "source.url", workspace.source.url
    if workspace.mask_key:
        yield "mask_key", workspace.mask_key


_VARIABLE = re.compile(r"\$\{(\w+)\}")


def reveal(secret: SecretStr) -> str:
    """Return *secret* with each `${NAME}` replaced from the environment.

    Raises ConfigError that names the variable, never the value.
    """

    def value(match: re.Match[str]) -> str:
        if match[1] not in os.environ:
            raise ConfigError(f"environment variable {match[1]} is not set; the configuration uses it")
        return os.environ[match[1]]

    return _VARIABLE.sub(value, secret.get_secret_value())

"""The YAML configuration as validated models; `config_file.py` reads it. No I/O."""

from collections.abc import Iterator
from datetime import date, time
from enum import StrEnum
from typing import Literal, Self
from zoneinfo import ZoneInfo

from pydantic import Field, SecretStr, field_validator, model_validator

from assets.periods import PRESETS, Preset
from assets.setting import Address, DatabaseUrl, Folder, Name, Setting, Zone, missing_names
from assets.source_config import Source, SqlSource
from assets.timing import Calendar, ClockTime, Timing

DEFAULT_LOG_ROWS = 1_000


class Filters(Setting):
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


class Brand(Setting):
    """Whose report it is, as its reader sees."""

    color: str = Field(
        default="#332288", pattern=r"^#[0-9a-fA-F]{6}$", description="Of lines and large figures, `#rrggbb`."
    )
    logo: Folder | None = Field(default=None, description="PNG, JPEG or SVG file, up to 1 MB.")
    footer: str = Field(default="", max_length=200, description="Line at the end, and on each printed page.")


class Presentation(Setting):
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


class ReportSpec(Presentation, Timing):
    """One report: which days, which rows, how it is presented and when it is made."""

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

    @model_validator(mode="after")
    def _months_are_made_on_their_first_day(self) -> Self:
        if self.preset is Preset.LAST_MONTH and self.every not in {"day", "first_day_of_month"}:
            raise ValueError("`last_month` is made once a month, on the first: leave `every` out")
        return self

    @property
    def includes_running_day(self) -> bool:
        """Tell whether it counts the report date itself."""
        return self.include_today or self.preset in {Preset.TODAY, Preset.THIS_MONTH}


class Workspace(Presentation, Timing, Calendar):
    """One inbox: its zone, its source, its reports, and when they are made."""

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
    flow_at: ClockTime = Field(default=time(0, 20), description="Local time of the nightly flow.")
    lookback_days: int = Field(
        default=3, ge=1, le=366, description="Closed days that the nightly flow reads again, for late events."
    )
    today_every: Literal[5, 10, 15, 20, 30, 60, 120, 180, 240, 360, 720] | None = Field(
        default=None, description="Minutes between the runs of reports over the running day."
    )
    max_rejected_pct: float = Field(
        default=5, ge=0, le=100, description="A warning where a larger share of a load's rows is rejected."
    )

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
        return tuple(self.completed(spec) for spec in (*presets, *self.reports))

    def completed(self, spec: ReportSpec) -> ReportSpec:
        """Return *spec* with the workspace's presentation and timing where it has none of its own."""
        shared = Presentation.model_fields.keys() | Timing.model_fields.keys()
        own = {name: getattr(self, name) for name in shared - spec.model_fields_set}
        if spec.preset is Preset.CUSTOM:
            own |= {"every": "day"}  # its days are over once, and it is made once
        if spec.preset is Preset.LAST_MONTH:
            own |= {"every": "first_day_of_month", "at": spec.at or self.at or time(6, 15)}
        return spec.model_copy(update=own)


class Smtp(Setting):
    """The mail server."""

    host: str
    port: int = Field(default=587, ge=1, le=65535)
    security: Literal["starttls", "tls", "none"] = Field(
        default="starttls", description="`none` is allowed on this machine only."
    )
    username: str | None = None
    password: SecretStr | None = None
    sender: Address

    @model_validator(mode="after")
    def _nothing_goes_out_in_clear(self) -> Self:
        if self.security == "none" and self.host not in {"127.0.0.1", "::1", "localhost"}:
            raise ValueError("`security: none` is for a server on this machine; use starttls or tls")
        if self.security == "none" and self.username is not None:
            raise ValueError("`username` needs `security: starttls` or `tls`: a password never goes in clear")
        if (self.username is None) != (self.password is None):
            raise ValueError("give both `username` and `password`, or neither")
        return self


class Config(Setting):
    """The whole configuration of one deployment."""

    lake: Folder = Field(description="Folder of the Parquet lake.")
    archive: Folder = Field(description="Folder of the archived reports.")
    archive_url: str | None = Field(
        default=None,
        pattern=r"^https?://\S+$",
        description="Where a web server of yours shows that folder; the UI links to it.",
    )
    state: DatabaseUrl = Field(
        default=SecretStr("sqlite:///state.sqlite"),
        validate_default=True,
        description="SQLAlchemy URL of the catalogue of reports and of what the operator was told.",
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
    keep_runs_days: int = Field(
        default=400, ge=1, description="Dagster's runs and their logs are deleted after so many days."
    )
    keep_versions: int | None = Field(
        default=None, ge=1, description="Versions of one report that are kept; all, unless told."
    )
    workspaces: tuple[Workspace, ...]

    @field_validator("workspaces")
    @classmethod
    def _slugs_differ(cls, workspaces: tuple[Workspace, ...]) -> tuple[Workspace, ...]:
        if not workspaces:
            raise ValueError("list at least one workspace")
        _refuse_twice([workspace.slug.replace("-", "_") for workspace in workspaces], "slug")
        return workspaces

    @model_validator(mode="after")
    def _the_operator_can_be_reached(self) -> Self:
        if self.operator is not None and self.smtp is None:
            raise ValueError("`operator` needs `smtp`")
        return self


def _refuse_twice(names: list[str], what: str) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"{what} used twice (- and _ count as one): {', '.join(twice)}")


def missing_variables(config: Config) -> list[str]:
    """Return a sentence for every `${NAME}` of *config* that the environment does not have."""
    return [
        f"{key}: environment variable {name} is not set"
        for key, secret in _secrets(config)
        for name in missing_names(secret)
    ]


def _secrets(config: Config) -> Iterator[tuple[str, SecretStr]]:
    yield "state", config.state
    if config.smtp and config.smtp.password:
        yield "smtp.password", config.smtp.password
    for number, workspace in enumerate(config.workspaces):
        if isinstance(workspace.source, SqlSource):
            yield f"workspaces.{number}.source.url", workspace.source.url
        if workspace.mask_key:
            yield f"workspaces.{number}.mask_key", workspace.mask_key

"""The YAML configuration as validated models; `config/loader.py` reads it. No I/O."""

from collections.abc import Iterator
from datetime import date, time
from pathlib import Path
from typing import Literal, Self
from zoneinfo import ZoneInfo

from pydantic import Field, SecretStr, field_validator, model_validator

from assets.config.base import Address, DatabaseUrl, Folder, Name, Place, Setting, Zone, missing_names
from assets.config.presentation import Filters, Presentation
from assets.config.schedule import Calendar, ClockTime, Tick, Timing, ticks
from assets.config.source import ConversationsExport, Source
from assets.config.subscription import Subscription
from assets.periods import DAY, PRESETS, Preset


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

    def has_begun(self, report_date: date) -> bool:
        """Tell whether its period has begun on *report_date*; one of two given dates may not have."""
        return self.first_day is None or self.first_day <= report_date


class Workspace(Presentation, Timing, Calendar):
    """One inbox: its zone, its source, its reports, and when they are made."""

    slug: Name = Field(description="Folder and asset name: lower case, digits, - and _.")
    name: str
    timezone: Zone
    first_day: date = Field(description="First local day that the source can tell about.")
    source: Source
    conversations_export: ConversationsExport | None = Field(
        default=None, description="respond.io's own count of assignments, shown beside the log's."
    )
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
    subscriptions: tuple[Subscription, ...] = Field(default=(), description="Who is sent which reports.")
    flow_at: ClockTime = Field(default=time(0, 20), description="Local time of the nightly flow.")
    lookback_days: int = Field(
        default=3, ge=1, le=366, description="Closed days that the nightly flow reads again, for late events."
    )
    today_every: Literal[5, 10, 15, 20, 30, 60, 120, 180, 240, 360, 720] | None = Field(
        default=None, description="Minutes between the runs of reports over the running day."
    )
    watch_hours: Literal[1, 2, 3, 4, 6, 8, 12] | None = Field(
        default=4,
        description="Hours between looks at the source, so that one that stops is seen the same day.",
    )
    max_rejected_pct: float = Field(
        default=5,
        ge=0,
        le=100,
        description="Reports are provisional where a larger share of rows is rejected.",
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

    @model_validator(mode="after")
    def _subscriptions_can_be_sent(self) -> Self:
        _refuse_twice([each.name.replace("-", "_") for each in self.subscriptions], "subscription name")
        specs = {spec.name: spec for spec in self.all_reports}
        for each in self.subscriptions:
            unknown = [name for name in each.reports if name not in specs]
            if unknown:
                raise ValueError(
                    f"subscription {each.name}: no report {unknown[0]!r}; there are {', '.join(specs)}"
                )
            for name in each.reports:
                if not_made := set(each.attach) - set(specs[name].formats):
                    raise ValueError(
                        f"subscription {each.name}: `attach` wants {min(not_made)}, "
                        f"which the `formats` of {name} leave out"
                    )
                if twice := _filtered(each.filters) & _filtered(specs[name].filters):
                    raise ValueError(f"subscription {each.name}: {name} has its own filter {min(twice)}")
            if each.masks and self.mask_key is None:
                raise ValueError(
                    f"subscription {each.name}: `mask_contacts` needs the workspace's `mask_key`"
                )
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

    def ticks_of(self, spec: ReportSpec, since: date, until: date) -> Iterator[Tick]:
        """Yield when *spec* is called for, for each report date from *since* to *until*.

        A fixed period is reported on the day after it, once.
        """
        if spec.preset is Preset.CUSTOM and spec.last_day is not None:
            after = spec.last_day + DAY
            since, until = max(since, after), min(until, after)
        yield from ticks(spec, self, self.zone, since, until)

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
    reply_to: Address | None = Field(
        default=None, description="Who reads answers, and wishes to be taken off; the sender unless told."
    )
    bounces: Address | None = Field(
        default=None,
        description="Mailbox of returned mails; each mail comes from `name+ID@domain` of it.",
    )
    most_mb: float = Field(
        default=20, gt=0, description="Larger mails go without files, with their address instead."
    )

    @model_validator(mode="after")
    def _nothing_goes_out_in_clear(self) -> Self:
        if self.security == "none" and self.host not in {"127.0.0.1", "::1", "localhost"}:
            raise ValueError("`security: none` is for a server on this machine; use starttls or tls")
        if self.security == "none" and self.username is not None:
            raise ValueError("`username` needs `security: starttls` or `tls`: a password never goes in clear")
        if (self.username is None) != (self.password is None):
            raise ValueError("give both `username` and `password`, or neither")
        return self


class Limits(Setting):
    """How many runs there are at one time: of all, of one workspace, and of those that load or report."""

    runs: int = Field(default=4, ge=1, description="All runs; about the number of cores.")
    of_workspace: int = Field(default=2, ge=1, description="Runs of one workspace: it starves no other.")
    loads: int | None = Field(default=None, ge=1, description="Runs that load days, for the sources' sake.")
    reports: int | None = Field(default=None, ge=1, description="Runs that make reports only.")


class Config(Setting):
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
        _refuse_twice([workspace.slug.replace("-", "_") for workspace in workspaces], "slug")
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
            for each in workspace.subscriptions:
                named = f"subscription {workspace.slug}/{each.name}"
                if self.smtp is None and each.channel is None:
                    raise ValueError(f"{named} needs `smtp`")
                if each.cc_operator and self.operator is None:
                    raise ValueError(f"{named}: `cc_operator` needs `operator`")
                for recipient in each.recipients:
                    if not self.allows(recipient.address):
                        raise ValueError(f"{named}: {recipient.address} is in none of the `allowed_domains`")
        return self

    def allows(self, address: str) -> bool:
        """Tell whether reports may be sent to *address*."""
        domain = address.rpartition("@")[2].lower()
        return not self.allowed_domains or domain in map(str.lower, self.allowed_domains)


def _filtered(filters: Filters) -> set[str]:
    return {name for name, values in filters.model_dump().items() if values}


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


def _secrets_of(setting: Setting, key: str) -> Iterator[tuple[str, SecretStr]]:
    for name, value in setting:
        for each in value if isinstance(value, tuple) else (value,):
            if isinstance(each, SecretStr):
                yield f"{key}.{name}", each

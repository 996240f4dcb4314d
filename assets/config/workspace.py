"""A workspace: one inbox with its zone, source, reports and subscriptions. No I/O."""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Literal, Self
from zoneinfo import ZoneInfo

from pydantic import Field, model_validator

from assets.config.base import OWNER, Folder, LongSecret, Name, Title, Zone, quote, refuse_duplicates
from assets.config.day_notes import DayNote
from assets.config.presentation import (
    CompareWith,
    Component,
    Filters,
    Format,
    Presentation,
    first_weekday_of,
)
from assets.config.schedule import Calendar, ClockTime, Tick, Timing, report_ticks
from assets.config.source import ConversationsExport, Source
from assets.config.subscription import Subscription
from assets.config.teams import Teams
from assets.periods import DAY, PRESETS, Preset, Weekday, first_instant, local_day

_YEAR = 366 * DAY


class ReportSpec(Presentation, Timing):
    """One report: which days, which rows, how it is presented and when it is made."""

    name: Name
    title: Title | None = Field(
        default=None, description="Heading of the report, one line; never translated (default: from `name`)."
    )
    preset: Preset = Preset.CUSTOM
    first_day: date | None = None
    last_day: date | None = None
    include_today: bool = Field(default=False, description='Include the report date in "last N days".')
    filters: Filters = Filters()

    @model_validator(mode="after")
    def _custom_has_days(self) -> Self:
        days = (self.first_day, self.last_day)
        if self.preset is Preset.CUSTOM and None in days:
            raise ValueError("either `preset`, or `first_day` and `last_day` are required")
        if self.preset is not Preset.CUSTOM and days != (None, None):
            raise ValueError("`first_day` and `last_day` are allowed with `preset: custom` only")
        if self.first_day and self.last_day and self.last_day < self.first_day:
            raise ValueError("`last_day` must not be before `first_day`")
        return self

    @model_validator(mode="after")
    def _a_closed_unit_is_reported_once(self) -> Self:
        unit = self.preset.closed_unit
        if unit and self.every not in {"day", f"first_day_of_{unit}"}:
            raise ValueError(f"`every` must be first_day_of_{unit} with `preset: {self.preset}`")
        return self

    @property
    def fixed_days(self) -> tuple[date, date] | None:
        """Return the first and the last day of a fixed period, or None where the period moves."""
        return (self.first_day, self.last_day) if self.first_day and self.last_day else None

    @property
    def includes_running_day(self) -> bool:
        """Return whether the period includes the report date itself."""
        is_relative_to_today = self.preset in {Preset.TODAY, Preset.EXPLORER} or self.preset.running_unit
        return self.include_today or bool(is_relative_to_today)

    def has_begun(self, report_date: date) -> bool:
        """Return whether its period has begun on *report_date*; a fixed period may be in the future."""
        return self.first_day is None or self.first_day <= report_date


class Workspace(Presentation, Timing, Calendar):
    """One inbox: its zone, its source, its reports, and when they are made."""

    slug: Name = Field(description="Folder and asset name: lower-case letters, digits, - and _.")
    name: Title
    timezone: Zone
    first_day: date = Field(description="First local day with data in the source.")
    source: Source
    conversations_export: ConversationsExport | None = Field(
        default=None, description="respond.io's conversations export, whose counts are compared with the log."
    )
    teams: Teams = Field(
        default_factory=dict, description="Teams, each with the IDs or names of its assignees."
    )
    teams_file: Folder | None = Field(
        default=None, description="CSV file of teams with the columns `assignee` (ID or name) and `team`."
    )
    teams_from_source: bool = Field(
        default=False,
        description="Load the teams of Chatwoot's database; `teams` and `teams_file` come first.",
    )
    mask_key: LongSecret | None = Field(
        default=None,
        description="Secret key of the pseudonyms, at least 16 characters; a new key changes them.",
    )
    owner: str = Field(
        default="team:support",
        pattern=OWNER,
        description="Owner in Dagster: a mail address, or team:name.",
    )
    reports: tuple[ReportSpec, ...] = Field(default=(), description="Reports in addition to the presets.")
    explorer: bool = Field(
        default=True, description="Build the explorer: a page for any period of the last days."
    )
    explorer_days: int | None = Field(
        default=None,
        ge=7,
        le=366,
        description="Days that the explorer covers (default: since the first of the previous month).",
    )
    subscriptions: tuple[Subscription, ...] = Field(
        default=(), description="Subscriptions: reports and their recipients."
    )
    notes: tuple[DayNote, ...] = Field(default=(), description="Notes on days; reports show them.")
    notes_file: Folder | None = Field(
        default=None,
        description="CSV file of further notes, with the columns `day`, `text` and, if needed, `until`.",
    )
    flow_at: ClockTime = Field(default=time(0, 20), description="Local time of the nightly load.")
    lookback_days: int = Field(
        default=3,
        ge=1,
        le=366,
        description="Number of past days that the nightly load reloads, for late events.",
    )
    today_every: Literal[5, 10, 15, 20, 30, 60, 120, 180, 240, 360, 720] | None = Field(
        default=None, description="Minutes between updates of reports that include today."
    )
    watch_hours: Literal[1, 2, 3, 4, 6, 8, 12] | None = Field(
        default=4,
        description="Hours between checks whether the source has stalled.",
    )
    max_rejected_pct: float = Field(
        default=5,
        ge=0,
        le=100,
        description="Maximum share of rejected rows; above it, reports are provisional.",
    )

    @model_validator(mode="after")
    def _report_names_differ(self) -> Self:
        refuse_duplicates([spec.name.replace("-", "_") for spec in self.all_reports], "report name")
        return self

    @model_validator(mode="after")
    def _pseudonyms_have_a_key(self) -> Self:
        if self.mask_key is None and any(spec.mask_contacts for spec in self.all_reports):
            raise ValueError('`mask_contacts` requires the workspace\'s `mask_key`, such as "${MASK_KEY}"')
        return self

    @model_validator(mode="after")
    def _subscriptions_can_be_sent(self) -> Self:
        refuse_duplicates(
            [subscription.name.replace("-", "_") for subscription in self.subscriptions], "subscription name"
        )
        specs = {spec.name: spec for spec in self.all_reports}
        for subscription in self.subscriptions:
            unknown = [name for name in subscription.reports if name not in specs]
            if unknown:
                raise ValueError(
                    f"subscription {subscription.name}: unknown report {quote(unknown[0])}; "
                    f"expected one of {', '.join(specs)}"
                )
            for name in subscription.reports:
                if missing := set(subscription.attach) - set(specs[name].formats):
                    raise ValueError(
                        f"subscription {subscription.name}: `attach` requires {min(missing)}, "
                        f"which is not in the `formats` of {name}"
                    )
                if duplicated := _filtered_names(subscription.filters) & _filtered_names(specs[name].filters):
                    raise ValueError(
                        f"subscription {subscription.name}: {name} already filters by {min(duplicated)}"
                    )
            if subscription.when and Preset.EXPLORER in {specs[name].preset for name in subscription.reports}:
                raise ValueError(
                    f"subscription {subscription.name}: `when` needs a report of one period, "
                    "which the explorer is not"
                )
            if subscription.masks and self.mask_key is None:
                raise ValueError(
                    f"subscription {subscription.name}: `mask_contacts` requires the workspace's `mask_key`"
                )
        return self

    @model_validator(mode="after")
    def _teams_are_configured_where_they_are_used(self) -> Self:
        if self.teams_from_source and self.source.type != "chatwoot":
            raise ValueError("`teams_from_source` requires a source of `type: chatwoot`; use `teams_file`")
        if self.has_teams:
            return self
        given: tuple[Presentation, ...] = (self, *self.reports)
        needs_teams = [
            *(f"report {each.name}: `filters.team`" for each in self.reports if each.filters.team),
            *(
                f"subscription {each.name}: `filters.team`"
                for each in self.subscriptions
                if each.filters.team
            ),
            *(
                "`components: [teams]`"
                for each in given
                if Component.TEAMS in each.components and {*each.components} != {*Component}
            ),
        ]
        if needs_teams:
            raise ValueError(f"{needs_teams[0]} requires `teams`, `teams_file` or `teams_from_source`")
        return self

    @property
    def has_teams(self) -> bool:
        """Return whether assignees are in teams."""
        return bool(self.teams or self.teams_file or self.teams_from_source)

    @property
    def group(self) -> str:
        """Return the slug as a name in Dagster: of its group of assets, and the prefix of its jobs."""
        return self.slug.replace("-", "_")

    @property
    def zone(self) -> ZoneInfo:
        """Return the workspace's time zone."""
        return ZoneInfo(self.timezone)

    @property
    def week_start(self) -> Weekday:
        """Return the first day of the week: one for all reports, whatever language each is in."""
        return Weekday(self.week_starts or first_weekday_of(self.language))

    @property
    def all_reports(self) -> tuple[ReportSpec, ...]:
        """Return the seven presets, the explorer and the workspace's own reports, with complete options."""
        made = (*PRESETS, Preset.EXPLORER) if self.explorer else PRESETS
        presets = (ReportSpec(name=preset.value, preset=preset) for preset in made)
        return tuple(self.completed(spec) for spec in (*presets, *self.reports))

    def alerts_of(self, spec: ReportSpec) -> tuple[Subscription, ...]:
        """Return the subscriptions that are alerts about the report *spec*."""
        return tuple(each for each in self.subscriptions if each.is_alert and spec.name in each.reports)

    def ticks_of(self, spec: ReportSpec, since: date, until: date) -> Iterator[Tick]:
        """Yield the ticks of *spec* for each report date from *since* to *until*.

        A fixed period is reported once, on the day after it.
        """
        if spec.preset is Preset.CUSTOM and spec.last_day is not None:
            after = spec.last_day + DAY
            since, until = max(since, after), min(until, after)
        yield from report_ticks(spec, self, self.zone, since, until)

    def next_due(self, spec: ReportSpec, after: datetime) -> datetime | None:
        """Return when *spec* is due next after an instant, or None for a fixed period that is reported."""
        today = local_day(after, self.zone)
        if self.today_every and spec.includes_running_day:
            midnight, interval = first_instant(today, self.zone), timedelta(minutes=self.today_every)
            due = midnight + ((after - midnight) // interval + 1) * interval
            tomorrow = first_instant(today + DAY, self.zone)
            return due if due < tomorrow else tomorrow + interval
        ticks = self.ticks_of(spec, today - _YEAR, today + _YEAR)
        return min((tick.at for tick in ticks if tick.at > after), default=None)

    def completed(self, spec: ReportSpec) -> ReportSpec:
        """Return *spec* with the workspace's presentation and timing where it has none of its own."""
        shared = Presentation.model_fields.keys() | Timing.model_fields.keys()
        own = {name: getattr(self, name) for name in shared - spec.model_fields_set}
        if spec.preset is Preset.CUSTOM:
            own |= {"every": "day"}  # its days end once, and it is created once
        if unit := spec.preset.closed_unit:
            own |= {"every": f"first_day_of_{unit}", "at": spec.at or self.at or time(6, 15)}
        if spec.preset is Preset.EXPLORER:
            components = own.get("components", spec.components)
            own |= {
                "formats": (Format.HTML,),
                "interactive": True,
                "components": tuple(each for each in components if each is not Component.PROOF),
                "compare_with": CompareWith.PREVIOUS_PERIOD,  # with that of each range that is picked
            }
        return spec.model_copy(update=own)


def _filtered_names(filters: Filters) -> set[str]:
    return {name for name, values in filters.model_dump().items() if values}

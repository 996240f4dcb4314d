"""The `Report` model: every figure that any output prints, without layout.

It converts to JSON and back unchanged; the log's rows are separate (`log.parquet`). Add a figure here only
with its definition in docs/reference/definitions.md.
"""

from datetime import date, datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from assets.config.day_notes import DayNote
from assets.config.metrics import Condition, Goal
from assets.config.presentation import CompareWith, Component, Filters, Format, Language
from assets.periods import Preset, Weekday
from assets.report.people_model import AssigneeBalance, HandOffs, Ownership, PersonFigures, TeamFigures
from assets.runtime.frozen_model import FrozenModel

TAGGED_ROWS = 5_000


class Verbatim(str):
    """A text of the configuration: shown as it is in every language, even where it equals a message."""

    __slots__ = ()


class State(StrEnum):
    """The state of a component: docs/reference/definitions.md, Components."""

    SHOWN = "shown"
    OFF = "off"
    NOT_APPLICABLE = "not_applicable"
    NO_DATA = "no_data"


class Span(FrozenModel):
    """The days of a report, and their bounds in UTC, the end excluded."""

    first_day: date
    last_day: date
    start: datetime
    end: datetime
    timezone: str


class SourceCount(FrozenModel):
    """Assignments by one source; `share_pct` has one decimal and is null if the total is 0."""

    source: str
    label: str
    count: int
    share_pct: float | None


class DayCount(FrozenModel):
    """Assignments on one day; `count` has no meaning unless `is_loaded`."""

    day: date
    count: int
    is_loaded: bool


class LogSummary(FrozenModel):
    """The log: its number of rows, of printed rows, its data files, and the SHA-256 of `log.csv`."""

    rows_total: int
    rows_shown: int
    files: tuple[str, ...]
    sha256: str


class RejectedRow(FrozenModel):
    """A row that is not an event; row 0 stands for an entire input."""

    origin: str
    row_number: int | None
    reason: str


class Quality(FrozenModel):
    """The outcome of the rows read for the report's days, before filters.

    read = accepted + rejected + duplicates + no_change; `examples` are the first rejected rows.
    """

    read: int
    accepted: int
    rejected: int
    duplicates: int
    no_change: int
    unreadable: int
    cleaned: int
    inferred: int
    source_unknown: int
    ambiguous: int = 0
    examples: tuple[RejectedRow, ...]


class ReasonCode(StrEnum):
    """Why a report is provisional: docs/reference/definitions.md, Complete and provisional."""

    DAYS_MISSING = "days_missing"
    INPUT_UNREADABLE = "input_unreadable"
    INPUT_GAVE_NOTHING = "input_gave_nothing"
    REJECTED_SHARE = "rejected_share"
    SOURCE_STALLED = "source_stalled"


class Reason(FrozenModel):
    """One reason, and the facts for its sentence."""

    code: ReasonCode
    facts: dict[str, str | int | float]


class Total(StrEnum):
    """The ways in which a report's total is counted."""

    LOG = "log_rows"
    SOURCES = "sum_of_sources"
    DAYS = "sum_of_days"
    HOURS = "sum_of_hours"
    HAND_OFFS = "sum_of_hand_offs"
    RECEIVED = "received_or_unassigned"
    RELEASED = "released_or_from_nobody"
    TEAM_HAND_OFFS = "sum_of_team_hand_offs"
    TEAM_RECEIVED = "received_by_teams_or_unassigned"
    TEAM_RELEASED = "released_by_teams_or_from_nobody"
    AGGREGATES = "daily_source_aggregates"
    ACCEPTED = "accepted_that_changed"
    CSV = "lines_of_csv"
    PARQUET = "rows_of_parquet"


class Control(FrozenModel):
    """The counts of respond.io's export for conversations that lie entirely within the report's days."""

    conversations: int
    exported: int
    logged: int
    differing: int


class ProofLine(FrozenModel):
    """The report's total, counted in one way; all proof lines must be equal."""

    name: Total
    total: int

    @property
    def label(self) -> str:
        """Return the name in words."""
        return self.name.value.replace("_", " ").capitalize()


class Components(FrozenModel):
    """The state of each component, named as in `config.Component`."""

    metric: State
    bar_chart: State
    pie_chart: State
    trend: State
    comparison: State
    findings: State
    heat_map: State
    chains: State
    hand_offs: State
    assignees: State
    ownership: State = State.OFF
    people: State = State.OFF
    teams: State = State.OFF
    proof: State
    quality: State
    definitions: State
    log: State

    def shows(self, component: Component) -> bool:
        """Tell whether *component* is shown with its figures."""
        return bool(getattr(self, component.value) is State.SHOWN)


class Note(StrEnum):
    """A limit to the comparability of two periods."""

    NOT_LOADED = "not_loaded"
    NOT_WHOLE = "not_whole"
    LENGTHS_DIFFER = "lengths_differ"
    FEW = "few"


class SourceChange(FrozenModel):
    """The count of one source in the report's period and `before`, in the previous one."""

    source: str
    label: str
    count: int
    before: int

    @property
    def difference(self) -> int:
        """Return the change since the previous period."""
        return self.count - self.before


class Comparison(FrozenModel):
    """The compared period, counted with the same filters; `total` is null if it is not entirely loaded.

    While the report's last day is running, the previous period is cut by the same time, at the instant
    `until`; null if it is counted to its end. `by_day` has its days in order, without those after `until`.
    """

    first_day: date
    last_day: date
    until: datetime | None = None
    day_count: int
    total: int | None
    change_pct: float | None
    by_source: tuple[SourceChange, ...]
    by_day: tuple[int, ...] = ()
    notes: tuple[Note, ...]


class KeyFigureName(StrEnum):
    """The key figures, in the order in which they are shown."""

    ASSIGNMENTS = "assignments"
    FIRST_ASSIGNMENTS = "first_assignments"
    REASSIGNMENTS = "reassignments"
    UNASSIGNMENTS = "unassignments"
    CONVERSATIONS = "conversations"
    CONTACTS = "contacts"
    REASSIGNMENT_RATE = "reassignment_rate"
    BOUNCE_BACKS = "bounce_backs"


class KeyFigure(FrozenModel):
    """A key figure, its value in the previous period, and `trend`: its value by day, or by hour of one day.

    `reassignment_rate` is in percent and its `change` in percentage points; every other one is a count and
    its change in percent. `value` is null if filters take assignments out of conversations. `parts` are the
    two counts that a rate is the quotient of, and `previous_parts` those of the previous period.
    """

    name: KeyFigureName
    value: int | float | None
    previous: int | float | None
    change: float | None
    trend: tuple[int | float | None, ...]
    parts: tuple[int, int] | None = None
    previous_parts: tuple[int, int] | None = None


class Chain(FrozenModel):
    """A conversation assigned more than once; `path` has its assignees in order, null for unassigned."""

    conversation_id: str
    contact: str
    count: int
    path: tuple[str | None, ...]
    is_cut: bool


class ReturnPair(FrozenModel):
    """The number of bounce-backs from `first` to `second` and back."""

    first: str
    second: str
    count: int


class Chains(FrozenModel):
    """The most assigned conversations, and the bounce-backs within `return_hours`."""

    assigned_count: int
    reassigned_count: int
    most_assigned: tuple[Chain, ...]
    return_hours: int
    return_count: int
    return_pairs: tuple[ReturnPair, ...]


class Rule(StrEnum):
    """The rule of a finding; `render/findings.py` has its sentence."""

    CHANGE = "change"
    TOP_SOURCE = "top_source"
    SHIFT = "shift"
    BUSIEST_DAY = "busiest_day"
    BUSIEST_HOUR = "busiest_hour"
    TOP_ASSIGNEE = "top_assignee"
    BOUNCED = "bounced"
    RETURNS = "returns"
    UNASSIGNED = "unassigned"
    NEW_SOURCE = "new_source"
    GONE_SOURCE = "gone_source"
    DAILY_CHANGE = "daily_change"
    WAITED = "waited"
    WAITED_IN_HOUR = "waited_in_hour"
    TOP_HOLDER = "top_holder"


class Finding(FrozenModel):
    """The facts of one sentence, and the URL fragment that leads to its rows (`source=user`), if any.

    `compare_with` tells what a change was compared with.
    """

    rule: Rule
    facts: dict[str, str | int | float]
    fragment: str
    compare_with: CompareWith = CompareWith.PREVIOUS_PERIOD


class Unknown(StrEnum):
    """Why the value of a metric is not known, or cannot be compared with a threshold."""

    NO_DATA = "no_data"
    NOT_IN_REPORT = "not_in_report"
    NOTHING_TO_DIVIDE = "nothing_to_divide"
    TOO_FEW = "too_few"
    NO_PREVIOUS = "no_previous"


class GoalResult(FrozenModel):
    """A goal, the value of its metric and whether it is met; null with the `reason` why it is not known.

    `count` is the number that the value rests on. Values are as printed; `is_met` is tested on exact ones.
    """

    goal: Goal
    value: int | float | None
    count: int | None
    is_met: bool | None
    reason: Unknown | None = None


class ConditionResult(FrozenModel):
    """A condition of an alert, as `GoalResult`; `change` is in percent, that of a percentage in points."""

    condition: Condition
    value: int | float | None
    count: int | None
    change: float | None = None
    is_met: bool | None
    reason: Unknown | None = None


class AlertResult(FrozenModel):
    """The conditions of an alert about the report, and whether any or all of them, as it asks, are met."""

    conditions: tuple[ConditionResult, ...]
    is_met: bool | None

    @property
    def met(self) -> tuple[ConditionResult, ...]:
        """Return the conditions that are met."""
        return tuple(result for result in self.conditions if result.is_met)


class Sibling(FrozenModel):
    """A report of the same workspace, to link to."""

    name: str
    own_title: str = ""

    @property
    def title(self) -> str:
        """Return the configured title, or the name in title case."""
        return title_of(self.name, self.own_title)


class Look(FrozenModel):
    """How the report is presented, from the configuration; the logo is a `data:` URL.

    `siblings` are the reports of its workspace, itself included.
    """

    language: Language
    paper: str
    formats: tuple[Format, ...]
    color: str
    logo: str
    footer: str
    is_masked: bool
    attach_log: bool
    is_interactive: bool
    csv_bom: bool = True
    siblings: tuple[Sibling, ...] = ()


def title_of(name: str, own_title: str) -> str:
    """Return a report's configured title, or its *name* in title case; only a preset's name is translated."""
    title = own_title or name.replace("_", " ").title()
    return title if name in {*Preset} and not own_title else Verbatim(title)


class Report(FrozenModel):
    """The figures of one report; docs/reference/definitions.md explains each.

    `heat_map` has 7 rows of 24 hours, Monday first; `known_since` is the first day that balances cover;
    `own_title` is empty unless one is configured; `week_start` is the first day of the week presets.
    """

    schema_version: int = 1
    workspace: str
    workspace_name: str
    name: str
    own_title: str = ""
    preset: Preset
    week_start: Weekday = Weekday.MONDAY
    report_date: date
    as_of: datetime
    period: Span
    filters: Filters
    return_hours: int = 24
    total: int
    key_figures: tuple[KeyFigure, ...] = ()
    by_source: tuple[SourceCount, ...]
    by_day: tuple[DayCount, ...]
    log: LogSummary
    components: Components
    look: Look
    compare_with: CompareWith = CompareWith.PREVIOUS_PERIOD
    comparison: Comparison | None
    notes: tuple[DayNote, ...] = ()
    heat_map: tuple[tuple[int, ...], ...]
    chains: Chains | None
    hand_offs: HandOffs | None
    assignees: tuple[AssigneeBalance, ...]
    teams: TeamFigures | None = None
    known_since: date | None
    ownership: Ownership | None = None
    people: tuple[PersonFigures, ...] = ()
    leaderboard: str = "assigned"
    findings: tuple[Finding, ...]
    goals: tuple[GoalResult, ...] = ()
    alerts: tuple[AlertResult, ...] = ()
    quality: Quality
    provisional: bool
    reasons: tuple[Reason, ...] = ()
    missing_days: tuple[date, ...]
    proof: tuple[ProofLine, ...]
    control: Control | None = None
    data_version: str

    @property
    def title(self) -> str:
        """Return the configured title, or the name in title case."""
        return title_of(self.name, self.own_title)

    @property
    def has_no_data(self) -> bool:
        """Tell whether its 0 has no meaning: it is provisional, and no event of its days was accepted."""
        return self.provisional and not self.quality.accepted

    @property
    def as_of_local(self) -> str:
        """Return the as-of instant in the report's time zone, with the offset."""
        return self.as_of_wall.isoformat(" ", "seconds")

    @property
    def as_of_wall(self) -> datetime:
        """Return the as-of instant as a local time of the report's zone."""
        return self.as_of.astimezone(ZoneInfo(self.period.timezone))

    @property
    def tags_rows(self) -> bool:
        """Tell whether the printed log is tagged for screen readers: tags of more rows are too large."""
        return self.log.rows_shown <= TAGGED_ROWS or not self.components.shows(Component.LOG)

    @property
    def carries_log(self) -> bool:
        """Tell whether the PDF has `log.csv` attached: if configured, or if its rows are not tagged."""
        return self.look.attach_log or not self.tags_rows

    @property
    def is_reconciled(self) -> bool:
        """Tell whether every proof line equals the total, and every balance and ownership adds up.

        The balances by team also add up to those by person.
        """
        ownership = self.ownership.proof if self.ownership else ()
        by_team = self.teams.balances if self.teams else ()
        return (
            all(line.total == self.total for line in self.proof)
            and all(balance.is_balanced for balance in (*self.assignees, *by_team))
            and (not (self.assignees and by_team) or _sum_up(self.assignees) == _sum_up(by_team))
            and all(line.holds for line in ownership)
        )


def _sum_up(balances: tuple[AssigneeBalance, ...]) -> list[int]:
    """Return the sum of each figure of *balances*."""
    return [
        sum(figures)
        for figures in zip(
            *((each.opening, each.received, each.released, each.unseen, each.closing) for each in balances),
            strict=True,
        )
    ]

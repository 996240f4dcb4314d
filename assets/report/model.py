"""The `Report`: every figure that any output prints, and nothing about how it looks.

It goes to JSON and back unchanged; the rows of the log stand beside it (`log.parquet`).
"""

from datetime import date, datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from assets.config.presentation import Component, Filters, Format, Language
from assets.periods import Preset
from assets.runtime.frozen_model import FrozenModel

TAGGED_ROWS = 5_000


class State(StrEnum):
    """What a component shows: docs/configuration.md, Filters."""

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
    """Assignments by one source; `share_pct` has one decimal and is null where the total is 0."""

    source: str
    label: str
    count: int
    share_pct: float | None


class DayCount(FrozenModel):
    """Assignments on one day; where it is not loaded or has not begun, 0 means nothing."""

    day: date
    count: int
    is_loaded: bool


class LogSummary(FrozenModel):
    """The log: its rows, how many are printed, the files that hold all, and the SHA-256 of `log.csv`."""

    rows_total: int
    rows_shown: int
    files: tuple[str, ...]
    sha256: str


class RejectedRow(FrozenModel):
    """A row that is no event; row 0 is a whole input."""

    origin: str
    row_number: int | None
    reason: str


class Quality(FrozenModel):
    """What became of the rows read for the days of the report, before filters.

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
    """Why a report is provisional: docs/naming.md, Complete and provisional."""

    DAYS_MISSING = "days_missing"
    INPUT_UNREADABLE = "input_unreadable"
    INPUT_GAVE_NOTHING = "input_gave_nothing"
    REJECTED_SHARE = "rejected_share"
    SOURCE_STALLED = "source_stalled"


class Reason(FrozenModel):
    """One reason, and the figures that its sentence needs."""

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
    AGGREGATES = "daily_source_aggregates"
    ACCEPTED = "accepted_that_changed"
    CSV = "lines_of_csv"
    PARQUET = "rows_of_parquet"


class Control(FrozenModel):
    """What respond.io's export counts for the conversations that lie wholly within the report's days."""

    conversations: int
    exported: int
    logged: int
    differing: int


class ProofLine(FrozenModel):
    """One total, counted its own way; all of a report's must be equal."""

    name: Total
    total: int

    @property
    def label(self) -> str:
        """Its name in words."""
        return self.name.value.replace("_", " ").capitalize()


class Components(FrozenModel):
    """The state of each component; their names are those of `config.Component`."""

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
    proof: State
    quality: State
    definitions: State
    log: State

    def shows(self, component: Component) -> bool:
        """Tell whether *component* is there with its figures."""
        return bool(getattr(self, component.value) is State.SHOWN)


class Note(StrEnum):
    """What keeps a comparison from being taken at its word."""

    NOT_LOADED = "not_loaded"
    NOT_WHOLE = "not_whole"
    LENGTHS_DIFFER = "lengths_differ"
    FEW = "few"


class SourceChange(FrozenModel):
    """One source now and in the period before."""

    source: str
    label: str
    count: int
    before: int

    @property
    def difference(self) -> int:
        """How many more there are now."""
        return self.count - self.before


class Comparison(FrozenModel):
    """The period before, counted with the same filters; `total` is null where it is not all loaded.

    While the report's last day runs, the period before ends as long before its own end, at the instant
    `until`; null where it is counted to its end.
    """

    first_day: date
    last_day: date
    until: datetime | None = None
    day_count: int
    total: int | None
    change_pct: float | None
    by_source: tuple[SourceChange, ...]
    notes: tuple[Note, ...]


class Chain(FrozenModel):
    """A conversation assigned more than once: who had it, in order; null is nobody."""

    conversation_id: str
    contact: str
    count: int
    path: tuple[str | None, ...]
    is_cut: bool


class ReturnPair(FrozenModel):
    """How often conversations went from `first` to `second` and straight back."""

    first: str
    second: str
    count: int


class Chains(FrozenModel):
    """Where conversations bounce: the most assigned ones, and hand-offs that came straight back."""

    conversation_count: int
    reassigned_count: int
    most_assigned: tuple[Chain, ...]
    return_hours: int
    return_count: int
    return_pairs: tuple[ReturnPair, ...]


class HandOffs(FrozenModel):
    """Assignments from each person (row) to each (column); after `people` come the others, then nobody.

    Its cells add up to the total. `keys` are what the filters call the people, `kinds` what they are.
    """

    people: tuple[str, ...]
    keys: tuple[str, ...]
    kinds: tuple[str | None, ...]
    counts: tuple[tuple[int, ...], ...]


class AssigneeBalance(FrozenModel):
    """The contacts a person has: opening + received - released + unseen = closing.

    `unseen` are changes that no event tells, known by what the next event says. `kind` is what the person
    is, such as `ai_agent`; None where the source does not say.
    """

    assignee: str
    kind: str | None = None
    opening: int
    received: int
    released: int
    unseen: int
    closing: int

    @property
    def is_balanced(self) -> bool:
        """Tell whether the line adds up."""
        return self.opening + self.received - self.released + self.unseen == self.closing


class Rule(StrEnum):
    """What a finding is about; `render/findings.py` says it in words."""

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


class Finding(FrozenModel):
    """One sentence's facts, and the filter that leads to its rows (`source=user`), if one does."""

    rule: Rule
    facts: dict[str, str | int | float]
    fragment: str


class Look(FrozenModel):
    """How the report is presented: what the configuration says, the logo as a `data:` address."""

    language: Language
    paper: str
    formats: tuple[Format, ...]
    color: str
    logo: str
    footer: str
    is_masked: bool
    attach_log: bool
    is_interactive: bool


class Report(FrozenModel):
    """One report as it is said: docs/definitions.md explains each figure.

    `heat_map` has 7 rows of 24 hours, Monday first; `known_since` is the first day that `assignees` know.
    """

    schema_version: int = 1
    workspace: str
    workspace_name: str
    name: str
    preset: Preset
    report_date: date
    as_of: datetime
    period: Span
    filters: Filters
    total: int
    by_source: tuple[SourceCount, ...]
    by_day: tuple[DayCount, ...]
    log: LogSummary
    components: Components
    look: Look
    comparison: Comparison | None
    heat_map: tuple[tuple[int, ...], ...]
    chains: Chains | None
    hand_offs: HandOffs | None
    assignees: tuple[AssigneeBalance, ...]
    known_since: date | None
    findings: tuple[Finding, ...]
    quality: Quality
    provisional: bool
    reasons: tuple[Reason, ...] = ()
    missing_days: tuple[date, ...]
    proof: tuple[ProofLine, ...]
    control: Control | None = None
    data_version: str

    @property
    def title(self) -> str:
        """The report's name as people read it."""
        return self.name.replace("_", " ").title()

    @property
    def has_no_data(self) -> bool:
        """Tell whether its 0 says nothing: it is provisional, and not one event of its days was accepted."""
        return self.provisional and not self.quality.accepted

    @property
    def as_of_local(self) -> str:
        """The as-of instant in the zone of the report, with its offset."""
        return self.as_of.astimezone(ZoneInfo(self.period.timezone)).isoformat(" ", "seconds")

    @property
    def tags_rows(self) -> bool:
        """Whether the printed rows of the log are there for screen readers: tags of more weigh too much."""
        return self.log.rows_shown <= TAGGED_ROWS or not self.components.shows(Component.LOG)

    @property
    def carries_log(self) -> bool:
        """Whether the PDF has `log.csv` inside: where that is asked for, or its rows are not tagged."""
        return self.look.attach_log or not self.tags_rows

    @property
    def is_reconciled(self) -> bool:
        """Tell whether every total is the report's, and every line of the assignees adds up."""
        return all(line.total == self.total for line in self.proof) and all(
            each.is_balanced for each in self.assignees
        )

"""The `Report`: every figure that any output prints, and nothing about how it looks.

It goes to JSON and back unchanged; the rows of the log stand beside it (`log.parquet`).
"""

from datetime import date, datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict

from assets.config import Filters
from assets.periods import Preset


class State(StrEnum):
    """What a component shows: docs/configuration.md, Filters."""

    SHOWN = "shown"
    NOT_APPLICABLE = "not_applicable"
    NO_DATA = "no_data"


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Span(_Value):
    """The days of a report, and their bounds in UTC, the end excluded."""

    first_day: date
    last_day: date
    start: datetime
    end: datetime
    timezone: str


class SourceCount(_Value):
    """Assignments by one source; `share_pct` has one decimal and is null where the total is 0."""

    source: str
    label: str
    count: int
    share_pct: float | None


class DayCount(_Value):
    """Assignments on one day; where it is not loaded or has not begun, 0 means nothing."""

    day: date
    count: int
    is_loaded: bool


class LogSummary(_Value):
    """The log beside the report: its rows, how many are printed, and the SHA-256 of `log.csv`."""

    rows_total: int
    rows_shown: int
    sha256: str


class RejectedRow(_Value):
    """A row that is no event; row 0 is a whole input."""

    origin: str
    row_number: int | None
    reason: str


class Quality(_Value):
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
    examples: tuple[RejectedRow, ...]


class ProofLine(_Value):
    """One total, counted its own way; all of a report's must be equal."""

    name: str
    total: int


class Components(_Value):
    """The state of each component."""

    metric: State
    bar_chart: State
    pie_chart: State
    trend: State
    log: State
    quality: State


class Report(_Value):
    """One report as it is said: docs/naming.md explains each figure."""

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
    quality: Quality
    provisional: bool
    missing_days: tuple[date, ...]
    proof: tuple[ProofLine, ...]
    data_version: str

    @property
    def title(self) -> str:
        """The report's name as people read it."""
        return self.name.replace("_", " ").title()

    @property
    def as_of_local(self) -> str:
        """The as-of instant in the zone of the report, with its offset."""
        return self.as_of.astimezone(ZoneInfo(self.period.timezone)).isoformat(" ", "seconds")

    @property
    def is_reconciled(self) -> bool:
        """Tell whether every total is the report's."""
        return all(line.total == self.total for line in self.proof)

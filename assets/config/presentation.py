"""The presentation of a report: components, files, language, colors and filters. No I/O."""

from enum import StrEnum
from functools import cache
from typing import Annotated, Literal

from pydantic import Field

from assets.config.base import COLOR, ConfigModel, Folder, Footer
from assets.config.metrics import Goal
from assets.periods import Weekday

_SHORT_LOG, _LATEST_ROWS = 200, 100


class Filters(ConfigModel):
    """Values per filter: any of one filter's values, all of the filters. Empty = no filter."""

    source: tuple[str, ...] = ()
    assigned_to: tuple[str, ...] = Field(
        default=(), description="Name or ID of an assignee, or `Unassigned`."
    )
    team: tuple[str, ...] = Field(
        default=(), description="Team of the assignee, or `No team` for assignees in none."
    )
    assigned_by: tuple[str, ...] = ()
    contact: tuple[str, ...] = Field(
        default=(), description="Part of the name, in any case, or the exact ID."
    )
    conversation: tuple[str, ...] = ()

    @property
    def active(self) -> bool:
        """Return whether any filter is set."""
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
    OWNERSHIP = "ownership"
    PEOPLE = "people"
    TEAMS = "teams"
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

    @property
    def file(self) -> str:
        """Return the name of the archived file."""
        return f"{'report' if self in {Format.HTML, Format.PDF} else 'log'}.{self.value}"


Language = Literal["en", "de", "es", "pt-BR", "zh-CN", "ar"]


@cache
def first_weekday_of(language: Language) -> Weekday:
    """Return the first day of the week in *language*'s locale, as Babel (CLDR) has it: Sunday for `pt-BR`."""
    from babel import Locale  # noqa: PLC0415 - a command that reads no workspace does not need it

    return tuple(Weekday)[Locale.parse(language, sep="-").first_week_day]


class CompareWith(StrEnum):
    """The period that a report is compared with."""

    PREVIOUS_PERIOD = "previous_period"
    PREVIOUS_YEAR = "previous_year"


LeaderboardColumn = Literal[
    "assigned",
    "change_pct",
    "first_assignments",
    "received",
    "passed_on",
    "unassigned",
    "returned",
    "waiting_median",
    "holding_median",
    "holding_p90",
    "held_count",
]


class Brand(ConfigModel):
    """Whose report it is, as its reader sees."""

    color: str = Field(
        default="#332288",
        pattern=COLOR,
        description="Color of lines and large figures, `#rrggbb`.",
    )
    logo: Folder | None = Field(default=None, description="PNG, JPEG or SVG file, up to 1 MB.")
    footer: Footer = Field(
        default="", description="Text at the end of the report and on each printed page, one line."
    )


class Presentation(ConfigModel):
    """How reports are presented; a workspace's values hold for its reports unless one has its own."""

    components: tuple[Component, ...] = Field(
        default=tuple(Component), description="Components that are shown."
    )
    formats: tuple[Format, ...] = Field(
        default=tuple(Format), min_length=1, description="Files that are written."
    )
    language: Language = Field(default="en", description="Language of the report, its dates and numbers.")
    paper: Literal["A4", "Letter"] = "A4"
    brand: Brand = Brand()
    mask_contacts: bool = Field(
        default=False, description="Show stable pseudonyms instead of contacts and conversations."
    )
    pdf_log_rows: Annotated[int, Field(ge=0)] | Literal["all"] | None = Field(
        default=None,
        description="Latest log rows in the PDF, or `all` (default: all up to 200, else the latest 100).",
    )
    csv_bom: bool = Field(
        default=True, description="log.csv starts with a byte order mark, which Excel needs."
    )
    attach_log: bool = Field(
        default=False, description="Attach log.csv to the PDF: PDF/A-3 instead of PDF/UA-1."
    )
    interactive: bool = Field(
        default=True,
        description="Embed the full log in the page for its filters; otherwise only the printed rows.",
    )
    compare_with: CompareWith = Field(
        default=CompareWith.PREVIOUS_PERIOD,
        description="The previous period, or the same days one year before.",
    )
    return_hours: int = Field(
        default=24, ge=1, description="Maximum hours between the two assignments of a bounce-back."
    )
    goals: tuple[Goal, ...] = Field(default=(), description="What figures are to be, shown beside them.")

    leaderboard: LeaderboardColumn = Field(
        default="assigned", description="Figure by which people are ranked, the largest first."
    )

    def printed_rows(self, total: int) -> int:
        """Return how many of a log's *total* rows are printed, the latest ones."""
        if self.pdf_log_rows is None:
            return total if total <= _SHORT_LOG else _LATEST_ROWS
        return total if self.pdf_log_rows == "all" else min(total, self.pdf_log_rows)

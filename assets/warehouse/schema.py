"""The one description of every stored column, which the lake, the queries and `sql` share.

No data and no connection belongs here. Each table is stored by `local_day`, which the lake has in the
folder's name; the order of a day's rows is the table's primary key.
"""

from typing import Any

import pyarrow as pa
from sqlalchemy import BigInteger, Boolean, Column, Date, DateTime, Index, MetaData, Table, Text, func

METADATA = MetaData()

_INSTANT = DateTime(timezone=True)


def _text_column(name: str, comment: str = "", *, nullable: bool = True, key: bool = False) -> Column[Any]:
    return Column(name, Text, nullable=nullable, primary_key=key, comment=comment)


def _repeating_column(name: str, comment: str = "", *, nullable: bool = True) -> Column[Any]:
    """Return a column of few distinct texts: in memory and in files each text is stored once."""
    return Column(name, Text, nullable=nullable, comment=comment, info={"repeats": True})


def _count_column(name: str, comment: str) -> Column[Any]:
    return Column(name, BigInteger, nullable=False, comment=comment)


def _day_column() -> Column[Any]:
    return Column("local_day", Date, primary_key=True, comment="day of the workspace's zone")


def _event_columns() -> list[Column[Any]]:
    return [
        Column(
            "position",
            BigInteger,
            primary_key=True,
            autoincrement=False,
            comment="1 = first event of the day; at one instant in the order in which the source gave them",
        ),
        Column("occurred_at", _INSTANT, nullable=False, comment="UTC instant, microseconds"),
        _text_column(
            "event_id",
            "unique in a workspace; made from the row's cells where the source has none",
            nullable=False,
        ),
        _text_column("conversation_id"),
        _text_column("contact_id"),
        _text_column("contact_name", "untrusted text"),
        _repeating_column("previous_assignee_id"),
        _repeating_column("previous_assignee_name"),
        _repeating_column("assignee_id", "no id and no name: unassigned"),
        _repeating_column("assignee_name"),
        _repeating_column("assignee_kind", "see events.ASSIGNEE_KINDS; null where the source does not say"),
        _repeating_column("source", "code, see events.SOURCE_LABELS", nullable=False),
        _repeating_column("assigned_by_id"),
        _repeating_column("assigned_by_name"),
        _repeating_column("assignee_of", "whose assignee changed: contact or conversation", nullable=False),
        _repeating_column("origin", "the input: file name or table", nullable=False),
        _repeating_column("time_quality", "exact, received, bounded or imported", nullable=False),
        _repeating_column("source_quality", "stated, inferred or unknown", nullable=False),
    ]


ASSIGNMENT_EVENTS = Table(
    "assignment_events",
    METADATA,
    _day_column(),
    *_event_columns(),
    Column("previous_stated", Boolean, nullable=False, comment="the source tells the previous assignee"),
    Column("text_cleaned", Boolean, nullable=False, comment="a character that nobody can print was replaced"),
    comment="accepted events as read, one row an event",
)

Index("assignment_events_by_id", func.hashtextextended(ASSIGNMENT_EVENTS.c.event_id, 0))

REJECTED_EVENTS = Table(
    "rejected_events",
    METADATA,
    _day_column(),
    _text_column("origin", "the input: file name or table", nullable=False, key=True),
    Column(
        "row_number",
        BigInteger,
        primary_key=True,
        comment="1 = first row after the header; 0 = the whole input; below 0 where its rows have no order",
    ),
    _text_column("reason", nullable=False),
    _text_column("problem", "of a whole input: input_unreadable or input_gave_nothing"),
    _text_column("raw", "the row as read: its text, or its cells as JSON"),
    comment="rows that are no events, with the reason",
)

LOAD_COUNTS = Table(
    "load_counts",
    METADATA,
    _day_column(),
    Column("loaded_until", _INSTANT, nullable=False, comment="events before this UTC instant were asked for"),
    _text_column("zone", "time zone that the day was cut by", nullable=False),
    Column("day_start", _INSTANT, nullable=False, comment="UTC instant at which the day begins there"),
    Column("day_end", _INSTANT, nullable=False, comment="UTC instant at which the next day begins"),
    _text_column(
        "source_version",
        "digest of the source's configuration, after pruned/ or not; or import/<number>",
        nullable=False,
    ),
    _count_column("read_count", "rows read for the day"),
    _count_column("accepted_count", "rows of assignment_events"),
    _count_column("rejected_count", "rows of rejected_events that are rows of an input"),
    _count_column("duplicate_count", "rows whose event_id another event of the day surely has, and copies"),
    _count_column("no_change_count", "rows whose new assignee is the previous one"),
    _count_column("unreadable_count", "inputs that could not be read, wholly or in part, or gave nothing"),
    _count_column("ambiguous_count", "accepted rows whose local time comes twice, read as the earlier"),
    _count_column("cleaned_count", "accepted rows with a replaced character"),
    _count_column("unstated_count", "accepted rows whose previous assignee the source does not tell"),
    _text_column("events_sha256", "SHA-256 of the day's file of assignment_events", nullable=False),
    comment="one row a loaded day: what became of the rows read",
)

CONTROL_TOTALS = Table(
    "control_totals",
    METADATA,
    _day_column(),
    _text_column("conversation_id", nullable=False, key=True),
    Column("first_assigned_at", _INSTANT, nullable=False, comment="UTC instant"),
    Column("last_assigned_at", _INSTANT, nullable=False, comment="UTC instant, of `local_day`"),
    _count_column("assignment_count", "as the conversations export has it"),
    _text_column("origin", "the input: file name or table", nullable=False),
    comment="what another count says of each conversation, by the day of its last assignment",
)

ASSIGNMENT_LOG = Table(
    "assignment_log",
    METADATA,
    _day_column(),
    *_event_columns(),
    _repeating_column("action", "assigned, reassigned or unassigned", nullable=False),
    _repeating_column("previous_quality", "stated or inferred", nullable=False),
    Column(
        "held_since",
        _INSTANT,
        comment="UTC instant of the subject's previous row, which began the interval that ends here",
    ),
    Column("held_since_day", Date, comment="`local_day` of that row"),
    Column("held_since_position", BigInteger, comment="`position` of that row"),
    comment="report-ready rows, previous assignee and interval resolved",
)

OPEN_INTERVALS = Table(
    "open_intervals",
    METADATA,
    Column("local_day", Date, primary_key=True, comment="first day of a month"),
    _text_column("subject", "contact or conversation", nullable=False, key=True),
    Column("event_day", Date, nullable=False, comment="`local_day` of the row in the log"),
    Column("position", BigInteger, nullable=False, comment="`position` of the row in the log"),
    Column("occurred_at", _INSTANT, nullable=False, comment="UTC instant"),
    _text_column("conversation_id"),
    _text_column("contact_id"),
    _repeating_column("assignee_of", nullable=False),
    _repeating_column("previous_assignee_id"),
    _repeating_column("previous_assignee_name"),
    _repeating_column("assignee_id"),
    _repeating_column("assignee_name"),
    _repeating_column("assignee_kind"),
    _repeating_column("history_sha256", "of the events of all days before; see `log_counts`", nullable=False),
    comment="the last log row of each subject before a month, of the latest months: derived from the log",
)

LOG_COUNTS = Table(
    "log_counts",
    METADATA,
    _day_column(),
    _count_column("accepted_count", "rows of assignment_events read"),
    _count_column("log_count", "rows of assignment_log"),
    _count_column("no_change_count", "rows whose assignee turned out to be the last known one"),
    _count_column("repeated_count", "rows whose event_id an earlier log row already has"),
    _count_column("inferred_count", "log rows whose previous assignee is the last known one"),
    _text_column("log_sha256", "of what the log adds to the events, without its intervals", nullable=False),
    _text_column(
        "history_sha256", "of the events of all earlier days, which it looked back to", nullable=False
    ),
    comment="one row a day: what became of the accepted events",
)

DAILY_SOURCE_AGGREGATES = Table(
    "daily_source_aggregates",
    METADATA,
    _day_column(),
    _text_column("source", "code, see events.SOURCE_LABELS", nullable=False, key=True),
    _count_column("assignment_count", "events of the day and source"),
    _count_column("assigned_count", "without a previous assignee"),
    _count_column("reassigned_count", "from one assignee to another"),
    _count_column("unassigned_count", "without a new assignee"),
    _count_column("contact_count", "distinct contacts"),
    _count_column("conversation_count", "distinct conversations"),
    comment="assignments per local day and source",
)

COUNTS = (LOAD_COUNTS, LOG_COUNTS, DAILY_SOURCE_AGGREGATES)
"""The tables of few rows per day."""

_ARROW_TYPES: dict[type, pa.DataType] = {
    Text: pa.string(),
    BigInteger: pa.int64(),
    Boolean: pa.bool_(),
    Date: pa.date32(),
    DateTime: pa.timestamp("us", tz="UTC"),
}
CODED = pa.dictionary(pa.int32(), pa.string())
"""The Arrow type of a repeating column in memory."""


def stored_schema(table: Table) -> pa.Schema:
    """Return the Arrow schema of *table*'s rows, `local_day` first."""
    return pa.schema([pa.field("local_day", pa.date32()), *arrow_schema(table)])


def arrow_schema(table: Table) -> pa.Schema:
    """Return the Arrow schema of *table*'s stored columns; `local_day` is the folder's name."""
    return pa.schema(
        pa.field(column.name, _ARROW_TYPES[type(column.type)], nullable=bool(column.nullable))
        for column in table.columns
        if column.name != "local_day"
    )


def coded_schema(table: Table) -> pa.Schema:
    """Return `arrow_schema` with repeating columns as dictionaries, as rows are held in memory."""
    return pa.schema(
        field.with_type(CODED) if table.c[field.name].info.get("repeats") else field
        for field in arrow_schema(table)
    )

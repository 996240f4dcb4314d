"""Positions of events, whose assignee they change, and how each day was cut and read.

What an earlier release stored lacks that: its days are removed, and read again by the next run. What is kept
beside the tables, such as who asked to be forgotten, stays.
"""

from alembic import op
from sqlalchemy import BigInteger, Boolean, Column, Date, DateTime, Text

revision = "0002"
down_revision = "0001"

_INSTANT = DateTime(timezone=True)
_TABLES = (
    "assignment_events",
    "assignment_log",
    "control_totals",
    "daily_source_aggregates",
    "load_counts",
    "log_counts",
    "rejected_events",
)


def upgrade() -> None:
    """Create the tables again, with an index by which new ids find those of earlier days."""
    for name in _TABLES:
        op.drop_table(name)
    op.create_table(
        "assignment_events",
        Column("local_day", Date, primary_key=True),
        Column("position", BigInteger, primary_key=True, autoincrement=False),
        Column("occurred_at", _INSTANT, nullable=False),
        Column("event_id", Text(collation="C"), nullable=False),
        Column("conversation_id", Text(collation="C")),
        Column("contact_id", Text(collation="C")),
        Column("contact_name", Text(collation="C")),
        Column("previous_assignee_id", Text(collation="C")),
        Column("previous_assignee_name", Text(collation="C")),
        Column("assignee_id", Text(collation="C")),
        Column("assignee_name", Text(collation="C")),
        Column("source", Text(collation="C"), nullable=False),
        Column("assigned_by_id", Text(collation="C")),
        Column("assigned_by_name", Text(collation="C")),
        Column("assignee_of", Text(collation="C"), nullable=False),
        Column("origin", Text(collation="C"), nullable=False),
        Column("time_quality", Text(collation="C"), nullable=False),
        Column("source_quality", Text(collation="C"), nullable=False),
        Column("previous_stated", Boolean, nullable=False),
        Column("text_cleaned", Boolean, nullable=False),
    )
    op.create_table(
        "assignment_log",
        Column("local_day", Date, primary_key=True),
        Column("position", BigInteger, primary_key=True, autoincrement=False),
        Column("occurred_at", _INSTANT, nullable=False),
        Column("event_id", Text(collation="C"), nullable=False),
        Column("conversation_id", Text(collation="C")),
        Column("contact_id", Text(collation="C")),
        Column("contact_name", Text(collation="C")),
        Column("previous_assignee_id", Text(collation="C")),
        Column("previous_assignee_name", Text(collation="C")),
        Column("assignee_id", Text(collation="C")),
        Column("assignee_name", Text(collation="C")),
        Column("source", Text(collation="C"), nullable=False),
        Column("assigned_by_id", Text(collation="C")),
        Column("assigned_by_name", Text(collation="C")),
        Column("assignee_of", Text(collation="C"), nullable=False),
        Column("origin", Text(collation="C"), nullable=False),
        Column("time_quality", Text(collation="C"), nullable=False),
        Column("source_quality", Text(collation="C"), nullable=False),
        Column("action", Text(collation="C"), nullable=False),
        Column("previous_quality", Text(collation="C"), nullable=False),
    )
    op.create_table(
        "control_totals",
        Column("local_day", Date, primary_key=True),
        Column("conversation_id", Text(collation="C"), primary_key=True),
        Column("first_assigned_at", _INSTANT, nullable=False),
        Column("last_assigned_at", _INSTANT, nullable=False),
        Column("assignment_count", BigInteger, nullable=False),
        Column("origin", Text(collation="C"), nullable=False),
    )
    op.create_table(
        "daily_source_aggregates",
        Column("local_day", Date, primary_key=True),
        Column("source", Text(collation="C"), primary_key=True),
        Column("assignment_count", BigInteger, nullable=False),
        Column("assigned_count", BigInteger, nullable=False),
        Column("reassigned_count", BigInteger, nullable=False),
        Column("unassigned_count", BigInteger, nullable=False),
        Column("contact_count", BigInteger, nullable=False),
        Column("conversation_count", BigInteger, nullable=False),
    )
    op.create_table(
        "load_counts",
        Column("local_day", Date, primary_key=True),
        Column("loaded_until", _INSTANT, nullable=False),
        Column("zone", Text(collation="C"), nullable=False),
        Column("day_start", _INSTANT, nullable=False),
        Column("day_end", _INSTANT, nullable=False),
        Column("source_version", Text(collation="C"), nullable=False),
        Column("read_count", BigInteger, nullable=False),
        Column("accepted_count", BigInteger, nullable=False),
        Column("rejected_count", BigInteger, nullable=False),
        Column("duplicate_count", BigInteger, nullable=False),
        Column("no_change_count", BigInteger, nullable=False),
        Column("unreadable_count", BigInteger, nullable=False),
        Column("ambiguous_count", BigInteger, nullable=False),
        Column("cleaned_count", BigInteger, nullable=False),
        Column("unstated_count", BigInteger, nullable=False),
        Column("events_sha256", Text(collation="C"), nullable=False),
    )
    op.create_table(
        "log_counts",
        Column("local_day", Date, primary_key=True),
        Column("accepted_count", BigInteger, nullable=False),
        Column("log_count", BigInteger, nullable=False),
        Column("no_change_count", BigInteger, nullable=False),
        Column("repeated_count", BigInteger, nullable=False),
        Column("inferred_count", BigInteger, nullable=False),
        Column("log_sha256", Text(collation="C"), nullable=False),
        Column("history_sha256", Text(collation="C"), nullable=False),
    )
    op.create_table(
        "rejected_events",
        Column("local_day", Date, primary_key=True),
        Column("origin", Text(collation="C"), primary_key=True),
        Column("row_number", BigInteger, primary_key=True, autoincrement=False),
        Column("reason", Text(collation="C"), nullable=False),
        Column("problem", Text(collation="C")),
        Column("raw", Text(collation="C")),
    )
    op.execute("CREATE INDEX assignment_events_by_id ON assignment_events (hashtextextended(event_id, 0))")

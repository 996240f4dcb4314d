"""Since when the owner before each log row had held the subject; every log is built again to fill it."""

from alembic import op
from sqlalchemy import BigInteger, Column, Date, DateTime, Text

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the columns, forget that any day is built, and create the table of open intervals."""
    op.add_column("assignment_log", Column("held_since", DateTime(timezone=True)))
    op.add_column("assignment_log", Column("held_since_day", Date))
    op.add_column("assignment_log", Column("held_since_position", BigInteger))
    op.execute("DELETE FROM log_counts")
    people = ("previous_assignee_id", "previous_assignee_name", "assignee_id", "assignee_name")
    op.create_table(
        "open_intervals",
        Column("local_day", Date, primary_key=True),
        Column("subject", Text(collation="C"), primary_key=True),
        Column("event_day", Date, nullable=False),
        Column("position", BigInteger, nullable=False),
        Column("occurred_at", DateTime(timezone=True), nullable=False),
        Column("conversation_id", Text(collation="C")),
        Column("contact_id", Text(collation="C")),
        Column("assignee_of", Text(collation="C"), nullable=False),
        *(Column(name, Text(collation="C")) for name in (*people, "assignee_kind")),
        Column("history_sha256", Text(collation="C"), nullable=False),
    )

"""What kind of assignee an event has, such as a person or an AI agent; null in what is stored already."""

from alembic import op
from sqlalchemy import Column, Text

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the column to the events and to the log."""
    for name in ("assignment_events", "assignment_log"):
        op.add_column(name, Column("assignee_kind", Text(collation="C")))

"""Since when the owner before each log row had held the subject; every log is built again to fill it."""

from alembic import op
from sqlalchemy import BigInteger, Column, Date, DateTime

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the columns, and forget that any day is built."""
    op.add_column("assignment_log", Column("held_since", DateTime(timezone=True)))
    op.add_column("assignment_log", Column("held_since_day", Date))
    op.add_column("assignment_log", Column("held_since_position", BigInteger))
    op.execute("DELETE FROM log_counts")

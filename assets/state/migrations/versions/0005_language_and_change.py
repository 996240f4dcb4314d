"""The language of a version, and the change of its total since the previous period, for the index pages."""

from alembic import op
from sqlalchemy import Column, Float, Text

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the columns; versions that earlier releases archived have no values."""
    with op.batch_alter_table("report_versions") as versions:
        versions.add_column(Column("language", Text, comment="of its words, dates and numbers"))
        versions.add_column(Column("change_pct", Float, comment="of the total, since the previous period"))

"""Which previous period the change of a version is against, for the index pages."""

from alembic import op
from sqlalchemy import Column, Text

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add the column; versions that earlier releases archived have no value."""
    comment = "previous period of the change: previous_period, previous_year"
    with op.batch_alter_table("report_versions") as versions:
        versions.add_column(Column("compare_with", Text, comment=comment))

"""Why a version is provisional, and whether data or configuration makes it differ from the one before."""

from alembic import op
from sqlalchemy import JSON, Boolean, Column, false

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the columns; what earlier releases archived says no reason."""
    with op.batch_alter_table("report_versions") as versions:
        versions.add_column(
            Column("reasons", JSON, comment="why it is provisional: codes of docs/reference/definitions.md")
        )
        versions.add_column(
            Column(
                "has_no_data",
                Boolean,
                nullable=False,
                server_default=false(),
                comment="its total of 0 says nothing",
            )
        )
        versions.add_column(
            Column("causes", JSON, comment="what the version differs by: configuration, data")
        )

"""The catalogue of reports, what was left out, what the operator was told."""

from alembic import op
from sqlalchemy import JSON, Boolean, Column, Date, DateTime, Integer, Text

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the first tables; those of a state from before there were migrations stay as they are."""
    op.create_table(
        "report_versions",
        *_key(),
        Column("version", Integer, primary_key=True),
        Column("workspace_name", Text, nullable=False),
        Column("title", Text, nullable=False),
        Column("first_day", Date, nullable=False),
        Column("last_day", Date, nullable=False),
        Column("as_of", DateTime(timezone=True), nullable=False, comment="instant up to which it counts"),
        Column("total", Integer, nullable=False),
        Column("provisional", Boolean, nullable=False),
        Column("changes", JSON, comment="figures that differ from the version before, with both values"),
        Column("files", JSON, nullable=False, comment="names of its files"),
        Column("data_version", Text, nullable=False),
        Column(
            "made_at",
            DateTime(timezone=True),
            nullable=False,
            comment="when it was made, or last found to be the same",
        ),
        Column("outdated_since", DateTime(timezone=True), comment="when its days were seen to have changed"),
        comment="one row a version in the archive",
        if_not_exists=True,
    )
    op.create_table(
        "skipped_reports",
        *_key(),
        Column("skipped_at", DateTime(timezone=True), nullable=False),
        Column("reason", Text, nullable=False),
        comment="reports left out because their days were not there by the deadline",
        if_not_exists=True,
    )
    op.create_table(
        "notices",
        Column("key", Text, primary_key=True, comment="what it is about: told once"),
        Column("told_at", DateTime(timezone=True), nullable=False),
        Column("text", Text, nullable=False),
        comment="what the operator was told",
        if_not_exists=True,
    )


def _key() -> list[Column[object]]:
    return [
        Column("workspace", Text, primary_key=True),
        Column("report", Text, primary_key=True),
        Column("report_date", Date, primary_key=True),
    ]

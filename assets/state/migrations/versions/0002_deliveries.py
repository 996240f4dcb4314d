"""The ledger of deliveries, since when each subscription is known, notices that wait."""

from alembic import op
from sqlalchemy import Column, Date, DateTime, Integer, Text

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the tables; let a notice be noted before it is told."""
    with op.batch_alter_table("notices") as notices:
        notices.add_column(Column("noted_at", DateTime(timezone=True)))
    op.execute("UPDATE notices SET noted_at = told_at")
    with op.batch_alter_table("notices") as notices:
        notices.alter_column("noted_at", nullable=False)
        notices.alter_column("told_at", nullable=True, comment="none: the mail to the operator waits")
    op.create_table(
        "subscriptions",
        Column("workspace", Text, primary_key=True),
        Column("subscription", Text, primary_key=True),
        Column("report", Text, primary_key=True),
        Column(
            "since",
            DateTime(timezone=True),
            nullable=False,
            comment="what came due before is not sent",
        ),
        comment="when each report of a subscription was first asked for",
    )
    op.create_table(
        "deliveries",
        Column("id", Text, primary_key=True, comment="of the next six columns"),
        Column("workspace", Text, nullable=False),
        Column("subscription", Text, nullable=False),
        Column("report", Text, nullable=False),
        Column("report_date", Date, nullable=False),
        Column("version", Integer, nullable=False, comment="0 where the report was never made"),
        Column("recipient", Text, nullable=False),
        Column("kind", Text, nullable=False),
        Column("subject", Text, nullable=False),
        Column("state", Text, nullable=False),
        Column("reason", Text, nullable=False),
        Column("planned_at", DateTime(timezone=True), nullable=False),
        Column("expires_at", DateTime(timezone=True), nullable=False),
        Column("changed_at", DateTime(timezone=True), nullable=False),
        Column(
            "next_at",
            DateTime(timezone=True),
            comment="not before then is it tried again; none waits for nobody",
        ),
        Column("content", Text, comment="SHA-256 of the bytes to send"),
        Column("content_without_files", Text, comment="the same for a server that takes no more"),
        Column("phase", Text, comment="of the attempt under way"),
        Column("attempts", Integer, nullable=False),
        Column(
            "doubts",
            Integer,
            nullable=False,
            comment="attempts of which nobody knows whether they arrived",
        ),
        comment="one row a version of a report and recipient",
    )
    op.create_index(
        "deliveries_of_issue", "deliveries", ["workspace", "subscription", "report", "report_date"]
    )
    op.create_index("deliveries_by_state", "deliveries", ["state", "next_at"])

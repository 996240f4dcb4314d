"""The evaluations of alerts' conditions, and how many goals a version meets, for the index pages."""

from alembic import op
from sqlalchemy import Column, Date, DateTime, Float, Integer, Text

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Make the table and add the columns; versions that earlier releases archived have no goals."""
    with op.batch_alter_table("report_versions") as versions:
        versions.add_column(Column("goals_met", Integer, comment="goals that it meets"))
        versions.add_column(Column("goals_missed", Integer, comment="goals that it does not meet"))
    op.create_table(
        "evaluations",
        Column("id", Integer, primary_key=True),
        Column("workspace", Text, nullable=False),
        Column("subscription", Text, nullable=False),
        Column("report", Text, nullable=False),
        Column("report_date", Date, nullable=False),
        Column("version", Integer, nullable=False),
        Column("evaluated_at", DateTime(timezone=True), nullable=False),
        Column("position", Integer, nullable=False, comment="of the condition in `when`, from 0"),
        Column("condition", Text, nullable=False, comment="metric and thresholds"),
        Column("value", Float, comment="none: see reason"),
        Column("count", Integer, comment="what the value rests on"),
        Column("outcome", Text, nullable=False, comment="of the condition: met, not_met, not_evaluable"),
        Column("reason", Text, nullable=False, comment="why it is not evaluable"),
        Column("since", Date, comment="report date since which it is met, or had been met before"),
        Column(
            "result", Text, nullable=False, comment="of all conditions together: met, not_met, not_evaluable"
        ),
        Column("result_since", Date, comment="the same of all conditions together"),
        Column(
            "sent", Text, nullable=False, comment="alert, all_clear, report or correction; empty: see why_not"
        ),
        Column("why_not", Text, nullable=False),
        comment="one row a condition of a subscription and version of a report",
    )
    op.create_index(
        "evaluations_of_report", "evaluations", ["workspace", "subscription", "report", "report_date"]
    )

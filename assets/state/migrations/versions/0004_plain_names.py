"""Alerts, unconfirmed attempts and phases by the names that the code uses."""

from alembic import op
from sqlalchemy import Integer, Text, column, table, update

revision = "0004"
down_revision = "0003"

_PHASES = {"before_dot": "started", "dot": "committed"}


def upgrade() -> None:
    """Rename what is there; nothing of it is lost."""
    op.rename_table("notices", "alerts")
    with op.batch_alter_table("alerts") as alerts:
        alerts.alter_column("key", existing_type=Text, comment="what it is about: sent once")
        alerts.alter_column("noted_at", new_column_name="created_at")
        alerts.alter_column("told_at", new_column_name="sent_at")
    if op.get_bind().dialect.name == "postgresql":
        op.create_table_comment("alerts", "what the operator is alerted of")
    with op.batch_alter_table("deliveries") as deliveries:
        deliveries.alter_column("doubts", new_column_name="unconfirmed_attempts", existing_type=Integer)
    phase = table("deliveries", column("phase"))
    for before, after in _PHASES.items():
        op.execute(update(phase).where(phase.c.phase == before).values(phase=after))

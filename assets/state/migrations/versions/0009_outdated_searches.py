"""What the last search for outdated reports has seen, so that the next one examines only what may differ."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Add the table and the column; no archived version counts as examined."""
    with op.batch_alter_table("report_versions") as versions:
        versions.add_column(
            sa.Column(
                "is_examined",
                sa.Boolean,
                nullable=False,
                server_default=sa.false(),
                comment="its days were compared by a search for outdated reports since it was made",
            )
        )
    op.create_table(
        "outdated_searches",
        sa.Column("workspace", sa.Text, primary_key=True),
        sa.Column("number", sa.Integer, nullable=False, comment="of the search, from 1"),
        sa.Column("reports", sa.Text, nullable=False, comment="SHA-256 of what says which days they read"),
        sa.Column("days", sa.JSON, nullable=False, comment="digest of the data of each day"),
        comment="what the last search for outdated reports has seen of each workspace",
    )

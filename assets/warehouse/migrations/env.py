"""Run by Alembic: the migrations of one workspace, in the transaction that `migrate.py` has begun."""

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    version_table=context.config.attributes["version_table"],
    render_as_batch=True,
)
context.run_migrations()

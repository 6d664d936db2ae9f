"""Alembic's entry: runs the migrations on the connection that `cashier.hub.database.migrate` hands over."""

from alembic import context

from cashier.hub.database import metadata

context.configure(
    connection=context.config.attributes["connection"], target_metadata=metadata, transactional_ddl=True
)
with context.begin_transaction():
    context.run_migrations()

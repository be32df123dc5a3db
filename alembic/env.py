"""Run the migrations on the connection that `ledger.migrate` opened; there is no other way to run them."""

from alembic import context

context.configure(connection=context.config.attributes["connection"], target_metadata=None)
with context.begin_transaction():
    context.run_migrations()

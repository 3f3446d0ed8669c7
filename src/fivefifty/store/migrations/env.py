"""Alembic's way in: it works on the connection, and in the transaction, that `migrate` hands over."""
from alembic import context

from fivefifty.store.schema import tables

context.configure(connection=context.config.attributes["connection"], target_metadata=tables, transactional_ddl=True)
context.run_migrations()

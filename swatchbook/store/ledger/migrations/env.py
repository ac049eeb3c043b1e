"""Run by Alembic to migrate, on the connection and in the transaction of `upgrade.py`."""

from alembic import context

from swatchbook.store.ledger.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()

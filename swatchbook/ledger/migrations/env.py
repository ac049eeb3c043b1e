"""What Alembic runs to migrate. The connection and its transaction are the caller's (`upgrade.py`)."""

from alembic import context

from swatchbook.ledger.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()

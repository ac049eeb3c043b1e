"""Create a new ledger or migrate an older one, inside a transaction; refuse ledgers that no migration leads from."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from swatchbook.domain.errors import Configuration
from swatchbook.store.ledger.tables import metadata


def refuse_unknown(revision: str) -> None:
    """Raise Configuration if no migration of this version leads from the revision of a ledger to the last one."""
    script = ScriptDirectory.from_config(_config())
    if revision in {each.revision for each in script.walk_revisions()}:
        return
    if revision < (script.get_base() or ""):  # both are numbers of four digits
        raise Configuration(
            f"The ledger was written by an early development version of Swatchbook (its revision {revision}), "
            "which this version cannot migrate.",
            advice="Set SWATCHBOOK_HOME or SWATCHBOOK_LEDGER_URL to a new place and ingest its documents again there.",
        )
    raise Configuration(
        f"The ledger was written by a newer Swatchbook (its revision {revision} is unknown here).",
        advice="Upgrade Swatchbook, or point SWATCHBOOK_HOME or SWATCHBOOK_LEDGER_URL elsewhere.",
    )


def create(connection: Connection) -> None:
    """Create every table of an empty ledger, as it is after the last revision."""
    if connection.dialect.name == "postgresql":
        # Given here, because no other process needs to load the dialect of PostgreSQL.
        for index in (each for table in metadata.tables.values() for each in table.indexes):
            index.dialect_options["postgresql"]["where"] = index.dialect_options["sqlite"]["where"]
    metadata.create_all(connection, checkfirst=False)
    command.stamp(_config(connection), "head")


def upgrade(connection: Connection) -> None:
    """Migrate to the last revision."""
    command.upgrade(_config(connection), "head")


def _config(connection: Connection | None = None) -> Config:
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    return config

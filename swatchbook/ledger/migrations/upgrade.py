"""Run the migrations on an open connection, inside its transaction."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection


def knows(revision: str) -> bool:
    """Return whether this version has the revision; if not, a later version has written the ledger."""
    script = ScriptDirectory.from_config(_config())
    return revision in {each.revision for each in script.walk_revisions()}


def upgrade(connection: Connection) -> None:
    """Migrate to the last revision."""
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    return config

"""Contents by their file and by when they became unused, so that `gc` need not read all of them again and again."""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0026"


def upgrade() -> None:
    """Indexes only."""
    op.create_index(op.f("ix_contents_file"), "contents", ["file"])
    unused = sa.text("unused_since IS NOT NULL")
    op.create_index("ix_contents_unused", "contents", ["unused_since"], sqlite_where=unused, postgresql_where=unused)

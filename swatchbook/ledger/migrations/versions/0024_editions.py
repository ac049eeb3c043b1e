"""Which document is a newer edition of which, and which are superseded."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0022"


def upgrade() -> None:
    """Additions only."""
    op.add_column("documents", sa.Column("edition_of", sa.String(36)))
    op.add_column("documents", sa.Column("superseded_by", sa.String(36)))
    superseded = sa.text("superseded_by IS NOT NULL")
    op.create_index(
        "ix_documents_superseded", "documents", ["owner"], sqlite_where=superseded, postgresql_where=superseded
    )

"""Links are looked up by what they lead from, whatever its document: what is published, and what is shown of a hit."""

from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Additions only."""
    op.create_index(op.f("ix_links_source"), "links", ["source"])

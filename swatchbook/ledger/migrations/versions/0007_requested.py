"""Rename `wants` to `requested`: which (role, tag) pairs a document asks for."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Copy into a new table rather than rename: SQLite cannot rename a constraint."""
    op.create_table(
        "requested",
        sa.Column("document", sa.String(36), nullable=False),
        sa.Column("generation", sa.String(26), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("tag", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["document"], ["documents.id"], name=op.f("fk_requested_document")),
        sa.PrimaryKeyConstraint("document", "generation", "role", "tag", name=op.f("pk_requested")),
    )
    op.execute(
        "INSERT INTO requested (document, generation, role, tag) SELECT document, generation, role, tag FROM wants"
    )
    op.drop_table("wants")
    op.create_index(op.f("ix_requested_role_tag"), "requested", ["role", "tag"])

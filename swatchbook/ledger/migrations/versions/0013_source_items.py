"""What folders held when they were last read: their items, with size, time and inode of each file."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.create_table(
        "source_items",
        sa.Column("document", sa.String(36), nullable=False),
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("generation", sa.String(26), nullable=False),
        sa.Column("seen", sa.String(26), nullable=False),
        sa.Column("gone", sa.Boolean(), nullable=False, server_default=sa.text("false")),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("product", sa.String(36), nullable=True),
        sa.Column("pictures", sa.JSON(), nullable=False),
        sa.Column("kind", sa.String(32), nullable=True),
        sa.Column("message", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["document"], ["documents.id"], name=op.f("fk_source_items_document")),
        sa.PrimaryKeyConstraint("document", "key", name=op.f("pk_source_items")),
    )
    op.create_index(op.f("ix_source_items_document_number"), "source_items", ["document", "number"])

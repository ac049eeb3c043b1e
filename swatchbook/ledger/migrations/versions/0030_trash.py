"""The trash: deleted documents with their rows, and the contents that these use."""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"


def upgrade() -> None:
    """New tables only."""
    op.create_table(
        "trash",
        sa.Column("document", sa.String(36), nullable=False),
        sa.Column("owner", sa.String(64), nullable=False),
        sa.Column("content", sa.Text, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("file", sa.Text),
        sa.Column("pages_file", sa.Text),
        sa.Column("products", sa.Integer, nullable=False),
        sa.Column("images", sa.Integer, nullable=False),
        sa.Column("older", sa.String(36)),
        sa.Column("newer", sa.String(36)),
        sa.Column("at", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("document", name=op.f("pk_trash")),
    )
    op.create_index(op.f("ix_trash_owner_at"), "trash", ["owner", "at"])
    op.create_index(op.f("ix_trash_file"), "trash", ["file"])
    op.create_index(op.f("ix_trash_pages_file"), "trash", ["pages_file"])
    op.create_table(
        "trash_rows",
        sa.Column("document", sa.String(36), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("name", sa.String(32), nullable=False),
        sa.Column("data", sa.LargeBinary, nullable=False),
        sa.ForeignKeyConstraint(["document"], ["trash.document"], name=op.f("fk_trash_rows_document")),
        sa.PrimaryKeyConstraint("document", "number", name=op.f("pk_trash_rows")),
    )
    op.create_table(
        "trash_keys",
        sa.Column("document", sa.String(36), nullable=False),
        sa.Column("key", sa.String(64), nullable=False),
        sa.ForeignKeyConstraint(["document"], ["trash.document"], name=op.f("fk_trash_keys_document")),
        sa.PrimaryKeyConstraint("document", "key", name=op.f("pk_trash_keys")),
    )
    op.create_index(op.f("ix_trash_keys_key"), "trash_keys", ["key"])

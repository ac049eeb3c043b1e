"""What people change about products: their edits, and what stage 7 found before these."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    op.create_table(
        "hand_edits",
        sa.Column("document", sa.String(36), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("edit", sa.JSON(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("undone_by", sa.Text(), nullable=True),
        sa.Column("undone_at", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(["document"], ["documents.id"], name=op.f("fk_hand_edits_document")),
        sa.PrimaryKeyConstraint("document", "number", name=op.f("pk_hand_edits")),
    )
    op.create_table(
        "assemblies",
        sa.Column("document", sa.String(36), nullable=False),
        sa.Column("record", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["document"], ["documents.id"], name=op.f("fk_assemblies_document")),
        sa.PrimaryKeyConstraint("document", name=op.f("pk_assemblies")),
    )

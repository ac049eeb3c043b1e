"""Failed tries by run, and what the background loop did, for figures over time."""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0024"


def upgrade() -> None:
    op.create_table(
        "failed_tries",
        sa.Column("document", sa.String(length=36), nullable=False),
        sa.Column("run", sa.String(length=26), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["document"], ["documents.id"], name=op.f("fk_failed_tries_document")),
        sa.PrimaryKeyConstraint("document", "run", "role", "kind", name=op.f("pk_failed_tries")),
    )
    op.create_index(op.f("ix_failed_tries_at"), "failed_tries", ["at"])
    op.create_table(
        "rounds",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("began_at", sa.Double(), nullable=False),
        sa.Column("ended_at", sa.Double(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("done", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rounds")),
    )
    op.create_index(op.f("ix_rounds_ended_at"), "rounds", ["ended_at"])

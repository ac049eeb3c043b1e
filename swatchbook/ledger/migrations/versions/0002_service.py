"""What a service needs: webhook deliveries, flow runs made for a document, timings by page and image."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Additions only: a filled ledger keeps every row."""
    op.add_column("documents", sa.Column("launches", sa.Integer(), server_default="0", nullable=False))
    op.add_column("documents", sa.Column("blocks", sa.JSON(), server_default=sa.text("'{}'"), nullable=False))
    if op.get_context().dialect.name == "postgresql":  # a SQLite INTEGER holds as many
        op.alter_column("documents", "size", type_=sa.BigInteger())  # files of 2 GiB and more
    for table, column in (("documents", "file"), ("documents", "pages_file"), ("analyses", "text_key")):
        op.create_index(op.f(f"ix_{table}_{column}"), table, [column])
    op.add_column("timings", sa.Column("units", sa.Integer(), server_default="0", nullable=False))
    op.create_index(op.f("ix_timings_stage_at"), "timings", ["stage", "at"])
    op.create_table(
        "deliveries",
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("document", sa.String(length=36), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("source", "id", name=op.f("pk_deliveries")),
    )
    op.create_index(op.f("ix_deliveries_at"), "deliveries", ["at"])

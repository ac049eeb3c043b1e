"""What paying providers needs: every try of a call is a row of its own, with what it may cost at most."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Additions only: a filled ledger keeps every row."""
    with op.batch_alter_table("calls") as calls:  # SQLite makes the table anew
        calls.add_column(sa.Column("attempt", sa.Integer(), server_default="1", nullable=False))
        calls.add_column(sa.Column("generation", sa.String(length=26)))
        calls.add_column(sa.Column("model", sa.Text()))
        calls.add_column(sa.Column("at_most_usd", sa.Double()))
        calls.add_column(sa.Column("truncated", sa.Boolean(), server_default=sa.text("false"), nullable=False))
        calls.drop_constraint(op.f("pk_calls"), type_="primary")
        calls.create_primary_key(op.f("pk_calls"), ["request", "attempt"])
    op.create_index(op.f("ix_calls_document_generation"), "calls", ["document", "generation"])

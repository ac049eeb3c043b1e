"""Batches of a provider, and which calls are in them."""

from alembic import op
from sqlalchemy import BigInteger, Column, Double, Integer, String, Text

revision = "0034"
down_revision = "0033"


def upgrade() -> None:
    op.create_table(
        "provider_batches",
        Column("id", String(26), primary_key=True),
        Column("url", Text, nullable=False),
        Column("api", String(16), nullable=False),
        Column("model", Text, nullable=False),
        Column("state", String(16), nullable=False),
        Column("remote", Text),
        Column("calls", Integer, nullable=False),
        Column("bytes", Integer().with_variant(BigInteger(), "postgresql"), nullable=False),
        Column("created_at", Double, nullable=False),
        Column("filled_at", Double, nullable=False),
        Column("sending_at", Double),
        Column("expires_at", Double),
        Column("look_at", Double),
        Column("held_until", Double),
        Column("ended_at", Double),
        Column("message", Text),
    )
    op.create_index("ix_provider_batches_state", "provider_batches", ["state"])
    op.add_column("calls", Column("batch", String(26)))
    op.add_column("calls", Column("body", Text))
    op.create_index("ix_calls_batch", "calls", ["batch"])
    op.create_index("ix_calls_body", "calls", ["body"])

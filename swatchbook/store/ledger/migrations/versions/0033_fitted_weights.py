"""A table of the weights that were fitted to an owner's documents."""

from alembic import op
from sqlalchemy import JSON, Column, Double, Integer, String, Text

revision = "0033"
down_revision = "0032"


def upgrade() -> None:
    op.create_table(
        "fitted_weights",
        Column("owner", String(64), primary_key=True),
        Column("id", String(16), primary_key=True),
        Column("weights", Text, nullable=False),
        Column("lessons", Integer, nullable=False),
        Column("left_out", JSON, nullable=False),
        Column("by", Text, nullable=False),
        Column("at", Double, nullable=False),
        Column("off_by", Text),
        Column("off_at", Double),
    )

"""A table of the readings that people taught."""

from alembic import op
from sqlalchemy import JSON, Column, Double, ForeignKey, Integer, String, Text

revision = "0032"
down_revision = "0031"


def upgrade() -> None:
    op.create_table(
        "taught_readings",
        Column("document", String(36), ForeignKey("documents.id"), primary_key=True),
        Column("number", Integer, primary_key=True),
        Column("reading", JSON, nullable=False),
        Column("origin", String(16), nullable=False),
        Column("taken_from", String(36)),
        Column("products", Integer),
        Column("by", Text, nullable=False),
        Column("at", Double, nullable=False),
        Column("undone_by", Text),
        Column("undone_at", Double),
    )

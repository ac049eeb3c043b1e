"""A table of documents that were deleted, until nothing of them is left in Prefect."""

from alembic import op
from sqlalchemy import Boolean, Column, Double, String, text

revision = "0036"
down_revision = "0035"


def upgrade() -> None:
    op.create_table(
        "deleted_documents",
        Column("document", String(36), primary_key=True),
        Column("at", Double, nullable=False),
        Column("cleared", Boolean, nullable=False, server_default=text("false")),
    )

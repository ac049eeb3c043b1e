"""The trace of the request or command that asked for a document."""

from alembic import op
from sqlalchemy import Column, String

revision = "0038"
down_revision = "0037"


def upgrade() -> None:
    op.add_column("documents", Column("trace", String(55)))

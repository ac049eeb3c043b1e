"""What pages show, what a picture shows of its product, and whether it is shared by several products."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0018"


def upgrade() -> None:
    op.add_column("pages", sa.Column("shows", sa.String(32), nullable=True))
    op.add_column("pages", sa.Column("seen", sa.Text(), nullable=True))
    op.add_column("links", sa.Column("role", sa.String(16), nullable=True))
    op.add_column("links", sa.Column("shared", sa.Boolean(), nullable=False, server_default=sa.text("false")))

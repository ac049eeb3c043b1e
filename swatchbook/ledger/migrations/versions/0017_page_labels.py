"""The numbers that people read on pages, where they are not those of the PDF."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    op.add_column("pages", sa.Column("label", sa.Text(), nullable=True))

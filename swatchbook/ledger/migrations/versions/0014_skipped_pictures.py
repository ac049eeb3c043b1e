"""The pictures that are seen on skipped pages."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.add_column("pages", sa.Column("pictures", sa.JSON(), nullable=True))

"""The parts of pages that look like pictures and that no placement covers."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    op.add_column("pages", sa.Column("lost_pictures", sa.JSON(none_as_null=True), nullable=True))

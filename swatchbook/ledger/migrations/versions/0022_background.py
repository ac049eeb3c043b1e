"""How near a space is to questions about other things, by which a search tells what is an answer."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0017"


def upgrade() -> None:
    op.add_column("spaces", sa.Column("background", sa.JSON(), nullable=True))

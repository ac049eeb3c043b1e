"""Owners that were renamed: the names that their ids are made of."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.create_table(
        "owner_seeds",
        sa.Column("owner", sa.String(64), nullable=False),
        sa.Column("seed", sa.String(64), nullable=False),
        sa.Column("renamed_to", sa.String(64), nullable=True),
        sa.PrimaryKeyConstraint("owner", name=op.f("pk_owner_seeds")),
    )

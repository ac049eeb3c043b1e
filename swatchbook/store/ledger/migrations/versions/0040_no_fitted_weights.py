"""No weights that were fitted to an owner's documents."""

from alembic import op

revision = "0040"
down_revision = "0039"


def upgrade() -> None:
    op.drop_table("fitted_weights")

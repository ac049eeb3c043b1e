"""What a change of model needs: how spaces were activated, which settings name their model, and pairs made beside."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0007"


def upgrade() -> None:
    """Add columns only; every active space counts as activated when it was created."""
    op.add_column("spaces", sa.Column("model", sa.JSON()))
    op.add_column("spaces", sa.Column("activated_at", sa.Double()))
    op.add_column("spaces", sa.Column("retired_at", sa.Double()))
    op.add_column("spaces", sa.Column("dropping", sa.Boolean(), nullable=False, server_default=sa.text("false")))
    op.execute("UPDATE spaces SET activated_at = created_at WHERE active")
    op.add_column("requested", sa.Column("beside", sa.Boolean(), nullable=False, server_default=sa.text("false")))

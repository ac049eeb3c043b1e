"""Lost pictures are those that ingests see: nothing else looks for them."""

from alembic import op

revision = "0049"
down_revision = "0048"


def upgrade() -> None:
    op.drop_column("lost_pictures", "audited")

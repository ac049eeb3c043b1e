"""Pages without what a second classifier took them to show: their kind and its reason stay."""

from alembic import op

revision = "0031"
down_revision = "0030"


def upgrade() -> None:
    op.drop_column("pages", "shows")
    op.drop_column("pages", "seen")

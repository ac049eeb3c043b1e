"""Nothing is kept of deleted documents: what Prefect shows of them is found among all that it shows."""

from alembic import op

revision = "0050"
down_revision = "0049"


def upgrade() -> None:
    op.drop_table("deleted_documents")

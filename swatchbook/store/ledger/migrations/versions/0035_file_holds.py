"""A table of processes for which garbage collection holds files back."""

from alembic import op
from sqlalchemy import Column, Double, Integer, String, Text

revision = "0035"
down_revision = "0034"


def upgrade() -> None:
    op.create_table(
        "file_holds",
        Column("token", String(26), primary_key=True),
        Column("host", Text, nullable=False),
        Column("boot_id", Text, nullable=False),
        Column("pid_namespace", Text, nullable=False),
        Column("pid", Integer, nullable=False),
        Column("pid_started", Double, nullable=False),
        Column("held_since", Double, nullable=False),
        Column("lease_until", Double, nullable=False),
    )

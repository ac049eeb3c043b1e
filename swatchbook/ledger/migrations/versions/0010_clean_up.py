"""What cleaning up needs: late writes to the index, the processes of flow runs, sizes of files, times of commands."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.create_table(
        "late_writes",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id", "number", name=op.f("pk_late_writes")),
    )
    op.create_index(op.f("ix_late_writes_due_at"), "late_writes", ["due_at"])
    op.create_table(
        "flow_processes",
        sa.Column("flow_run", sa.String(36), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("boot_id", sa.Text(), nullable=False),
        sa.Column("pid_namespace", sa.Text(), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("pid_started", sa.Double(), nullable=False),
        sa.Column("heartbeat_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("flow_run", name=op.f("pk_flow_processes")),
    )
    size = sa.Integer().with_variant(sa.BigInteger(), "postgresql")
    op.add_column("contents", sa.Column("size", size, nullable=True))
    op.add_column("documents", sa.Column("commanded_at", sa.Double(), nullable=True))

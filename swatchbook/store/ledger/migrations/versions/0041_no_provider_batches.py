"""No batches of providers: calls in one are asked again, and those that a provider may have are of unknown cost."""

from alembic import op
from sqlalchemy import column, delete, table, update

revision = "0041"
down_revision = "0040"


def upgrade() -> None:
    calls = table("calls", column("state"))
    op.execute(delete(calls).where(calls.c.state == "queued"))
    op.execute(update(calls).where(calls.c.state == "batched").values(state="unknown"))
    for name in ("batch", "body"):
        op.drop_index(f"ix_calls_{name}", "calls")
        op.drop_column("calls", name)
    op.drop_table("provider_batches")

"""A table of what object stores told of their objects."""

from alembic import op
from sqlalchemy import Column, Double, Integer, String, Text

revision = "0037"
down_revision = "0036"


def upgrade() -> None:
    op.create_table(
        "object_events",
        Column("id", String(26), primary_key=True),
        Column("object", String(64), nullable=False),
        Column("owner", String(64)),
        Column("url", Text, nullable=False),
        Column("source", Text),
        Column("event", Text, nullable=False),
        Column("version", Text, nullable=False),
        Column("order_key", Text, nullable=False),
        Column("state", String(16), nullable=False),
        Column("document", String(36)),
        Column("failure_kind", String(32)),
        Column("message", Text),
        Column("tries", Integer, nullable=False, server_default="0"),
        Column("next_try_at", Double),
        Column("at", Double, nullable=False),
        Column("changed_at", Double, nullable=False),
    )
    for columns in (("state", "next_try_at"), ("object",), ("owner", "at")):
        op.create_index(f"ix_object_events_{'_'.join(columns)}", "object_events", columns)

"""One table of what came in: deliveries of webhooks are kept with the events of object stores."""

from alembic import op
from sqlalchemy import Column, Double, Integer, String, Text, column, insert, literal, select, table

from swatchbook.store.ledger.webhooks import id_of_delivery

revision = "0047"
down_revision = "0046"


def upgrade() -> None:
    columns = (
        Column("id", String(26), primary_key=True),
        Column("object", String(64)),
        Column("owner", String(64)),
        Column("url", Text),
        Column("source", Text),
        Column("event", Text, nullable=False),
        Column("version", Text),
        Column("order_key", Text),
        Column("state", String(16), nullable=False),
        Column("document", String(36)),
        Column("failure_kind", String(32)),
        Column("message", Text),
        Column("tries", Integer, nullable=False, server_default="0"),
        Column("next_try_at", Double),
        Column("at", Double, nullable=False),
        Column("changed_at", Double, nullable=False),
    )
    inbox = op.create_table("inbox", *columns)
    for indexed in (("state", "next_try_at"), ("object",), ("owner", "at")):
        op.create_index(f"ix_inbox_{'_'.join(indexed)}", "inbox", indexed)
    before = table("object_events", *(column(each.name) for each in columns))
    op.execute(insert(inbox).from_select([each.name for each in columns], select(before)))
    deliveries = table("deliveries", *map(column, ("source", "id", "document", "at")))
    changed, state = deliveries.c.at.label("changed_at"), literal("delivered").label("state")
    rows = op.get_bind().execute(select(deliveries, changed, state)).mappings().all()
    new = [{**row, "event": row["id"], "id": id_of_delivery(row["source"], row["id"])} for row in rows]
    op.bulk_insert(inbox, new)
    op.drop_table("object_events")
    op.drop_table("deliveries")

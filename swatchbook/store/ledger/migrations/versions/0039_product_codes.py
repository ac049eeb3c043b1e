"""A table of the codes of products, by which a search finds them."""

from alembic import op
from sqlalchemy import JSON, Column, ForeignKey, String, Text, column, select, table

from swatchbook.store.ledger.product_codes import add_codes

revision = "0039"
down_revision = "0038"

_PORTION = 1_000


def upgrade() -> None:
    op.create_table(
        "product_codes",
        Column("product", String(36), primary_key=True),
        Column("code", Text, primary_key=True),
        Column("document", String(36), ForeignKey("documents.id"), nullable=False),
    )
    for name in ("code", "document"):
        op.create_index(f"ix_product_codes_{name}", "product_codes", [name])
    connection, last = op.get_bind(), ""
    products = table("products", column("id"), column("document"), column("record", JSON))
    query = select(products.c.document, products.c.id, products.c.record).order_by(products.c.id).limit(_PORTION)
    while rows := connection.execute(query.where(products.c.id > last)).all():
        add_codes(connection, map(tuple, rows))
        last = rows[-1].id

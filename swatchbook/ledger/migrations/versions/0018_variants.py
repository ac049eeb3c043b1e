"""Variants of products as records with code, size and price; of pages, what belongs to no product, which texts were
nearly names, and whether the page needs a vision model or a person.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"

_PORTION = 500
_PRODUCTS = sa.table("products", sa.column("id", sa.String), sa.column("record", sa.JSON))


def upgrade() -> None:
    for name in ("unassigned", "rejected"):
        op.add_column("pages", sa.Column(name, sa.JSON(none_as_null=True), nullable=True))
    op.add_column("pages", sa.Column("unsure", sa.Boolean(), nullable=False, server_default=sa.text("false")))
    connection = op.get_bind()
    ids = connection.execute(sa.select(_PRODUCTS.c.id)).scalars().all()
    for start in range(0, len(ids), _PORTION):
        portion = ids[start : start + _PORTION]
        for row in connection.execute(sa.select(_PRODUCTS).where(_PRODUCTS.c.id.in_(portion))).all():
            if "variants" in row.record:
                connection.execute(
                    sa.update(_PRODUCTS).where(_PRODUCTS.c.id == row.id).values(record=_converted(row.record))
                )


def _converted(record: dict[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in record.items() if name not in ("grain", "parent")}
    return kept | {"family": None, "variants": [_variant(name) for name in record["variants"]]}


def _variant(name: str) -> dict[str, str | None]:
    other = dict.fromkeys(("code", "size", "price", "page", "bbox"))
    return {"grain": "variant", "name": name, **other}

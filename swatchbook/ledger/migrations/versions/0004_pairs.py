"""What the role `multimodal` needs: a key of each picture together with the text that is said of it."""

import hashlib

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_PAGE = 5_000
"""Rows read at a time: there may be millions."""


def upgrade() -> None:
    """Additions only: a filled ledger keeps every row. Pictures that have a text get their key."""
    op.add_column("images", sa.Column("pair_key", sa.String(length=64)))
    op.create_index(op.f("ix_images_pair_key"), "images", ["pair_key"])
    _fill(op.get_bind())


def _fill(connection: sa.Connection) -> None:
    """Page by page, as no database here computes a SHA-256 that every one of them knows."""
    images = sa.table("images", *(sa.column(name) for name in ("id", "content_key", "text_key", "pair_key")))
    said = sa.select(images.c.id, images.c.content_key, images.c.text_key).where(images.c.text_key.is_not(None))
    paired = sa.update(images).where(images.c.id == sa.bindparam("of_id")).values(pair_key=sa.bindparam("pair"))
    after = ""
    while page := connection.execute(said.where(images.c.id > after).order_by(images.c.id).limit(_PAGE)).all():
        connection.execute(
            paired,
            [{"of_id": row.id, "pair": _sha256(f"{row.content_key}:{row.text_key}")} for row in page],
        )
        after = page[-1].id


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()

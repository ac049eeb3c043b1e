"""Reviews of an owner's image, no longer of a picture's content.

A review so far is kept for each owner who has the picture, also in the trash, since its author's owner is not stored.
Rejections are stored with the images, no longer with the items, which all owners share.
"""

from alembic import op
from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Double,
    Integer,
    String,
    Text,
    and_,
    column,
    exists,
    func,
    insert,
    literal,
    null,
    select,
    table,
    update,
)

from swatchbook.domain.errors import Dismissed
from swatchbook.domain.records import image_id
from swatchbook.store.ledger.item_tries import failure_record

revision = "0042"
down_revision = "0041"

_COLUMNS = (
    "tag", "number", "key", "stands", "verdict", "second", "score_before", "score_after", "by", "at", "next_try_at",
)  # fmt: skip
_documents, _keys, _seeds, _images, _items = (
    table("trash", column("document"), column("owner")),
    table("trash_keys", column("document"), column("key")),
    table("owner_seeds", column("owner"), column("seed")),
    table("images", column("id"), column("content_key"), column("text_key"), column("dismissed", JSON)),
    table("items", column("key"), column("role"), column("tag"), column("state"), column("failure", JSON)),
)
_before, _reviews = (
    table(name, *map(column, (*_COLUMNS, *more)), column("reasons", JSON))
    for name, more in (("content_reviews", ()), ("reviews", ("image",)))
)


def upgrade() -> None:
    connection = op.get_bind()
    op.add_column("images", Column("dismissed", JSON))
    op.execute("CREATE TABLE content_reviews AS SELECT * FROM reviews")
    op.drop_table("reviews")
    op.create_table(
        "reviews",
        Column("image", String(36), primary_key=True),
        Column("tag", Text, primary_key=True),
        Column("number", Integer, primary_key=True),
        Column("key", String(64), nullable=False),
        Column("stands", Boolean, nullable=False),
        Column("verdict", String(16), nullable=False),
        Column("second", Text),
        Column("reasons", JSON, nullable=False),
        Column("score_before", Double, nullable=False),
        Column("score_after", Double, nullable=False),
        Column("by", Text, nullable=False),
        Column("at", Double, nullable=False),
        Column("next_try_at", Double),
    )
    op.create_index("ix_reviews_key", "reviews", ["key"])
    kept = [_before.c.reasons, *(_before.c[name] for name in _COLUMNS)]
    into = insert(_reviews)
    names = ["reasons", *_COLUMNS, "image"]
    owned = select(*kept, _images.c.id).join(_images, _images.c.content_key == _before.c.key)
    connection.execute(into.from_select(names, owned))
    trashed = (
        select(func.coalesce(_seeds.c.seed, _documents.c.owner), _keys.c.key)
        .join_from(_documents, _keys, _keys.c.document == _documents.c.document)
        .join(_before, _before.c.key == _keys.c.key)
        .outerjoin(_seeds, _seeds.c.owner == _documents.c.owner)
    )
    for seed, key in connection.execute(trashed.distinct()).all():
        image = image_id(seed, key)
        only_there = ~exists().where(_images.c.id == image)
        of_key = select(*kept, literal(image)).where(_before.c.key == key, only_there)
        connection.execute(into.from_select(names, of_key))
    rejected = select(_reviews).where(_reviews.c.stands, _reviews.c.verdict == "rejected")
    for row in connection.execute(rejected).all():
        failure = failure_record(Dismissed("; ".join(row.reasons), advice=f"Rejected by {row.by}."))
        shows_none = update(_images).where(_images.c.id == row.image, _images.c.text_key.is_(None))
        connection.execute(shows_none.values(dismissed=failure))
        item = and_(_items.c.key == row.key, _items.c.role == "analysis", _items.c.tag == row.tag)
        made = update(_items).where(item, _items.c.state == "rejected")
        connection.execute(made.values(state="done", failure=null()))
    op.drop_table("content_reviews")

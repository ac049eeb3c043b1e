"""One review of an analysis: the one that counted, with its reason as one line.

Earlier reviews of the same analysis go, as nothing is done with them, and so do the scores, which the analyses have.
A correction written by a person stays in use where it counted; others are deleted, as nobody can choose them any more.
"""

from alembic import op
from sqlalchemy import JSON, Column, Double, Integer, String, Text, column, delete, exists, func, insert, select, table

revision = "0044"
down_revision = "0043"

_KEPT = ("image", "tag", "key", "verdict", "second", "by", "at", "next_try_at")
_before = table("every_review", *map(column, (*_KEPT, "number", "stands")), column("reasons", JSON))
_reviews = table("reviews", *map(column, (*_KEPT, "reason", "tries")))
_analyses = table("analyses", column("key"), column("tag"))


def upgrade() -> None:
    connection = op.get_bind()
    op.execute("CREATE TABLE every_review AS SELECT * FROM reviews")
    op.drop_table("reviews")
    op.create_table(
        "reviews",
        Column("image", String(36), primary_key=True),
        Column("tag", Text, primary_key=True),
        Column("key", String(64), nullable=False),
        Column("verdict", String(16), nullable=False),
        Column("second", Text),
        Column("reason", Text, nullable=False),
        Column("by", Text, nullable=False),
        Column("at", Double, nullable=False),
        Column("tries", Integer, nullable=False),
        Column("next_try_at", Double),
    )
    op.create_index("ix_reviews_key", "reviews", ["key"])
    failed = select(_before.c.image, _before.c.tag, func.count()).where(_before.c.verdict == "failed")
    tries = {(image, tag): n for image, tag, n in connection.execute(failed.group_by(_before.c.image, _before.c.tag))}
    for row in connection.execute(select(_before).where(_before.c.stands)).mappings().all():
        is_failed, replaces = row["verdict"] == "failed", row["verdict"] == "corrected"
        new = {
            "verdict": "replaced" if replaces else row["verdict"],
            "second": row["second"] if replaces else None,
            "reason": "; ".join(row["reasons"]),
            "tries": tries[row["image"], row["tag"]] if is_failed else 0,
        }
        connection.execute(insert(_reviews).values(**{name: row[name] for name in _KEPT} | new))
    named = exists().where(_reviews.c.key == _analyses.c.key, _reviews.c.second == _analyses.c.tag)
    op.execute(delete(_analyses).where(_analyses.c.tag.startswith("person@"), ~named))
    op.drop_table("every_review")

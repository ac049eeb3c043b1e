"""What reviews need: a row for each second look at a picture, and for each word of a person."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Additions only."""
    op.create_table(
        "reviews",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("tag", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("stands", sa.Boolean(), nullable=False),
        sa.Column("verdict", sa.String(length=16), nullable=False),
        sa.Column("second", sa.Text()),
        sa.Column("reasons", sa.JSON(), nullable=False),
        sa.Column("score_before", sa.Double(), nullable=False),
        sa.Column("score_after", sa.Double(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("next_try_at", sa.Double()),
        sa.PrimaryKeyConstraint("key", "tag", "number", name=op.f("pk_reviews")),
    )
    waiting = sa.text("needs_review")
    op.create_index("ix_images_review", "images", ["owner"], sqlite_where=waiting, postgresql_where=waiting)

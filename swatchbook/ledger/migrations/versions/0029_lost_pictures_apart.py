"""Move lost pictures to a separate table, with a number and the decision of a person for each."""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"


def upgrade() -> None:
    table = op.create_table(
        "lost_pictures",
        sa.Column("document", sa.String(36), nullable=False),
        sa.Column("page", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("bbox", sa.JSON(), nullable=False),
        sa.Column("share", sa.Double(), nullable=False),
        sa.Column("phash", sa.String(16), nullable=True),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("audited", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("by", sa.Text(), nullable=True),
        sa.Column("at", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(["document"], ["documents.id"], name=op.f("fk_lost_pictures_document")),
        sa.PrimaryKeyConstraint("document", "page", "number", name=op.f("pk_lost_pictures")),
    )
    pages = sa.table(
        "pages", sa.column("document"), sa.column("number"), sa.column("lost_pictures", sa.JSON(none_as_null=True))
    )
    known = op.get_bind().execute(sa.select(pages).where(pages.c.lost_pictures.is_not(None))).all()
    rows = [
        {"document": row.document, "page": row.number, "number": number, "bbox": each["bbox"],
         "share": each["share"], "state": "seen"}
        for row in known
        for number, each in enumerate(row.lost_pictures, start=1)
    ]  # fmt: skip
    op.bulk_insert(table, rows)
    op.drop_column("pages", "lost_pictures")

"""Pages and reports without what a second classifier took pages to show: their kind and its reason stay."""

from alembic import op
from sqlalchemy import JSON, column, select, table, update

revision = "0031"
down_revision = "0030"


def upgrade() -> None:
    op.drop_column("pages", "shows")
    op.drop_column("pages", "seen")
    documents, connection = table("documents", column("id"), column("report", JSON)), op.get_bind()
    for id, report in connection.execute(select(documents.c.id, documents.c.report)).all():
        if report and report.pop("unsure_pages", None) is not None:
            connection.execute(update(documents).where(documents.c.id == id).values(report=report))

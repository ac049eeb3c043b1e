"""One table of figures over time instead of those of timings and of failed tries; backgrounds are kept with spaces."""

from collections import defaultdict
from typing import Any

from alembic import op
from sqlalchemy import JSON, Column, Double, ForeignKey, Integer, String, column, select, table, text, update

revision = "0045"
down_revision = "0044"


def upgrade() -> None:
    op.create_table(
        "figures",
        Column("document", String(36), ForeignKey("documents.id"), primary_key=True),
        Column("run", String(26), primary_key=True),
        Column("stage", String(32), primary_key=True),
        Column("failure", String(32), primary_key=True, server_default=text("''")),
        Column("seconds", Double, nullable=False),
        Column("units", Integer, nullable=False, server_default="0"),
        Column("at", Double, nullable=False),
    )
    for columns in (("stage", "at"), ("at",)):
        op.create_index(f"ix_figures_{'_'.join(columns)}", "figures", columns)
    into = "INSERT INTO figures (document, run, stage, failure, seconds, units, at) SELECT document, run, "
    op.execute(into + "stage, '', seconds, units, at FROM timings")
    op.execute(into + "role, kind, 0, count, at FROM failed_tries")
    op.execute("UPDATE trash_rows SET name = 'figures' WHERE name = 'timings'")
    op.drop_table("timings")
    op.drop_table("failed_tries")
    _move_backgrounds()


def _move_backgrounds() -> None:
    connection = op.get_bind()
    op.add_column("spaces", Column("backgrounds", JSON, nullable=False, server_default=text("'{}'")))
    before = table("backgrounds", *map(column, ("role", "tag", "owner", "mean", "deviation", "objects")))
    by_space = defaultdict[tuple[str, str], dict[str, Any]](dict)
    for row in connection.execute(select(before)):
        by_space[row.role, row.tag][row.owner] = {"mean": row.mean, "deviation": row.deviation, "objects": row.objects}
    spaces = table("spaces", column("role"), column("tag"), column("backgrounds", JSON))
    for (role, tag), kept in by_space.items():
        this = update(spaces).where(spaces.c.role == role, spaces.c.tag == tag)
        connection.execute(this.values(backgrounds=kept))
    op.drop_table("backgrounds")

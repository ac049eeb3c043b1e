"""Edits by hand are rename, merge, split, hide and set_fact, also those of documents in the trash.

`reject` is called `hide`, and `remove_fact` is a `set_fact` without a value. Pictures assigned and products added by
hand go: nothing makes or undoes such edits. What they changed stays until the document is edited or read again.
"""

import json
import zlib
from typing import Any

from alembic import op
from sqlalchemy import JSON, and_, column, delete, select, table, update

revision = "0048"
down_revision = "0047"

_edits = table("hand_edits", column("document"), column("number"), column("edit", JSON))
_trash = table("trash_rows", column("document"), column("number"), column("name"), column("data"))


def upgrade() -> None:
    connection = op.get_bind()
    for row in connection.execute(select(_edits)).all():
        this = and_(_edits.c.document == row.document, _edits.c.number == row.number)
        edit = _renamed(row.edit)
        connection.execute(update(_edits).where(this).values(edit=edit) if edit else delete(_edits).where(this))
    for row in connection.execute(select(_trash).where(_trash.c.name == "hand_edits")).all():
        kept = [{**each, "edit": _renamed(each["edit"])} for each in json.loads(zlib.decompress(row.data))]
        data = zlib.compress(json.dumps([each for each in kept if each["edit"]]).encode(), 1)
        this = and_(_trash.c.document == row.document, _trash.c.number == row.number)
        connection.execute(update(_trash).where(this).values(data=data))


def _renamed(edit: dict[str, Any]) -> dict[str, Any] | None:
    """Return an edit as it is called now, None for one of a kind that is gone."""
    match edit["action"]:
        case "add" | "assign":
            return None
        case "reject":
            return edit | {"action": "hide"}
        case "remove_fact":
            return edit | {"action": "set_fact", "value": ""}
    return edit

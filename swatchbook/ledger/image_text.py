"""What is said of pictures, and what is then to be made: `understanding` of the text, `multimodal` of both.

An item of `understanding` is kept by the key of the text, one of `multimodal` by that of picture and text together.
The latter is made of the picture's `visual` vector: it is queued by whatever completes the two, text or vector.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Row, bindparam, exists, select, update

from swatchbook.ledger.bulk_rows import upsert_rows
from swatchbook.ledger.database import portions
from swatchbook.ledger.leases import ItemId
from swatchbook.ledger.requested import add_pending, reopen_documents
from swatchbook.ledger.tables import contents, images, items, placements, requested
from swatchbook.records import ItemState, PlacementState, Record, Role, pair_key


class CurrentText(Record):
    """What an analysis, or a person, says of a picture: the key of its text (None: nothing), and the quality seen."""

    text_key: str | None
    quality: float
    needs_review: bool = False


def set_current_text(connection: Connection, tag: str, said: Mapping[str, CurrentText]) -> None:
    """From now on this is said of these pictures (by content key), whoever's they are.

    A document must want the analysis of this tag. The texts stand in `contents` already; what is to be made of them is
    for `queue_said`.
    """
    theirs = {
        row.id: (row.content_key, said[row.content_key])
        for some in portions(sorted(said))
        for row in connection.execute(
            select(images.c.id, images.c.content_key).where(images.c.content_key.in_(some), is_analysis_requested(tag))
        )
    }
    write_texts(connection, images.c.id, theirs)


def is_analysis_requested(tag: str) -> ColumnElement[bool]:
    """Whether a document that places an image wants the analysis of this tag."""
    return exists().where(
        placements.c.image == images.c.id,
        requested.c.document == placements.c.document,
        requested.c.role == Role.ANALYSIS,
        requested.c.tag == tag,
    )


def write_texts(connection: Connection, column: Column[str], said: Mapping[str, tuple[str, CurrentText]]) -> None:
    """Let the images that have these values in a column say so: value -> content key of the picture, what is said."""
    if said:
        connection.execute(
            update(images)
            .where(column == bindparam("of_value"))
            .values(
                text_key=bindparam("text"),
                pair_key=bindparam("pair"),
                quality=bindparam("seen"),
                needs_review=bindparam("weak"),
            ),
            [
                {"of_value": value, "text": of.text_key, "pair": of.text_key and pair_key(content, of.text_key),
                 "seen": of.quality, "weak": of.needs_review}
                for value, (content, of) in said.items()
            ],
        )  # fmt: skip


def queue_text_items(connection: Connection, column: Column[str], values: Collection[str]) -> None:
    """Items of what is said of the images that have these values in a column, under the tags of all who show them.

    A shared image says one thing. Whom they concern is woken.
    """
    showing = [
        row
        for portion in portions(sorted(values))
        for row in connection.execute(
            select(placements.c.document, images.c.content_key, images.c.text_key, images.c.pair_key)
            .join_from(images, placements, placements.c.image == images.c.id)
            .where(column.in_(portion), images.c.text_key.is_not(None))
            .where(placements.c.state == PlacementState.SHOWN)
            .distinct()
        )
    ]
    tags = _tags(connection, sorted({row.document for row in showing}))
    asked = {
        (row.text_key, Role.UNDERSTANDING.value, tag)
        for row in showing
        for tag in tags[row.document, Role.UNDERSTANDING]
    }
    pairs = _seen_pairs(connection, showing, tags)
    # a pair has a row there like a text or a picture: what is made of it is collected with it
    upsert_rows(
        connection, contents, [{"key": key, "unused_since": None} for key in sorted({pair[0] for pair in pairs})]
    )
    add_pending(connection, asked | pairs)
    reopen_documents(connection, sorted({key for key, _, _ in asked | pairs}))


_Tags = defaultdict[tuple[str, str], list[str]]
"""(document, role) -> tags that it wants of that role."""


def _tags(connection: Connection, documents: Collection[str]) -> _Tags:
    """Asked by document, apart from the images: SQLite would start from all those that want the role."""
    roles = (Role.UNDERSTANDING, Role.MULTIMODAL, Role.VISUAL)
    tags = _Tags(list)
    for portion in portions(sorted(documents)):
        query = select(requested.c.document, requested.c.role, requested.c.tag)
        for row in connection.execute(query.where(requested.c.document.in_(portion), requested.c.role.in_(roles))):
            tags[row.document, row.role].append(row.tag)
    return tags


def _seen_pairs(connection: Connection, showing: Collection[Row[Any]], tags: _Tags) -> set[ItemId]:
    """The `multimodal` items of those pictures whose `visual` vector there is, as the same document wants it."""
    asking = [row for row in showing if tags[row.document, Role.MULTIMODAL]]
    seen = {
        (row.key, row.tag)
        for portion in portions(sorted({row.content_key for row in asking}))
        for row in connection.execute(
            select(items.c.key, items.c.tag).where(
                items.c.key.in_(portion), items.c.role == Role.VISUAL, items.c.state == ItemState.DONE
            )
        )
    }
    return {
        (row.pair_key, Role.MULTIMODAL.value, tag)
        for row in asking
        if any((row.content_key, eye) in seen for eye in tags[row.document, Role.VISUAL])
        for tag in tags[row.document, Role.MULTIMODAL]
    }

"""Count what a delete would remove: images and vectors that no other document or owner uses."""

from collections.abc import Callable

from sqlalchemy import Column, ColumnElement, CompoundSelect, Table, exists, func, or_, select, union

from swatchbook.ledger.database import Ledger
from swatchbook.ledger.tables import analyses, chunks, documents, images, placements, vectors
from swatchbook.records import COUNTED, Deletion

_IMAGE_KEYS = (images.c.content_key, images.c.text_key, images.c.pair_key)
"""Keys of an image's vectors: of the picture, of its understanding text, and of both together."""


Going = Callable[[Column[str]], ColumnElement[bool]]
"""Returns the condition that a column holds the id of a document that is to be deleted."""


def count_deletion(ledger: Ledger, *ids: str) -> Deletion:
    """Count what deleting these documents removes. What another document or owner uses is not counted."""
    return _count(ledger, lambda column: column.in_(ids))


def count_owner_deletion(ledger: Ledger, owner: str) -> Deletion:
    """Count what deleting all documents of an owner removes. What another owner uses is not counted."""
    return _count(ledger, lambda column: column.in_(select(documents.c.id).where(documents.c.owner == owner)))


def _count(ledger: Ledger, going: Going) -> Deletion:
    shown = placements.c.state.in_(COUNTED)
    alone = _is_placed_in(going, shown), ~_is_placed_outside(going, shown)
    unused = vectors.c.key.in_(_keys_in(going)), ~_is_key_used_outside(going)
    with ledger.read() as connection:

        def count(table: Table, *where: ColumnElement[bool]) -> int:
            return connection.execute(select(func.count()).select_from(table).where(*where)).scalar_one()

        return Deletion(
            documents=count(documents, going(documents.c.id)),
            images=count(images, *alone),
            vectors=count(vectors, *unused),
        )


def _is_placed_in(going: Going, *where: ColumnElement[bool]) -> ColumnElement[bool]:
    return images.c.id.in_(select(placements.c.image).where(going(placements.c.document), *where))


def _is_placed_outside(going: Going, *where: ColumnElement[bool]) -> ColumnElement[bool]:
    """Return whether a document that stays places the image; asked image by image, by index."""
    return exists().where(placements.c.image == images.c.id, ~going(placements.c.document), *where)


def _keys_in(going: Going) -> CompoundSelect[tuple[str]]:
    """Keys that vectors of these documents may have, other documents' too."""
    pictures = select(images.c.content_key).where(_is_placed_in(going))
    return union(
        *(select(key).where(_is_placed_in(going), key.is_not(None)) for key in _IMAGE_KEYS),
        select(analyses.c.text_key).where(analyses.c.key.in_(pictures), analyses.c.text_key.is_not(None)),
        select(chunks.c.text_key).where(going(chunks.c.document)),
    )


def _is_key_used_outside(going: Going) -> ColumnElement[bool]:
    """Return whether a vector's key is that of an image, of an image's text, or of a chunk that stays."""
    stays = _is_placed_outside(going)
    said = exists().where(analyses.c.text_key == vectors.c.key, images.c.content_key == analyses.c.key, stays)
    return or_(
        *(exists().where(key == vectors.c.key, stays) for key in _IMAGE_KEYS),
        said,
        exists().where(chunks.c.text_key == vectors.c.key, ~going(chunks.c.document)),
    )

"""Count what a delete would remove: images and vectors that no other document or owner uses."""

from sqlalchemy import ColumnElement, CompoundSelect, exists, func, or_, select, union

from swatchbook.ledger.database import Ledger
from swatchbook.ledger.tables import analyses, chunks, images, placements, vectors
from swatchbook.records import PlacementState, Record

_IMAGE_KEYS = (images.c.content_key, images.c.text_key, images.c.pair_key)
"""Keys of an image's vectors: of the picture, of its understanding text, and of both together."""


class Deletion(Record):
    """What a delete removes: images that no other document shows, and vectors that nothing else uses."""

    documents: int = 1
    images: int
    vectors: int


def count_deletion(ledger: Ledger, document: str) -> Deletion:
    """Count what deleting this document removes. What another document or owner uses is not counted."""
    shown = placements.c.state == PlacementState.SHOWN
    alone = _is_placed_in(document, shown), ~_is_placed_outside(document, shown)
    unused = vectors.c.key.in_(_keys_in(document)), ~_is_key_used_outside(document)
    with ledger.read() as connection:
        return Deletion(
            images=connection.execute(select(func.count()).select_from(images).where(*alone)).scalar_one(),
            vectors=connection.execute(select(func.count()).select_from(vectors).where(*unused)).scalar_one(),
        )


def _is_placed_in(document: str, *where: ColumnElement[bool]) -> ColumnElement[bool]:
    return images.c.id.in_(select(placements.c.image).where(placements.c.document == document, *where))


def _is_placed_outside(document: str, *where: ColumnElement[bool]) -> ColumnElement[bool]:
    """Whether another document places the image; asked image by image, by index."""
    return exists().where(placements.c.image == images.c.id, placements.c.document != document, *where)


def _keys_in(document: str) -> CompoundSelect[tuple[str]]:
    """Keys that vectors of this document may have, other documents' too."""
    pictures = select(images.c.content_key).where(_is_placed_in(document))
    return union(
        *(select(key).where(_is_placed_in(document), key.is_not(None)) for key in _IMAGE_KEYS),
        select(analyses.c.text_key).where(analyses.c.key.in_(pictures), analyses.c.text_key.is_not(None)),
        select(chunks.c.text_key).where(chunks.c.document == document),
    )


def _is_key_used_outside(document: str) -> ColumnElement[bool]:
    """Whether a vector's key is that of an image, of a text said of one, or of a chunk that stays."""
    stays = _is_placed_outside(document)
    said = exists().where(analyses.c.text_key == vectors.c.key, images.c.content_key == analyses.c.key, stays)
    return or_(
        *(exists().where(key == vectors.c.key, stays) for key in _IMAGE_KEYS),
        said,
        exists().where(chunks.c.text_key == vectors.c.key, chunks.c.document != document),
    )

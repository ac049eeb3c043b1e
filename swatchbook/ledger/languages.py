"""In which language a document is written, told by the first of its chunks, else by what is printed beside its pictures
and by its products' names. It is detected again for each portion that is published (2 ms): nothing has to be kept.
"""

from collections.abc import Collection, Iterator

from sqlalchemy import Connection, select

from swatchbook.index.language import language_of
from swatchbook.ledger.tables import chunks, placements, products

_CHUNKS, _PLACEMENTS, _NAMES = 40, 100, 100  # read of each document: a page or two of text is enough


def languages_of_documents(connection: Connection, documents: Collection[str]) -> dict[str, str]:
    """Return document -> the code of its language, for those whose language is told."""
    found = {document: language_of("\n".join(_texts(connection, document))) for document in sorted(set(documents))}
    return {document: language for document, language in found.items() if language}


def _texts(connection: Connection, document: str) -> Iterator[str]:
    """Yield texts of a document in its language: those of its chunks, or where it has none what else is printed."""
    text = chunks.c.record["text"].as_string()
    of_chunks = select(text).where(chunks.c.document == document).order_by(chunks.c.ordinal).limit(_CHUNKS)
    if found := connection.execute(of_chunks).scalars().all():
        yield from found
        return
    names = select(products.c.name).where(products.c.document == document).order_by(products.c.ordinal)
    yield from connection.execute(names.limit(_NAMES)).scalars()
    beside = select(placements.c.caption, placements.c.nearby_text).where(placements.c.document == document)
    for row in connection.execute(beside.order_by(placements.c.ordinal).limit(_PLACEMENTS)):
        yield from filter(None, row)

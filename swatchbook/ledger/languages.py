"""Detect the language of a document from its first chunks, or from the names of its products and text by its pictures.

It is detected again for each portion that is published (2 ms), so nothing is stored.
"""

from collections.abc import Collection, Iterator

from sqlalchemy import Connection, select

from swatchbook.index.language import language_of
from swatchbook.ledger.tables import chunks, placements, products

_CHUNKS, _PLACEMENTS, _NAMES = 40, 100, 100  # the most that is read of each document: a page or two of text is enough


def languages_of_documents(connection: Connection, documents: Collection[str]) -> dict[str, str]:
    """Return document -> the code of its language, without documents whose language is not clear."""
    found = {document: language_of("\n".join(_texts(connection, document))) for document in sorted(set(documents))}
    return {document: language for document, language in found.items() if language}


def _texts(connection: Connection, document: str) -> Iterator[str]:
    """Yield the texts of a document's chunks; if it has none, its products' names and the text around its pictures."""
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

"""Which contents (pictures, texts and pairs of both, files of documents) something uses, and since when none does."""

from collections.abc import Iterable

from sqlalchemy import ColumnElement, Connection, exists, or_, select, update

from swatchbook.store.ledger.database import db_now, is_among, portions
from swatchbook.store.ledger.tables import analyses, chunks, contents, documents, images, trash, trash_keys


def is_used() -> ColumnElement[bool]:
    """Return the condition that content is used by an image, chunk, analysis or document, or kept for the trash.

    It can be the picture, text or pair of an image, the text of a chunk or analysis, or the file of a document.
    """
    return or_(is_used_by_documents(), is_used_by_trash())


def is_used_by_trash() -> ColumnElement[bool]:
    """Return the condition that content is kept for a document that is in the trash."""
    files = (trash.c.file, trash.c.pages_file)
    by_file = [exists().where(user == contents.c.file) for user in files]
    said = exists().where(analyses.c.text_key == contents.c.key, trash_keys.c.key == analyses.c.key)
    return or_(exists().where(trash_keys.c.key == contents.c.key), said, *by_file)


def is_used_by_documents() -> ColumnElement[bool]:
    """Return the condition of `is_used`, without what is kept for the trash.

    The text of an analysis is used as long as its picture is, so that both are collected together.
    """
    keys = (images.c.content_key, images.c.text_key, images.c.pair_key, chunks.c.text_key)
    files = (documents.c.file, documents.c.pages_file)
    # one indexed EXISTS per column: PostgreSQL would scan a list of all users for every row
    by_key = [exists().where(user == contents.c.key) for user in keys]
    by_file = [exists().where(user == contents.c.file) for user in files]
    said = exists().where(analyses.c.text_key == contents.c.key, images.c.content_key == analyses.c.key)
    return or_(*by_key, said, *by_file)


def note_unused(connection: Connection, keys: Iterable[str]) -> None:
    """Note that those of these contents are unused from now on that nothing uses; `retention.py` deletes them later."""
    for some in portions(sorted(set(keys))):
        there = select(contents.c.key).where(is_among(contents.c.key, some)).order_by(contents.c.key)
        locked = connection.execute(there.with_for_update()).scalars().all()  # in order: others do it meanwhile
        unused = update(contents).where(is_among(contents.c.key, locked), ~is_used())
        connection.execute(unused.values(unused_since=db_now()))

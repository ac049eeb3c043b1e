"""Write lost pictures, which an ingest or an audit has seen and not taken, and the decisions of people about them.

Numbers and decisions stay when the document is processed again: a part of a page is recognised by its box.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable

from sqlalchemy import Connection, delete, insert, select, update

from swatchbook.errors import InvalidReference
from swatchbook.geometry import area, shared_area
from swatchbook.ledger.bulk_rows import Values
from swatchbook.ledger.database import Ledger, db_now
from swatchbook.ledger.documents import load_document
from swatchbook.ledger.queries.lost_pictures import read_lost_pictures
from swatchbook.ledger.tables import lost_pictures
from swatchbook.records import LostPicture, LostState

SAME_PART = 0.5  # shared area over the area of both; boxes with at least this are the same part of the page


def save_seen(connection: Connection, document: str, found: Iterable[LostPicture]) -> None:
    """Save what an ingest has found, in a transaction.

    What it no longer finds is removed, unless a person has decided on it or an audit had found it.
    """
    known = _by_page(read_lost_pictures(connection, document))
    of_audits = select(lost_pictures.c.page, lost_pictures.c.number).where(
        lost_pictures.c.document == document, lost_pictures.c.audited
    )
    audited = {(row.page, row.number) for row in connection.execute(of_audits)}
    found_again = _save(connection, document, found, known, audited=False)
    for picture in (each for on_page in known.values() for each in on_page):
        place = (picture.page, picture.number)
        if picture.state is LostState.SEEN and place not in found_again and place not in audited:
            connection.execute(
                delete(lost_pictures).where(
                    lost_pictures.c.document == document,
                    lost_pictures.c.page == picture.page,
                    lost_pictures.c.number == picture.number,
                )
            )


def add_audited(ledger: Ledger, document: str, found: Iterable[LostPicture]) -> None:
    """Add what an audit has found to what is known of a document."""
    with ledger.write() as connection:
        load_document(connection, document, lock=True)
        _save(connection, document, found, _by_page(read_lost_pictures(connection, document)), audited=True)


def decide(ledger: Ledger, document: str, ids: Collection[str], state: LostState, *, by: str) -> bool:
    """Record a person's decision on these lost pictures, named as in `LostPicture.id`.

    Returns whether the document must be processed: a picture was taken in, or is taken in no longer. Raises
    InvalidReference for an unknown one; then nothing is recorded.
    """
    with ledger.write() as connection:
        name = load_document(connection, document, lock=True).name
        known = {picture.id: picture for picture in read_lost_pictures(connection, document)}
        unknown = sorted(set(ids) - known.keys())
        if unknown:
            raise InvalidReference(
                f"{name} has no part {', '.join(unknown[:10])} that looks like a picture.",
                advice="`swatchbook audit` lists them.",
            )
        changed = [known[each] for each in dict.fromkeys(ids) if known[each].state is not state]
        said = {"state": state, "by": by, "at": db_now()} if state is not LostState.SEEN else {"by": None, "at": None}
        for picture in changed:
            place = (lost_pictures.c.page == picture.page, lost_pictures.c.number == picture.number)
            connection.execute(
                update(lost_pictures)
                .where(lost_pictures.c.document == document, *place)
                .values(said | {"state": state})
            )
    return any(LostState.TAKEN in (state, picture.state) for picture in changed)


def _save(
    connection: Connection,
    document: str,
    found: Iterable[LostPicture],
    known: dict[int, list[LostPicture]],
    *,
    audited: bool,
) -> set[tuple[int, int]]:
    """Save what was found, and return page and number of those that were known."""
    again, rows = set[tuple[int, int]](), list[Values]()
    for page, pictures in _by_page(found).items():
        number = max((each.number for each in known.get(page, ())), default=0)
        for picture in pictures:
            same = next((each for each in known.get(page, ()) if is_same_part(each, picture)), None)
            if same is not None:
                again.add((page, same.number))
                continue
            number += 1
            seen = picture.model_dump(mode="json", include={"page", "bbox", "share", "phash"})
            rows.append(seen | {"document": document, "number": number, "state": LostState.SEEN, "audited": audited})
    if rows:
        connection.execute(insert(lost_pictures), rows)
    return again


def is_same_part(a: LostPicture, b: LostPicture) -> bool:
    """Return whether two boxes of one page are the same part of it."""
    both = shared_area(a.bbox, b.bbox)
    return both > 0 and both >= SAME_PART * (area(a.bbox) + area(b.bbox) - both)


def _by_page(pictures: Iterable[LostPicture]) -> dict[int, list[LostPicture]]:
    pages = defaultdict[int, list[LostPicture]](list)
    for picture in pictures:
        pages[picture.page].append(picture)
    return dict(pages)

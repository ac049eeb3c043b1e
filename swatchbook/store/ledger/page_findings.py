"""Save and read what is found about pages: failures, skipped ones, lost pictures, parts that belong to no product.

Failures that may be temporary are tried again after 15 minutes, in at most three runs. Lost pictures, which an ingest
or an audit has seen and not taken, keep their numbers and people's decisions when a document is processed again: a part
of a page is recognised by its box. Also lists what a person should look at; `product_doubts.py` has the reasons.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from typing import Any, Final, TypeVar

from sqlalchemy import Connection, and_, delete, func, insert, select, update

from swatchbook.domain.errors import InvalidReference
from swatchbook.domain.product_doubts import reasons_to_look
from swatchbook.domain.records import (
    Discovery,
    FailedPage,
    LookAt,
    LostPicture,
    LostState,
    Product,
    SkippedPage,
    Unassigned,
)
from swatchbook.store.ledger.bulk_rows import Values
from swatchbook.store.ledger.database import Ledger, Source, db_now, reading, select_in
from swatchbook.store.ledger.runs import Run, writing
from swatchbook.store.ledger.stored_documents import PDF, get_document, owned_by
from swatchbook.store.ledger.tables import documents, lost_pictures, pages, products, runs
from swatchbook_base.geometry import area, shared_area

OnPage = TypeVar("OnPage", FailedPage, LostPicture)

RETRY_PAUSE_SECONDS = 900.0
MAX_RETRIES = 3
"""Runs of a generation that try its failed pages; after these the failures stay."""


def save_page_failures(ledger: Ledger, run: Run, lost: Iterable[FailedPage]) -> None:
    """Record why pages lost a part (their tables, a model's answer); the pages keep their kind.

    Call it after `save_pages`. Raises RunRevoked.
    """
    with writing(ledger, run) as connection:
        write_page_failures(connection, run.document, lost)


def write_page_failures(connection: Connection, document: str, lost: Iterable[FailedPage]) -> None:
    """Do within a transaction what `save_page_failures` does."""
    for number, parts in _by_page(lost).items():
        reason = " ".join(dict.fromkeys(part.message for part in parts))
        this = (pages.c.document == document, pages.c.number == number)
        connection.execute(update(pages).where(*this).values(reason=reason, failure_kind=parts[0].kind))


def has_failed_pages(ledger: Ledger, document: str) -> bool:
    """Return whether a stage could not process a page of the document, or only in part."""
    failed = select(pages.c.number).where(pages.c.document == document, pages.c.failure_kind.is_not(None))
    return ledger.execute(failed.limit(1)).first() is not None


def save_page_notes(ledger: Ledger, run: Run, discovery: Discovery, unassigned: Iterable[Unassigned]) -> None:
    """Save the notes of a document's pages instead of earlier ones. Raises RunRevoked."""
    nothing = {"unassigned": None, "rejected": None, "unsure": False}
    notes = defaultdict[int, dict[str, Any]](nothing.copy)
    for left in unassigned:
        notes[left.page]["unassigned"] = left.model_dump(mode="json")
    for evidence in discovery.rejected:
        if evidence.page is not None:
            notes[evidence.page]["rejected"] = [
                *(notes[evidence.page]["rejected"] or ()), evidence.model_dump(mode="json")
            ]  # fmt: skip
    for number in discovery.unsure:
        notes[number]["unsure"] = True
    with writing(ledger, run) as connection:
        connection.execute(update(pages).where(pages.c.document == run.document).values(nothing))
        for number, values in notes.items():
            here = and_(pages.c.document == run.document, pages.c.number == number)
            connection.execute(update(pages).where(here).values(values))


def next_try_of_failed_pages(ledger: Ledger, run: Run) -> float | None:
    """Return when this run's failed pages are tried again, in Unix seconds; None after MAX_RETRIES runs."""
    ended = select(func.count()).where(
        runs.c.document == run.document, runs.c.generation == run.generation, runs.c.state == "ended"
    )
    tried = ledger.execute(ended).scalar_one()
    return ledger.now() + RETRY_PAUSE_SECONDS if tried < MAX_RETRIES else None


# --- pages ------------------------------------------------------------------------------------------------------------


def skipped_pages(source: Source, document: str) -> tuple[SkippedPage, ...]:
    """Return the skipped pages of a document, each with its reason and the pictures that are seen on it, by number."""
    query = (
        select(pages.c.number, pages.c.label, pages.c.reason, pages.c.pictures)
        .where(pages.c.document == document, pages.c.kind == "skipped")
        .order_by(pages.c.number)
    )
    return tuple(
        SkippedPage(page=row.number, label=row.label, reason=row.reason or "", pictures=row.pictures or ())
        for row in source.execute(query)
    )


def read_unassigned(connection: Connection, document: str) -> tuple[Unassigned, ...]:
    """Return, by page, the parts of the document's pages that belong to no product."""
    query = select(pages.c.unassigned).where(pages.c.document == document, pages.c.unassigned.is_not(None))
    return tuple(map(Unassigned.model_validate, connection.execute(query.order_by(pages.c.number)).scalars()))


def read_entities(source: Source, document: str) -> list[dict[str, Any]]:
    """Return, by page, the document's certificates, logos and specifications that belong to no product."""
    query = select(pages.c.entities).where(pages.c.document == document, pages.c.entities.is_not(None))
    return [each for found in source.execute(query.order_by(pages.c.number)).scalars() for each in found]


# --- what a person should look at -------------------------------------------------------------------------------------


NO_PRODUCT: Final = "It looks like products, and none was found on it: a vision model or a person can name them."


def list_look_at(source: Source, document: str) -> tuple[LookAt, ...]:
    """Return what a person should look at in a document, by page; nothing of one without pages."""
    of_pdf = select(products.c.record).join(documents, documents.c.id == products.c.document)
    query = of_pdf.where(products.c.document == document, documents.c.kind == PDF).order_by(products.c.ordinal)
    with reading(source) as connection:
        found = [Product.model_validate(record) for record in connection.execute(query).scalars()]
        bare = _pages_without_products(connection, document, found)
    doubtful = [
        LookAt(page=product.first_page, product=product.id, name=product.name, reasons=reasons)
        for product in found
        if (reasons := reasons_to_look(product))
    ]
    return tuple(sorted([*doubtful, *bare], key=lambda each: each.page))


def count_look_at(ledger: Ledger, ids: Collection[str]) -> dict[str, int]:
    """Return document -> how many products and pages a person should look at, for those of these that have any."""
    with ledger.read() as connection:
        known = select_in(connection, select(documents.c.id).where(documents.c.kind == PDF), documents.c.id, ids)
        counts = {row.id: len(list_look_at(connection, row.id)) for row in known}
    return {document: count for document, count in counts.items() if count}


def _pages_without_products(connection: Connection, document: str, found: Sequence[Product]) -> list[LookAt]:
    """Return the pages that discovery calls unsure, but skipped ones, and those with products: these are doubtful."""
    covered = {number for product in found for number in product.pages}
    unsure = select(pages.c.number).where(pages.c.document == document, pages.c.unsure, pages.c.kind != "skipped")
    bare = [number for number in connection.execute(unsure).scalars() if number not in covered]
    return [LookAt(page=number, reasons=(NO_PRODUCT,)) for number in bare]


# --- lost pictures ----------------------------------------------------------------------------------------------------


SAME_PART = 0.5  # shared area over the area of both; boxes with at least this are the same part of the page


def save_lost_pictures(connection: Connection, document: str, found: Iterable[LostPicture]) -> None:
    """Save what an ingest has found, in a transaction.

    What it no longer finds is removed, unless a person has decided on it.
    """
    known = list_lost_pictures(connection, document)
    found_again = _save_new(connection, document, found, known)
    gone = delete(lost_pictures).where(lost_pictures.c.document == document)
    for page, number in {(each.page, each.number) for each in known if each.state is LostState.SEEN} - found_again:
        connection.execute(gone.where(lost_pictures.c.page == page, lost_pictures.c.number == number))


def decide_lost_pictures(ledger: Ledger, document: str, ids: Collection[str], state: LostState, *, by: str) -> bool:
    """Record a person's decision on these lost pictures, named as in `LostPicture.id`.

    Returns whether the document must be processed: a picture was taken in, or is taken in no longer. Raises
    InvalidReference for an unknown one; then nothing is recorded.
    """
    with ledger.write() as connection:
        name = get_document(connection, document, lock=True).name
        known = {picture.id: picture for picture in list_lost_pictures(connection, document)}
        unknown = sorted(set(ids) - known.keys())
        if unknown:
            raise InvalidReference(
                f"{name} has no part {', '.join(unknown[:10])} that looks like a picture.",
                advice="`swatchbook evaluate lost-pictures` lists them.",
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


def _save_new(
    connection: Connection, document: str, found: Iterable[LostPicture], before: Iterable[LostPicture]
) -> set[tuple[int, int]]:
    """Save what was found, and return page and number of those that were known before."""
    again, rows, known = set[tuple[int, int]](), list[Values](), _by_page(before)
    for page, pictures in _by_page(found).items():
        number = max((each.number for each in known.get(page, ())), default=0)
        for picture in pictures:
            same = next((each for each in known.get(page, ()) if is_same_part(each, picture)), None)
            if same is not None:
                again.add((page, same.number))
                continue
            number += 1
            seen = picture.model_dump(mode="json", include={"page", "bbox", "share", "phash"})
            rows.append(seen | {"document": document, "number": number, "state": LostState.SEEN})
    if rows:
        connection.execute(insert(lost_pictures), rows)
    return again


def is_same_part(a: LostPicture, b: LostPicture) -> bool:
    """Return whether two boxes of one page are the same part of it."""
    both = shared_area(a.bbox, b.bbox)
    return both > 0 and both >= SAME_PART * (area(a.bbox) + area(b.bbox) - both)


def _by_page(found: Iterable[OnPage]) -> dict[int, list[OnPage]]:
    pages = defaultdict[int, list[OnPage]](list)
    for each in found:
        pages[each.page].append(each)
    return pages


def list_lost_pictures(source: Source, document: str, state: LostState | None = None) -> tuple[LostPicture, ...]:
    """Return the lost pictures of a document, by page and number; only those in a state if it is given."""
    query = (
        select(*(lost_pictures.c[name] for name in ("page", "number", "bbox", "share", "state", "phash")))
        .where(lost_pictures.c.document == document)
        .order_by(lost_pictures.c.page, lost_pictures.c.number)
    )
    found = (LostPicture.model_validate(dict(row._mapping)) for row in source.execute(query))
    return tuple(each for each in found if state in (None, each.state))


def count_lost_pictures(ledger: Ledger, owner: str | None = None) -> int:
    """Return how many pictures were seen and not taken in the documents of an owner, or of all owners."""
    query = (
        select(func.count())
        .select_from(lost_pictures)
        .join(documents, documents.c.id == lost_pictures.c.document)
        .where(lost_pictures.c.state == LostState.SEEN, *owned_by(owner))
    )
    return ledger.execute(query).scalar_one()

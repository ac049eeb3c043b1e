"""What the tools for assistants answer: records that are smaller than those of the service. Times are texts in UTC."""

from collections.abc import Iterable
from datetime import UTC, datetime

from pydantic import Field

from swatchbook.domain.records import (
    DocumentState,
    FailingKind,
    FailingOther,
    FailureRecord,
    ImageCounts,
    ProductDetails,
    Record,
    RoleCoverage,
    StaleVectors,
    Variant,
)
from swatchbook.doors.replies import Uploaded
from swatchbook.store.ledger.stored_documents import Document
from swatchbook_teach.records import Proposal
from swatchbook_teach.rule_words import describe_reading

PICTURES, _VARIANTS = 3, 5  # of a product in a list
_MOST_PICTURES, _MOST_VARIANTS = 20, 50
_MOST_NAMES = 20  # lost and unsure names of a proposal


class ShownPicture(Record):
    """A picture: its id for `show_pictures`."""

    id: str
    page: int | None = Field(default=None, description="From 1; null where it is on no page.")
    caption: str | None = None


class ShownProduct(Record):
    """A product with its facts as printed, variants and pictures, best first."""

    id: str
    name: str
    category: str | None
    code: str | None
    facts: dict[str, str] = Field(description="Such as price, brand, size, material; as printed.")
    pages: tuple[int, ...]
    document_id: str
    document: str
    owner: str
    variants: tuple[Variant, ...] = Field(description="The first ones; `show_product` has 50.")
    variant_count: int
    pictures: tuple[ShownPicture, ...] = Field(description="The best ones; `show_product` has 20.")
    picture_count: int
    look_at: tuple[str, ...] = Field(default=(), description="Why a person should look at it.")


class ShownProducts(Record):
    """Products of a document in order; `next` is the cursor of those after these."""

    products: tuple[ShownProduct, ...]
    next: str | None


class ShownPages(Record):
    """Pages of a document, in the order of their pictures."""

    document_id: str
    document: str
    page_count: int | None
    pages: tuple[int, ...]


class ShownPictures(Record):
    """The ids of pictures, in the order in which they are shown."""

    images: tuple[str, ...]


class Failing(Record):
    """What failed in one way: pictures, or documents as a whole, items without a picture, pages, texts."""

    what: str = Field(
        description="image, item (it has no picture), page, chunk (a text), document (as a whole), or index (what was "
        "made, and searches do not find)."
    )
    kind: str
    count: int
    rejected: int = Field(default=0, description="Of them, those that are tried again only by force.")
    next_try: str | None = Field(description="Of the first of them; null: not by itself.")


class Account(Record):
    """What is embedded and what is not: found = complete + partial + failed + rejected + pending, if it `closes`."""

    owner: str | None = Field(description="Null: all owners.")
    images: ImageCounts
    closes: bool
    coverage_percentage: float = Field(description="Images with vectors.")
    unpublished: int = Field(description="Objects that searches do not find yet.")
    lost_pictures: int = Field(description="Parts of pages that look like pictures but were not taken.")
    to_review: int = Field(description="Pictures whose description a person should check.")
    placements_hidden: int = Field(description="Not counted: pictures that are under others.")
    placements_decorative: int = Field(description="Not counted: logos, grounds and the like.")
    pages_skipped: int = Field(description="Not counted: pages that were not taken in.")
    roles: tuple[RoleCoverage, ...] = Field(description="By what is made of each image, and by which model.")
    stale: tuple[StaleVectors, ...] = Field(description="Made by another model than the settings name.")
    failing: tuple[Failing, ...] = Field(description="What is missing, by reason; `failures` names each.")
    document_counts: dict[str, int] = Field(description="How many documents are in each state, by its word.")
    documents: tuple[DocumentState, ...] = Field(description="Newest first; `shown` has the state of each in words.")
    next: str | None = Field(description="The cursor of the documents after these.")


class Failed(Record):
    """One failure: what failed and why, how often it was tried, and when it is tried next."""

    document_id: str
    document: str
    subject: str = Field(description="As `what` of the kinds.")
    image_id: str | None = None
    page: int | None = None
    path: str | None = Field(default=None, description="Of a picture in a folder or batch, or the id of an item.")
    item: str | None = Field(default=None, description="The item of a batch that shows the picture.")
    role: str | None = Field(default=None, description="What could not be made.")
    kind: str
    error: str
    attempts: int | None = None
    next_try: str | None


class Failures(Record):
    """Failures by kind, with the documents that failed as a whole; or those of a document one by one, each image once.

    `total`: how many a document has; null without a document, where each kind of `failing` has its `count`. `next`: the
    `offset` of those after the listed ones.
    """

    failing: tuple[Failing, ...] = ()
    failures: tuple[Failed, ...]
    total: int | None
    next: int | None


class Ingested(Record):
    """Documents that are queued, or are complete already. `more`: how many are not listed."""

    documents: tuple[Uploaded, ...]
    more: int = 0


class Retried(Record):
    """The first documents that are processed again, how many there are, and what that means."""

    documents: tuple[str, ...]
    count: int
    message: str


class Taught(Record):
    """What a reading would find, or finds now that it is `accepted`."""

    document_id: str
    accepted: bool
    message: str
    products_now: int
    products: int | None = None
    pages: tuple[int, ...] = ()
    rules: tuple[str, ...] = Field(default=(), description="In words: which texts are names.")
    unsure: tuple[str, ...] = Field(default=(), description="Names that it is least sure of.")
    lost: tuple[str, ...] = Field(default=(), description="Products at present that it would not find.")
    lost_count: int = 0
    others: int = Field(default=0, description="Other readings that agree with what was shown.")


# --- made of the service's records ------------------------------------------------------------------------------------


def as_product(product: ProductDetails, *, alone: bool) -> ShownProduct:
    """Return a product; one of a list has fewer pictures and variants."""
    pictures = product.pictures[: _MOST_PICTURES if alone else PICTURES]
    return ShownProduct(
        **product.model_dump(include={"id", "name", "category", "code", "pages", "document_id", "document", "owner"}),
        facts=product.metadata,
        variants=product.variants[: _MOST_VARIANTS if alone else _VARIANTS],
        variant_count=len(product.variants),
        pictures=tuple(ShownPicture(id=each.id, page=each.page or None, caption=each.caption) for each in pictures),
        picture_count=len(product.pictures),
        look_at=product.look_at,
    )


def as_failing(images: Iterable[FailingKind], others: Iterable[FailingOther]) -> tuple[Failing, ...]:
    """Return failures by kind."""
    of_images = (
        Failing(
            what="image", kind=each.kind, count=each.images, rejected=each.rejected, next_try=as_time(each.next_try)
        )
        for each in images
    )
    return (*of_images, *(Failing(**{**dict(each), "next_try": as_time(each.next_try)}) for each in others))


def as_failed(document: Document, failure: FailureRecord) -> Failed:
    """Return one failure of a document."""
    given = failure.model_dump(include=set(Failed.model_fields))
    return Failed(
        **given,
        document_id=document.id,
        document=document.name,
        page=failure.page_number,
        next_try=as_time(failure.next_retry_at),
    )


def as_failed_whole(document: Document) -> Failed:
    """Return the failure of a document as a whole."""
    return Failed(
        document_id=document.id,
        document=document.name,
        subject="document",
        kind=document.failure_kind or document.status,
        error=document.message or "",
        next_try=as_time(document.due_at),
    )


def as_taught(document: str, proposal: Proposal, *, now: int, others: int, accepted: bool) -> Taught:
    """Return what a proposal would find; `now`: how many products there are, `others`: how many readings."""
    rules = (f"{each.kind}: {each.words}" for each in describe_reading(proposal.reading))
    lost = (f"{name} (page {page})" for name, page in proposal.lost[:_MOST_NAMES])
    message = (
        "Accepted: the document is processed again. Call with `undo` to take it back."
        if accepted
        else "Nothing has changed. Call again with `accept` to read the whole document so."
    )
    return Taught(
        document_id=document,
        accepted=accepted,
        message=message,
        products_now=now,
        products=proposal.products,
        pages=proposal.pages,
        rules=tuple(rules),
        unsure=tuple(f"{each.name} (page {each.page})" for each in proposal.unsure),
        lost=tuple(lost),
        lost_count=len(proposal.lost),
        others=others,
    )


def as_time(moment: float | None) -> str | None:
    """Return Unix seconds as a time in UTC."""
    return None if moment is None else datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds")

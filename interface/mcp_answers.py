"""What the tools for assistants answer: records that are smaller than those of the service, with the addresses of
pictures as resources. Times are texts in UTC.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

from pydantic import Field

from interface.replies import Uploaded
from swatchbook.records import (
    FailingKind,
    FailureRecord,
    Hit,
    ImageCounts,
    ProductDetails,
    Proposal,
    Record,
    ResultKind,
    RoleCoverage,
    SearchResults,
    Unmatched,
)
from swatchbook.reports.rule_words import describe_reading

IMAGE_URI: Final = "swatchbook://image/{image}"
PAGE_URI: Final = "swatchbook://page/{document}/{page}"
"""Resources that a client may read: a picture, and a page, as JPEG."""

_PICTURES = 3  # of a product in a list
_MOST_PICTURES, _MOST_VARIANTS = 20, 50
_MOST_NAMES = 20  # lost and unsure names of a proposal


class FoundHit(Record):
    """One result of a search."""

    kind: ResultKind
    id: str
    title: str
    document_id: str
    document: str
    owner: str
    pages: tuple[int, ...] = ()
    product: str | None = Field(default=None, description="Name of the product that an image or text belongs to.")
    product_id: str | None = None
    code: str | None = None
    price: str | None = Field(default=None, description="As printed.")
    text: str | None = None
    score: float = Field(description="0–1; 1: best in every way that was searched.")
    relevance: float | None = Field(default=None, description="0–1: the probability that it answers the text.")
    missing: tuple[str, ...] = Field(default=(), description="Words of the text that nothing of it says.")
    why: dict[str, dict[str, float]] = Field(default_factory=dict, description="With `explain`: by role.")
    pictures: tuple[str, ...] = Field(default=(), description="Resources; `show_pictures` shows them by their ids.")
    page: str | None = Field(default=None, description="Resource of its first page.")


class Found(Record):
    """Results, best first. `nearest`: where nothing is relevant, the one that matches best."""

    hits: tuple[FoundHit, ...]
    total: int | None = Field(description="How many results there are; null in very large collections.")
    next: int | None = Field(description="The `offset` of those after these.")
    nearest: FoundHit | None = None
    unmatched: tuple[Unmatched, ...] = Field(default=(), description="Filters that nothing matches.")


class ShownPicture(Record):
    """A picture: its id for `show_pictures`, and its resource."""

    id: str
    resource: str
    page: int | None = None
    caption: str | None = None


class ShownVariant(Record):
    """A colour, size or finish of a product."""

    name: str
    code: str | None = None
    size: str | None = None
    price: str | None = None


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
    variants: tuple[ShownVariant, ...]
    pictures: tuple[ShownPicture, ...]
    picture_count: int
    look_at: tuple[str, ...] = Field(default=(), description="Why a person should look at it.")


class ShownProducts(Record):
    """Products of a document in order; `next` is the cursor of those after these."""

    products: tuple[ShownProduct, ...]
    next: str | None


class ShownPage(Record):
    """A page that is shown as a picture."""

    page: int
    resource: str


class ShownPages(Record):
    """Pages of a document, in the order of their pictures."""

    document_id: str
    document: str
    page_count: int | None
    pages: tuple[ShownPage, ...]


class ShownPictures(Record):
    """Pictures, in the order in which they are shown."""

    pictures: tuple[ShownPicture, ...]


class Failing(Record):
    """Images that failed in one way. `rejected` ones are tried again only by force."""

    kind: str
    images: int
    rejected: int
    next_try: str | None = Field(description="Of the first of them; null: not by itself.")


class AccountedDocument(ImageCounts):
    """A document with the account of its images."""

    id: str
    name: str
    owner: str
    status: str
    sentence: str = Field(description="What waits or has failed, and the next try.")
    next_try: str | None


class Account(Record):
    """What is embedded and what is not: found = complete + partial + failed + rejected + pending, if it `closes`."""

    owner: str | None = Field(description="Null: all owners.")
    images: ImageCounts
    closes: bool
    coverage_percentage: float = Field(description="Images with vectors.")
    unpublished: int = Field(description="Objects that searches do not find yet.")
    lost_pictures: int = Field(description="Parts of pages that look like pictures but were not taken.")
    to_review: int
    roles: tuple[RoleCoverage, ...]
    failing: tuple[Failing, ...] = Field(description="What is missing, by reason.")
    documents: tuple[AccountedDocument, ...] = Field(description="Newest first.")
    next: str | None = Field(description="The cursor of the documents after these.")


class Failed(Record):
    """One failure: what failed and why, how often it was tried, and when it is tried next."""

    subject: str
    image_id: str | None
    page: int | None
    path: str | None
    role: str | None
    kind: str
    error: str
    attempts: int
    next_try: str | None


class Failures(Record):
    """Failures by kind, and those of a document one by one. `more`: how many are not listed."""

    failing: tuple[Failing, ...] = ()
    failures: tuple[Failed, ...] = ()
    more: int = 0


class Ingested(Record):
    """Documents that are queued, or are complete already. `more`: how many are not listed."""

    documents: tuple[Uploaded, ...]
    more: int = 0


class Retried(Record):
    """Documents that are processed again, and what that means."""

    documents: tuple[str, ...]
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


def as_found(results: SearchResults) -> Found:
    """Return the results of a search."""
    nearest = None if results.nearest is None else _as_hit(results.nearest)
    hits = tuple(map(_as_hit, results.hits))
    return Found(hits=hits, total=results.total, next=results.next, nearest=nearest, unmatched=results.unmatched)


def _as_hit(hit: Hit) -> FoundHit:
    shown = (hit.id,) if hit.kind == "image" else hit.images[:_PICTURES]
    page = PAGE_URI.format(document=hit.document_id, page=hit.pages[0]) if hit.pages else None
    pictures = tuple(IMAGE_URI.format(image=image) for image in shown)
    return FoundHit(**hit.model_dump(include=set(FoundHit.model_fields)), pictures=pictures, page=page)


def as_product(product: ProductDetails, *, alone: bool) -> ShownProduct:
    """Return a product; one of a list has fewer pictures and no variants."""
    pictures = product.pictures[: _MOST_PICTURES if alone else _PICTURES]
    return ShownProduct(
        **product.model_dump(include={"id", "name", "category", "code", "pages", "document_id", "document", "owner"}),
        facts=product.metadata,
        variants=tuple(
            ShownVariant(**each.model_dump(include=set(ShownVariant.model_fields)))
            for each in product.variants[: _MOST_VARIANTS if alone else 0]
        ),
        pictures=tuple(
            ShownPicture(id=each.id, resource=IMAGE_URI.format(image=each.id), page=each.page, caption=each.caption)
            for each in pictures
        ),
        picture_count=len(product.pictures),
        look_at=product.look_at,
    )


def as_failing(kinds: Iterable[FailingKind]) -> tuple[Failing, ...]:
    """Return failures by kind."""
    return tuple(
        Failing(kind=each.kind, images=each.images, rejected=each.rejected, next_try=as_time(each.next_try))
        for each in kinds
    )


def as_failed(failure: FailureRecord) -> Failed:
    """Return one failure."""
    given = failure.model_dump(include=set(Failed.model_fields))
    return Failed(**given, page=failure.page_number, next_try=as_time(failure.next_retry_at))


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

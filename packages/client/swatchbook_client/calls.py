"""Each request of the service, described once: its method, path, parameters, and the record that answers it.

`Client` and `AsyncClient` have a method of the same name for each function. A test compares them with the OpenAPI
document.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Unpack, cast

from swatchbook.domain.records import (
    Chunk,
    Deletion,
    DocumentImage,
    DocumentState,
    DocumentStatus,
    Edited,
    EditionDiff,
    EditRequest,
    Entity,
    Example,
    Facets,
    Hit,
    ImageDetails,
    IngestOptions,
    Link,
    LostState,
    NearDuplicates,
    ObjectEvent,
    PageDetails,
    PictureSide,
    ProductDetails,
    ResultKind,
    ReviewImage,
    SearchResults,
    Statistics,
    StoredEdit,
    TaughtReading,
    Trashed,
    Unmatched,
)
from swatchbook.doors.replies import (
    Accepted,
    AcceptedDocuments,
    AcceptedImage,
    Health,
    Listed,
    ListedChunks,
    ListedDocument,
    ListedEdits,
    ListedEntities,
    ListedEvents,
    ListedImages,
    ListedLinks,
    ListedPages,
    ListedProducts,
    ListedReviews,
    ListedStates,
    ListedTrash,
    Live,
    Ready,
    ReviewChoice,
    ShownCoverage,
    ShownDocument,
    Uploaded,
)
from swatchbook.index.contract import FilterArguments
from swatchbook_client.request import Call, Pages, SentFile, content, record
from swatchbook_teach.records import KeptReading
from swatchbook_teach.replies import ListedReadings, PageTexts, ProposedReadings, ShownReadings

_STATES = frozenset({503})
"""The answer of a probe has this status when a part is down."""


# --- documents --------------------------------------------------------------------------------------------------------


def upload(
    file: Path | str,
    *,
    name: str | None = None,
    owner: str | None = None,
    edition_of: str | None = None,
    options: IngestOptions | None = None,
) -> Call[Uploaded]:
    """Upload a PDF; it is stored durably when this returns. The same file again is the same document.

    `edition_of`: the document of which it is a newer edition.
    """
    fields = {"owner": owner, "name": name, "edition_of": edition_of}
    fields |= {"options": options.model_dump_json() if options else None}
    path = Path(file)
    sent = SentFile("file", path.name, path, "application/pdf")
    return record(Uploaded, "POST", "/documents", fields=fields, file=sent)


def status(document: str) -> Call[ShownDocument]:
    """Return a document with its status, progress and report."""
    return record(ShownDocument, "GET", "/documents/{document_id}", document)


def documents(
    *, owner: str | None = None, status: DocumentStatus | str | None = None, name: str | None = None
) -> Pages[ListedDocument]:
    """Yield documents, newest first; `name`: part of the name."""
    asked = {"owner": owner, "status": status, "name": name}
    return Pages(model=Listed, field="documents", path="/documents", params=asked)


def retry(document: str, *, force: bool = False) -> Call[Accepted]:
    """Continue what failed, is blocked or was cancelled; with `force` also retry rejected images."""
    return record(Accepted, "POST", "/documents/{document_id}/retry", document, json={"force": force})


def embed(
    document: str, *, pages: Sequence[int] = (), boxes: Sequence[str] = (), force: bool = False
) -> Call[Accepted]:
    """Make missing and outdated vectors; with `force` also retry failed and rejected images.

    `pages` that were skipped are taken in, and pictures that were seen and not taken, such as 5:1 (`boxes`).
    """
    body = {"force": force, "pages": list(pages), "boxes": list(boxes)}
    return record(Accepted, "POST", "/documents/{document_id}/embed", document, json=body)


def decide_lost_pictures(document: str, boxes: Sequence[str], state: LostState) -> Call[Accepted]:
    """Take in pictures that were seen and not taken, such as 5:1, dismiss them, or put them back."""
    body = {"boxes": list(boxes), "state": state}
    return record(Accepted, "POST", "/documents/{document_id}/lost-pictures", document, json=body)


def cancel(document: str) -> Call[Accepted]:
    """Stop the work on a document. What is searchable stays."""
    return record(Accepted, "POST", "/documents/{document_id}/cancel", document)


def delete(document: str, *, now: bool = False) -> Call[Accepted]:
    """Move a document to the trash for a day; with `now` delete it for good, also from the trash."""
    return record(Accepted, "DELETE", "/documents/{document_id}", document, params={"now": now})


def trash(*, owner: str | None = None) -> Call[Sequence[Trashed]]:
    """Return the documents in the trash, the latest first."""
    return record(ListedTrash, "GET", "/trash", params={"owner": owner}).then(lambda listed: listed.documents)


def restore(document: str) -> Call[Accepted]:
    """Bring a document back from the trash, with all that it had."""
    return record(Accepted, "POST", "/trash/{document_id}/restore", document)


def events(*, owner: str | None = None, ended: bool = False) -> Pages[ObjectEvent]:
    """Yield the events of object stores that wait or are dead, the latest first; with `ended` all."""
    return Pages(model=ListedEvents, field="events", path="/events", params={"owner": owner, "ended": ended})


def retry_event(event: str) -> Call[ObjectEvent]:
    """Have an event of an object store tried again, however often it has failed."""
    return record(ObjectEvent, "POST", "/events/{event_id}/retry", event)


# --- what a document consists of --------------------------------------------------------------------------------------


def deletion(document: str) -> Call[Deletion]:
    """Return what deleting a document would remove."""
    return record(Deletion, "GET", "/documents/{document_id}/deletion", document)


def products(document: str) -> Pages[ProductDetails]:
    """Yield a document's products in order, with their pictures."""
    return _parts(ListedProducts, "products", document)


def product(product: str) -> Call[ProductDetails]:
    """Return a product with its pictures."""
    return record(ProductDetails, "GET", "/products/{product_id}", product)


def edit(document: str, edit: EditRequest) -> Call[Edited]:
    """Edit a document's products: rename, merge, split or hide them, or set their facts.

    `edit`: such as `Rename[str](product=…, name=…)` of `swatchbook.domain.records`.
    """
    return record(
        Edited, "POST", "/documents/{document_id}/products/edits", document, json=edit.model_dump(mode="json")
    )


def edits(document: str) -> Pages[StoredEdit]:
    """Yield the edits of a document's products, also undone ones and those that change nothing any more."""
    return Pages(
        model=ListedEdits, field="edits", path="/documents/{document_id}/products/edits", ids=(document,), params={}
    )


def undo(document: str, edit: int) -> Call[Edited]:
    """Undo an edit, by its number."""
    return record(Edited, "DELETE", "/documents/{document_id}/products/edits/{edit_number}", document, edit)


def entities(document: str) -> Pages[Entity]:
    """Yield a document's specification tables and certificates."""
    return _parts(ListedEntities, "entities", document)


def chunks(document: str) -> Pages[Chunk]:
    """Yield a document's chunks of text in reading order."""
    return _parts(ListedChunks, "chunks", document)


def links(document: str) -> Pages[Link]:
    """Yield a document's links."""
    return _parts(ListedLinks, "links", document)


def images(document: str) -> Pages[DocumentImage]:
    """Yield a document's images in reading order, also hidden and decorative ones."""
    return _parts(ListedImages, "images", document)


def pages(document: str) -> Pages[PageDetails]:
    """Yield a document's pages by number."""
    return _parts(ListedPages, "pages", document)


def diff(before: str, after: str) -> Call[EditionDiff]:
    """Return how the products of two documents differ: added, removed, renamed, and changed in price or size."""
    return record(EditionDiff, "GET", "/documents/{document_id}/diff/{newer_id}", before, after)


# --- teaching ---------------------------------------------------------------------------------------------------------


def texts(document: str, page: int) -> Call[PageTexts]:
    """Return the texts and pictures of a page that can be shown as examples; `is_name`: a name at present."""
    return record(PageTexts, "GET", "/documents/{document_id}/pages/{number}/texts", document, page)


def propose(
    document: str,
    examples: Sequence[Example] = (),
    *,
    start: TaughtReading | None = None,
    side: PictureSide | Literal["as found"] | None = None,
) -> Call[ProposedReadings]:
    """Return what the likeliest reading that agrees with the examples would find and lose, and what others would find;
    nothing changes.

    `start`: the reading that they correct, by default the one in use. `side`: where the picture of a product is,
    seen from its name; by default as `start` has it.
    """
    body: dict[str, Any] = {"examples": [each.model_dump(mode="json") for each in examples]}
    body |= {"start": start.model_dump(mode="json")} if start is not None else {}
    body |= {"side": None if side == "as found" else side} if side is not None else {}
    return record(ProposedReadings, "POST", "/documents/{document_id}/teaching/proposal", document, json=body)


def likeliest_readings(document: str) -> Call[ShownReadings]:
    """Return the readings to choose from: in use, likeliest, and offered from other documents."""
    return record(ShownReadings, "GET", "/documents/{document_id}/teaching/readings", document)


def accept(document: str, reading: TaughtReading) -> Call[KeptReading]:
    """Let a document be read by a taught reading from now on; it is processed again."""
    body = {"reading": reading.model_dump(mode="json")}
    return record(KeptReading, "POST", "/documents/{document_id}/teaching", document, json=body)


def unteach(document: str) -> Call[KeptReading]:
    """Undo the taught reading of a document, and return it; it is processed again."""
    return record(KeptReading, "DELETE", "/documents/{document_id}/teaching", document)


def readings(*, owner: str | None = None) -> Pages[KeptReading]:
    """Yield the taught readings of a collection, the latest first, with those that were undone."""
    return Pages(model=ListedReadings, field="readings", path="/readings", params={"owner": owner})


# --- pictures ---------------------------------------------------------------------------------------------------------


def page(document: str, number: int, *, width: int = 800) -> Call[bytes]:
    """Return a rendered page as PNG, `width` pixels wide."""
    return content("/documents/{document_id}/pages/{number}", document, number, params={"width": width})


def image(image: str) -> Call[ImageDetails]:
    """Return an image with its places and the state of each role."""
    return record(ImageDetails, "GET", "/images/{image_id}", image)


def image_file(image: str) -> Call[bytes]:
    """Return the picture as it was extracted: JPEG or PNG."""
    return content("/images/{image_id}/file", image)


def thumbnail(image: str, *, side: int = 256) -> Call[bytes]:
    """Return the picture as a JPEG with longest side at most `side` pixels."""
    return content("/images/{image_id}/thumbnail", image, params={"side": side})


def embed_image(image: str, *, force: bool = False) -> Call[AcceptedImage]:
    """Make missing and outdated vectors of an image in all documents that show it; `force`: also what was rejected."""
    return record(AcceptedImage, "POST", "/images/{image_id}/embed", image, json={"force": force})


def reviews(*, owner: str | None = None) -> Pages[ReviewImage]:
    """Yield the images whose analysis needs a review."""
    return Pages(model=ListedReviews, field="images", path="/reviews", params={"owner": owner})


def review(image: str, verdict: ReviewChoice, *, reason: str = "") -> Call[ReviewImage]:
    """Accept or reject an image's analysis; to reject it needs a reason."""
    return record(ReviewImage, "POST", "/images/{image_id}/review", image, json={"verdict": verdict, "reason": reason})


def undo_review(image: str) -> Call[ReviewImage]:
    """Take back the review of an image: it has its first analysis again."""
    return record(ReviewImage, "DELETE", "/images/{image_id}/review", image)


# --- search -----------------------------------------------------------------------------------------------------------


def near_duplicates(*, owner: str | None = None, limit: int = 100) -> Call[NearDuplicates]:
    """Return groups of images that show nearly the same picture, the largest groups first."""
    return record(NearDuplicates, "GET", "/near-duplicates", params={"owner": owner, "limit": limit})


# --- the collection and the service -----------------------------------------------------------------------------------


def stats(*, owner: str | None = None) -> Call[Statistics]:
    """Return the images of a collection by state, role, model and kind of failure, and how alike they are."""
    return record(Statistics, "GET", "/stats", params={"owner": owner})


def coverage(*, owner: str | None = None) -> Call[ShownCoverage]:
    """Return the state of an owner's collection: account, failures, models, runs, throughput and costs."""
    return record(ShownCoverage, "GET", "/coverage", params={"owner": owner})


def export(
    document: str | None = None,
    *,
    owner: str | None = None,
    format: str = "csv",
    mapping: str | Path | Mapping[str, Any] | None = None,
    pictures_url: str | None = None,
) -> Call[bytes]:
    """Return the products of a document, or of all of the owner, as a file in a format of `swatchbook export`.

    `mapping` (a YAML file here, or what it holds as a dict) and `pictures_url` are for shops. Raises InvalidReference
    for a file that is no mapping.
    """
    if isinstance(mapping, str | Path):
        from swatchbook.upkeep.export.shop_mapping import read_shop_mapping

        mapping = read_shop_mapping(Path(mapping)).model_dump(mode="json", exclude_unset=True)
    asked = {"document": document, "owner": owner, "format": format, "mapping": mapping, "pictures_url": pictures_url}
    return Call(method="POST", path="/export", json=asked, read=bytes)


def accounts(*, owner: str | None = None) -> Pages[DocumentState]:
    """Yield documents, newest first, each with how many of its images are complete, failed, and so on."""
    return Pages(model=ListedStates, field="documents", path="/coverage/documents", params={"owner": owner})


def retry_kind(kind: str, *, owner: str | None = None) -> Call[Sequence[str]]:
    """Try again now what failed in one way, and return the documents that are queued for it."""
    asked = {"kind": kind, "owner": owner}
    return record(AcceptedDocuments, "POST", "/coverage/retry", json=asked).then(lambda queued: queued.documents)


def live() -> Call[Live]:
    """Return that the process responds."""
    return record(Live, "GET", "/live")


def ready() -> Call[Ready]:
    """Return which of the parts that requests need respond."""
    return record(Ready, "GET", "/ready", answers=_STATES)


def health() -> Call[Health]:
    """Return whether the service works, with what troubles it and counts of the whole collection."""
    return record(Health, "GET", "/health", answers=_STATES)


def metrics() -> Call[str]:
    """Return the figures that Prometheus reads, as its text."""
    return content("/metrics").then(bytes.decode)


def _parts(model: type[Any], field: str, document: str) -> Pages[Any]:
    return Pages(model=model, field=field, path=f"/documents/{{document_id}}/{field}", ids=(document,))


# --- search -----------------------------------------------------------------------------------------------------------


class Hits(list[Hit]):
    """Results of a search, best first. `unmatched`: of a search without results, the filters that nothing matches.

    `total`: how many there are, `next`: the offset of those after these.
    Those that are not `close` come last.
    """

    def __init__(self, found: SearchResults) -> None:
        super().__init__(found.hits)
        self.unmatched: Sequence[Unmatched] = found.unmatched
        self.next: int | None = found.next
        self.total: int | None = found.total


def search(
    text: str | None = None,
    *,
    image: Path | str | bytes | None = None,
    like: Sequence[str] = (),
    unlike: Sequence[str] = (),
    by: ResultKind = "image",
    k: int = 10,
    offset: int = 0,
    weights: Mapping[str, float] | None = None,
    owner: str | Sequence[str] | None = None,
    explain: bool = False,
    **filters: Unpack[FilterArguments],
) -> Call[Hits]:
    """Return the best images, products or chunks for a text, a picture (its path or bytes), or both, best first.

    Without any of them, all that match the filters, newest document first.
    A result matches every filter, and for each filter at least one of its values. `like`, `unlike`: ids of images
    that the results are to be like, or not. `offset`: results before the first; `next` of the results is that of
    the next ones. `weights`: role -> weight, instead of the defaults. `owner`: one, or several.
    """
    asked = _query(text, like, unlike, weights, owner, by, filters) | {"k": k, "offset": offset, "explain": explain}
    if image is None:
        return record(SearchResults, "GET", "/search", params=asked).then(Hits)
    sent = SentFile("image", "image", image if isinstance(image, bytes) else Path(image), "application/octet-stream")
    return record(SearchResults, "POST", "/search", fields=asked, file=sent).then(Hits)


def facets(
    text: str | None = None,
    *,
    like: Sequence[str] = (),
    unlike: Sequence[str] = (),
    by: ResultKind = "image",
    weights: Mapping[str, float] | None = None,
    owner: str | Sequence[str] | None = None,
    **filters: Unpack[FilterArguments],
) -> Call[Facets]:
    """Return the values to filter by, with counts, of the images, products or chunks that match the filters.

    With a text or `like`, of those that such a search finds.
    """
    return record(Facets, "GET", "/facets", params=_query(text, like, unlike, weights, owner, by, filters))


def _query(
    text: str | None,
    like: Sequence[str],
    unlike: Sequence[str],
    weights: Mapping[str, float] | None,
    owner: str | Sequence[str] | None,
    by: ResultKind,
    filters: FilterArguments,
) -> dict[str, Any]:
    """Return the parameters that searches and facets share; several values as a list."""
    listed = None if weights is None else ",".join(f"{role}={weight:f}" for role, weight in weights.items())
    asked: dict[str, Any] = {"text": text, "like": list(like), "not": list(unlike), "weights": listed}
    asked |= {"owner": owner if owner is None or isinstance(owner, str) else list(owner), "by": by}
    return asked | {
        name: value if value is None or isinstance(value, float | str | int) else list(cast(Sequence[Any], value))
        for name, value in filters.items()
    }

"""The Python client of a Swatchbook service: `Client`, with a method for each request.

It sends one request for each call (lists: one for each 200 entries) and returns the records that the service sent.
Every error is a subclass of `ServiceError`, one for each kind of status (`errors.py`). A test compares the methods with
the OpenAPI document.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal, Unpack, cast

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
from swatchbook_client.connection import Connection, SentFile
from swatchbook_client.errors import NoAnswer, ServiceError, Unavailable
from swatchbook_teach.records import KeptReading
from swatchbook_teach.replies import ListedReadings, PageTexts, ProposedReadings, ShownReadings


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


class Client(Connection):
    """The requests of a service; use it in a `with` block, or close it. Threads can share it.

    `owner` is the owner of uploads, lists and searches; without one the key decides. Every method raises ServiceError.
    """

    SETTLED: ClassVar = frozenset(
        {DocumentStatus.COMPLETED, DocumentStatus.FAILED, DocumentStatus.BLOCKED, DocumentStatus.CANCELLED}
    )
    """Statuses in which a document needs nothing, or a person: a wait ends."""

    # --- documents ----------------------------------------------------------------------------------------------------

    def upload(
        self,
        file: Path | str,
        *,
        name: str | None = None,
        owner: str | None = None,
        edition_of: str | None = None,
        options: IngestOptions | None = None,
    ) -> Uploaded:
        """Upload a PDF; it is stored durably when this returns. The same file again is the same document.

        `edition_of`: the document of which it is a newer edition.
        """
        fields = {"owner": owner, "name": name, "edition_of": edition_of}
        fields |= {"options": options.model_dump_json() if options else None}
        path = Path(file)
        sent = SentFile("file", path.name, path, "application/pdf")
        return self._record(Uploaded, "POST", "/documents", fields=fields, file=sent)

    def status(self, document: str) -> ShownDocument:
        """Return a document with its status, progress and report."""
        return self._record(ShownDocument, "GET", "/documents/{document_id}", document)

    def wait(self, document: str, *, timeout: float | None = None, every: float = 2.0) -> ShownDocument:
        """Return the document when its status is one of SETTLED; ask once in `every` seconds.

        A service that is away for a while is waited for. Raises TimeoutError after `timeout` seconds, NotFound when the
        document is deleted meanwhile.
        """
        shown = self.status(document)  # an address that never answers is an error
        outage: ServiceError | None = None
        end = None if timeout is None else time.monotonic() + timeout
        while shown.status not in self.SETTLED:
            if end is not None and time.monotonic() + every > end:
                raise TimeoutError(f"Document {shown.id} is {shown.status} after {timeout:g} s.") from outage
            time.sleep(every)
            try:
                shown, outage = self.status(document), None
            except (NoAnswer, Unavailable) as error:
                outage = error
        return shown

    def documents(
        self, *, owner: str | None = None, status: DocumentStatus | str | None = None, name: str | None = None
    ) -> Iterator[ListedDocument]:
        """Yield documents, newest first; `name`: part of the name."""
        asked = {"owner": owner, "status": status, "name": name}
        return self._each(Listed, "documents", "/documents", params=asked)

    def retry(self, document: str, *, force: bool = False) -> Accepted:
        """Continue what failed, is blocked or was cancelled; with `force` also retry rejected images."""
        return self._record(Accepted, "POST", "/documents/{document_id}/retry", document, json={"force": force})

    def embed(
        self, document: str, *, pages: Sequence[int] = (), boxes: Sequence[str] = (), force: bool = False
    ) -> Accepted:
        """Make missing and outdated vectors; with `force` also retry failed and rejected images.

        `pages` that were skipped are taken in, and pictures that were seen and not taken, such as 5:1 (`boxes`).
        """
        body = {"force": force, "pages": list(pages), "boxes": list(boxes)}
        return self._record(Accepted, "POST", "/documents/{document_id}/embed", document, json=body)

    def decide_lost_pictures(self, document: str, boxes: Sequence[str], state: LostState) -> Accepted:
        """Take in pictures that were seen and not taken, such as 5:1, dismiss them, or put them back."""
        body = {"boxes": list(boxes), "state": state}
        return self._record(Accepted, "POST", "/documents/{document_id}/lost-pictures", document, json=body)

    def cancel(self, document: str) -> Accepted:
        """Stop the work on a document. What is searchable stays."""
        return self._record(Accepted, "POST", "/documents/{document_id}/cancel", document)

    def delete(self, document: str, *, now: bool = False) -> Accepted:
        """Move a document to the trash for a day; with `now` delete it for good, also from the trash."""
        return self._record(Accepted, "DELETE", "/documents/{document_id}", document, params={"now": now})

    def trash(self, *, owner: str | None = None) -> Sequence[Trashed]:
        """Return the documents in the trash, the latest first."""
        return self._record(ListedTrash, "GET", "/trash", params={"owner": owner}).documents

    def restore(self, document: str) -> Accepted:
        """Bring a document back from the trash, with all that it had."""
        return self._record(Accepted, "POST", "/trash/{document_id}/restore", document)

    def events(self, *, owner: str | None = None, ended: bool = False) -> Iterator[ObjectEvent]:
        """Yield the events of object stores that wait or are dead, the latest first; with `ended` all."""
        return self._each(ListedEvents, "events", "/events", params={"owner": owner, "ended": ended})

    def retry_event(self, event: str) -> ObjectEvent:
        """Have an event of an object store tried again, however often it has failed."""
        return self._record(ObjectEvent, "POST", "/events/{event_id}/retry", event)

    # --- what a document consists of ----------------------------------------------------------------------------------

    def deletion(self, document: str) -> Deletion:
        """Return what deleting a document would remove."""
        return self._record(Deletion, "GET", "/documents/{document_id}/deletion", document)

    def products(self, document: str) -> Iterator[ProductDetails]:
        """Yield a document's products in order, with their pictures."""
        return self._each(ListedProducts, "products", "/documents/{document_id}/products", document)

    def product(self, product: str) -> ProductDetails:
        """Return a product with its pictures."""
        return self._record(ProductDetails, "GET", "/products/{product_id}", product)

    def edit(self, document: str, edit: EditRequest) -> Edited:
        """Edit a document's products: rename, merge, split or hide them, or set their facts.

        `edit`: such as `Rename[str](product=…, name=…)` of `swatchbook.domain.records`.
        """
        return self._record(
            Edited, "POST", "/documents/{document_id}/products/edits", document, json=edit.model_dump(mode="json")
        )

    def edits(self, document: str) -> Iterator[StoredEdit]:
        """Yield the edits of a document's products, also undone ones and those that change nothing any more."""
        return self._each(ListedEdits, "edits", "/documents/{document_id}/products/edits", document)

    def undo(self, document: str, edit: int) -> Edited:
        """Undo an edit, by its number."""
        return self._record(Edited, "DELETE", "/documents/{document_id}/products/edits/{edit_number}", document, edit)

    def entities(self, document: str) -> Iterator[Entity]:
        """Yield a document's specification tables and certificates."""
        return self._each(ListedEntities, "entities", "/documents/{document_id}/entities", document)

    def chunks(self, document: str) -> Iterator[Chunk]:
        """Yield a document's chunks of text in reading order."""
        return self._each(ListedChunks, "chunks", "/documents/{document_id}/chunks", document)

    def links(self, document: str) -> Iterator[Link]:
        """Yield a document's links."""
        return self._each(ListedLinks, "links", "/documents/{document_id}/links", document)

    def images(self, document: str) -> Iterator[DocumentImage]:
        """Yield a document's images in reading order, also hidden and decorative ones."""
        return self._each(ListedImages, "images", "/documents/{document_id}/images", document)

    def pages(self, document: str) -> Iterator[PageDetails]:
        """Yield a document's pages by number."""
        return self._each(ListedPages, "pages", "/documents/{document_id}/pages", document)

    def diff(self, before: str, after: str) -> EditionDiff:
        """Return how the products of two documents differ: added, removed, renamed, and changed in price or size."""
        return self._record(EditionDiff, "GET", "/documents/{document_id}/diff/{newer_id}", before, after)

    # --- teaching -----------------------------------------------------------------------------------------------------

    def texts(self, document: str, page: int) -> PageTexts:
        """Return the texts and pictures of a page that can be shown as examples; `is_name`: a name at present."""
        return self._record(PageTexts, "GET", "/documents/{document_id}/pages/{number}/texts", document, page)

    def propose(
        self,
        document: str,
        examples: Sequence[Example] = (),
        *,
        start: TaughtReading | None = None,
        side: PictureSide | Literal["as found"] | None = None,
    ) -> ProposedReadings:
        """Return what the likeliest reading that agrees with the examples would find and lose, and what others
        would find; nothing changes.

        `start`: the reading that they correct, by default the one in use. `side`: where the picture of a product is,
        seen from its name; by default as `start` has it.
        """
        body: dict[str, Any] = {"examples": [each.model_dump(mode="json") for each in examples]}
        body |= {"start": start.model_dump(mode="json")} if start is not None else {}
        body |= {"side": None if side == "as found" else side} if side is not None else {}
        return self._record(ProposedReadings, "POST", "/documents/{document_id}/teaching/proposal", document, json=body)

    def likeliest_readings(self, document: str) -> ShownReadings:
        """Return the readings to choose from: in use, likeliest, and offered from other documents."""
        return self._record(ShownReadings, "GET", "/documents/{document_id}/teaching/readings", document)

    def accept(self, document: str, reading: TaughtReading) -> KeptReading:
        """Let a document be read by a taught reading from now on; it is processed again."""
        body = {"reading": reading.model_dump(mode="json")}
        return self._record(KeptReading, "POST", "/documents/{document_id}/teaching", document, json=body)

    def unteach(self, document: str) -> KeptReading:
        """Undo the taught reading of a document, and return it; it is processed again."""
        return self._record(KeptReading, "DELETE", "/documents/{document_id}/teaching", document)

    def readings(self, *, owner: str | None = None) -> Iterator[KeptReading]:
        """Yield the taught readings of a collection, the latest first, with those that were undone."""
        return self._each(ListedReadings, "readings", "/readings", params={"owner": owner})

    # --- pictures -----------------------------------------------------------------------------------------------------

    def page(self, document: str, number: int, *, width: int = 800) -> bytes:
        """Return a rendered page as PNG, `width` pixels wide."""
        return self._bytes("GET", "/documents/{document_id}/pages/{number}", document, number, params={"width": width})

    def image(self, image: str) -> ImageDetails:
        """Return an image with its places and the state of each role."""
        return self._record(ImageDetails, "GET", "/images/{image_id}", image)

    def image_file(self, image: str) -> bytes:
        """Return the picture as it was extracted: JPEG or PNG."""
        return self._bytes("GET", "/images/{image_id}/file", image)

    def thumbnail(self, image: str, *, side: int = 256) -> bytes:
        """Return the picture as a JPEG with longest side at most `side` pixels."""
        return self._bytes("GET", "/images/{image_id}/thumbnail", image, params={"side": side})

    def embed_image(self, image: str, *, force: bool = False) -> AcceptedImage:
        """Make missing and outdated vectors of an image in all documents that show it.

        `force`: also what was rejected.
        """
        return self._record(AcceptedImage, "POST", "/images/{image_id}/embed", image, json={"force": force})

    def reviews(self, *, owner: str | None = None) -> Iterator[ReviewImage]:
        """Yield the images whose analysis needs a review."""
        return self._each(ListedReviews, "images", "/reviews", params={"owner": owner})

    def review(self, image: str, verdict: ReviewChoice, *, reason: str = "") -> ReviewImage:
        """Accept or reject an image's analysis; to reject it needs a reason."""
        return self._record(
            ReviewImage, "POST", "/images/{image_id}/review", image, json={"verdict": verdict, "reason": reason}
        )

    def undo_review(self, image: str) -> ReviewImage:
        """Take back the review of an image: it has its first analysis again."""
        return self._record(ReviewImage, "DELETE", "/images/{image_id}/review", image)

    # --- search -------------------------------------------------------------------------------------------------------

    def near_duplicates(self, *, owner: str | None = None, limit: int = 100) -> NearDuplicates:
        """Return groups of images that show nearly the same picture, the largest groups first."""
        return self._record(NearDuplicates, "GET", "/near-duplicates", params={"owner": owner, "limit": limit})

    # --- the collection and the service -------------------------------------------------------------------------------

    def stats(self, *, owner: str | None = None) -> Statistics:
        """Return the images of a collection by state, role, model and kind of failure, and how alike they are."""
        return self._record(Statistics, "GET", "/stats", params={"owner": owner})

    def coverage(self, *, owner: str | None = None) -> ShownCoverage:
        """Return the state of an owner's collection: account, failures, models, runs, throughput and costs."""
        return self._record(ShownCoverage, "GET", "/coverage", params={"owner": owner})

    def export(
        self,
        document: str | None = None,
        *,
        owner: str | None = None,
        format: str = "csv",
        mapping: str | Path | Mapping[str, Any] | None = None,
        pictures_url: str | None = None,
    ) -> bytes:
        """Return the products of a document, or of all of the owner, as a file in a format of `swatchbook export`.

        `mapping` (a YAML file here, or what it holds as a dict) and `pictures_url` are for shops. Raises
        InvalidReference for a file that is no mapping.
        """
        if isinstance(mapping, str | Path):
            from swatchbook.upkeep.export.shop_mapping import read_shop_mapping

            mapping = read_shop_mapping(Path(mapping)).model_dump(mode="json", exclude_unset=True)
        asked = {
            "document": document,
            "owner": owner,
            "format": format,
            "mapping": mapping,
            "pictures_url": pictures_url,
        }
        return self._bytes("POST", "/export", json=asked)

    def accounts(self, *, owner: str | None = None) -> Iterator[DocumentState]:
        """Yield documents, newest first, each with how many of its images are complete, failed, and so on."""
        return self._each(ListedStates, "documents", "/coverage/documents", params={"owner": owner})

    def retry_kind(self, kind: str, *, owner: str | None = None) -> Sequence[str]:
        """Try again now what failed in one way, and return the documents that are queued for it."""
        asked = {"kind": kind, "owner": owner}
        return self._record(AcceptedDocuments, "POST", "/coverage/retry", json=asked).documents

    def live(self) -> Live:
        """Return that the process responds."""
        return self._record(Live, "GET", "/live")

    def ready(self) -> Ready:
        """Return which of the parts that requests need respond."""
        return self._record(Ready, "GET", "/ready", answers=(503,))

    def health(self) -> Health:
        """Return whether the service works, with what troubles it and counts of the whole collection."""
        return self._record(Health, "GET", "/health", answers=(503,))

    def metrics(self) -> str:
        """Return the figures that Prometheus reads, as its text."""
        return self._bytes("GET", "/metrics").decode()

    # --- search -------------------------------------------------------------------------------------------------------

    def search(
        self,
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
    ) -> Hits:
        """Return the best images, products or chunks for a text, a picture (its path or bytes), or both, best first.

        Without any of them, all that match the filters, newest document first.
        A result matches every filter, and for each filter at least one of its values. `like`, `unlike`: ids of images
        that the results are to be like, or not. `offset`: results before the first; `next` of the results is that of
        the next ones. `weights`: role -> weight, instead of the defaults. `owner`: one, or several.
        """
        asked = _query(text, like, unlike, weights, owner, by, filters) | {"k": k, "offset": offset, "explain": explain}
        if image is None:
            return Hits(self._record(SearchResults, "GET", "/search", params=asked))
        sent = SentFile(
            "image", "image", image if isinstance(image, bytes) else Path(image), "application/octet-stream"
        )
        return Hits(self._record(SearchResults, "POST", "/search", fields=asked, file=sent))

    def facets(
        self,
        text: str | None = None,
        *,
        like: Sequence[str] = (),
        unlike: Sequence[str] = (),
        by: ResultKind = "image",
        weights: Mapping[str, float] | None = None,
        owner: str | Sequence[str] | None = None,
        **filters: Unpack[FilterArguments],
    ) -> Facets:
        """Return the values to filter by, with counts, of the images, products or chunks that match the filters.

        With a text or `like`, of those that such a search finds.
        """
        return self._record(Facets, "GET", "/facets", params=_query(text, like, unlike, weights, owner, by, filters))


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

"""The Python client of a Swatchbook service, `swatchbook.Client`.

It sends one request for each call (lists: one for each 200 entries) and returns the records that the service sent.
Every error is a subclass of `ServiceError`, one for each kind of status.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Literal, Self, TypeVar, Unpack, cast
from urllib.parse import SplitResult, quote, urlsplit

import httpx
from pydantic import BaseModel, ValidationError

from interface.replies import (
    Accepted,
    AcceptedDocuments,
    InvalidField,
    Listed,
    ListedChunks,
    ListedDocument,
    ListedEdits,
    ListedEntities,
    ListedImages,
    ListedLinks,
    ListedPages,
    ListedProducts,
    ListedReadings,
    ListedReviews,
    ListedTrash,
    PageTexts,
    Problem,
    ProposedReadings,
    ReviewChoice,
    ShownCoverage,
    ShownDocument,
    ShownReadings,
    Uploaded,
)
from swatchbook.errors import reason_of
from swatchbook.index.contract import FilterArguments
from swatchbook.loopback import is_loopback
from swatchbook.records import (
    Chunk,
    Deletion,
    DocumentImage,
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
    KeptReading,
    Link,
    LostState,
    NearDuplicates,
    PageDetails,
    PictureSide,
    ProductDetails,
    ReadingOrigin,
    ResultKind,
    ReviewImage,
    SearchResults,
    Statistics,
    StoredEdit,
    TaughtReading,
    Trashed,
    Unmatched,
)

TIMEOUT_SECONDS = 60.0
"""The longest wait for an answer. A service that has just started loads its models before the first search."""

SETTLED = frozenset({DocumentStatus.COMPLETED, DocumentStatus.FAILED, DocumentStatus.BLOCKED, DocumentStatus.CANCELLED})
"""Statuses in which a document needs nothing, or a person: `wait` ends."""

_PAGE = 200  # entries of a list asked for at once

T = TypeVar("T", bound=BaseModel)


class Hits(list[Hit]):
    """Results of a search, best first. `unmatched`: of a search without results, the filters that nothing matches.

    `total`: how many there are, `next`: the offset of those after these.
    `nearest`: where no result is relevant, the one that has most to do with the question.
    """

    def __init__(self, found: SearchResults) -> None:
        super().__init__(found.hits)
        self.unmatched: Sequence[Unmatched] = found.unmatched
        self.nearest: Hit | None = found.nearest
        self.next: int | None = found.next
        self.total: int | None = found.total


# --- errors -----------------------------------------------------------------------------------------------------------


class ServiceError(Exception):
    """The service refused a request, failed, or did not answer.

    `message` is what happened, `advice` what a person can do; `status` the HTTP status, None without an answer; `kind`
    the kind of the failure as in reports; `errors` the fields at fault; `id` finds the error in the service's log;
    `retry_after` seconds.
    """

    status: int | None = None

    def __init__(self, message: str, problem: Problem | None = None, *, retry_after: float | None = None) -> None:
        self.message = message
        self.advice = problem.advice if problem else None
        super().__init__(f"{message} {self.advice}" if self.advice else message)
        self.status = problem.status if problem else None
        self.kind = problem.kind if problem else None
        self.errors: Sequence[InvalidField] = (problem.errors if problem else None) or ()
        self.id = problem.id if problem else None
        self.retry_after = retry_after


class NoAnswer(ServiceError):
    """Nothing answered at this address, or not a Swatchbook service of this version."""


class Denied(ServiceError):
    """401, 403: no key, an unknown key, or a key that is not for this owner."""


class NotFound(ServiceError):
    """404: it does not exist, or belongs to another owner."""


class Conflict(ServiceError):
    """409: the document is being deleted, or there is nothing to stop."""


class TooLarge(ServiceError):
    """413: the file is over a limit of the service's settings."""


class Invalid(ServiceError):
    """400, 408, 415, 422: a parameter or the file is wrong; `errors` says which parameter and why."""


class Unavailable(ServiceError):
    """429, 503, 507: too many searches wait, ledger, index or file store do not answer, or the disk is full.

    Try again after `retry_after`.
    """


class ServiceFailed(ServiceError):
    """500 and other statuses: an unexpected error, in the service's log under `id`."""


_BY_STATUS: Mapping[int, type[ServiceError]] = {
    **dict.fromkeys((401, 403), Denied),
    **dict.fromkeys((400, 408, 415, 422), Invalid),
    **dict.fromkeys((429, 503, 507), Unavailable),
    404: NotFound,
    409: Conflict,
    413: TooLarge,
}


# --- the client -------------------------------------------------------------------------------------------------------


class InvalidAddress(ValueError):
    """An address or key that the client refuses. The text quotes neither: an address may hold a password."""


class Client:
    """A connection to a service, for one thread at a time; use it in a `with` block, or close it.

    `owner` is the owner of uploads, lists and searches; without one the key decides. Every method raises ServiceError.
    """

    SETTLED: ClassVar[frozenset[DocumentStatus]] = SETTLED

    def __init__(
        self, url: str, *, key: str | None = None, owner: str | None = None, timeout: float = TIMEOUT_SECONDS
    ) -> None:
        """Raise InvalidAddress for an address that is not http or https, or a key that would travel without TLS.

        Redirects are not followed: the key is for this address.
        """
        self.url, self.owner = url.rstrip("/"), owner
        address = _parse_address(self.url)
        if key and address.scheme == "http" and not is_loopback(address.hostname or ""):
            raise InvalidAddress(f"The key would be sent to {address.hostname} without encryption: use https.")
        if key and not (key.isascii() and key.isprintable()):
            raise InvalidAddress("The key contains characters that are invalid in a key.")
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._http = httpx.Client(base_url=self.url, headers=headers, timeout=timeout)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    # documents

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
        fields = {"owner": owner or self.owner, "name": name, "edition_of": edition_of}
        fields |= {"options": options.model_dump_json() if options else None}
        data = {field: value for field, value in fields.items() if value is not None}
        with Path(file).open("rb") as stream:
            files = {"file": (Path(file).name, stream, "application/pdf")}
            return self._read(Uploaded, "POST", "/documents", data=data, files=files)

    def status(self, document: str) -> ShownDocument:
        """Return a document with its status, progress and report."""
        return self._read(ShownDocument, "GET", f"/documents/{_part(document)}")

    def wait(self, document: str, *, timeout: float | None = None, every: float = 2.0) -> ShownDocument:
        """Return the document when its status is one of SETTLED; ask once in `every` seconds.

        A service that is away for a while is waited for. Raises TimeoutError after `timeout` seconds, NotFound when the
        document is deleted meanwhile.
        """
        end = None if timeout is None else time.monotonic() + timeout
        last: ServiceError | None = None
        shown = self.status(document)  # an address that never answers is an error
        while shown.status not in SETTLED:
            if end is not None and time.monotonic() + every > end:
                raise TimeoutError(f"Document {document} is {shown.status} after {timeout:g} s.") from last
            time.sleep(every)
            try:
                shown, last = self.status(document), None
            except (NoAnswer, Unavailable) as error:
                last = error
        return shown

    def documents(
        self, *, owner: str | None = None, status: DocumentStatus | str | None = None, name: str | None = None
    ) -> Iterator[ListedDocument]:
        """Yield documents, newest first; `name`: part of the name."""
        asked = {"owner": owner or self.owner, "status": status, "name": name}
        return self._each(Listed, "/documents", "documents", asked)

    def retry(self, document: str, *, force: bool = False) -> Accepted:
        """Continue what failed, is blocked or was cancelled; with `force` also retry rejected images."""
        return self._read(Accepted, "POST", f"/documents/{_part(document)}/retry", json={"force": force})

    def embed(
        self, document: str, *, pages: Sequence[int] = (), boxes: Sequence[str] = (), force: bool = False
    ) -> Accepted:
        """Make missing and outdated vectors; with `force` also retry failed and rejected images.

        `pages` that were skipped are taken in, and pictures that were seen and not taken, such as 5:1 (`boxes`).
        """
        body = {"force": force, "pages": list(pages), "boxes": list(boxes)}
        return self._read(Accepted, "POST", f"/documents/{_part(document)}/embed", json=body)

    def decide_lost_pictures(self, document: str, boxes: Sequence[str], state: LostState) -> Accepted:
        """Take in pictures that were seen and not taken, such as 5:1, dismiss them, or put them back."""
        body = {"boxes": list(boxes), "state": state}
        return self._read(Accepted, "POST", f"/documents/{_part(document)}/lost-pictures", json=body)

    def cancel(self, document: str) -> Accepted:
        """Stop the work on a document. What is searchable stays."""
        return self._read(Accepted, "POST", f"/documents/{_part(document)}/cancel")

    def delete(self, document: str, *, now: bool = False) -> Accepted:
        """Move a document to the trash for a day; with `now` delete it for good, also from the trash."""
        return self._read(Accepted, "DELETE", f"/documents/{_part(document)}", params={"now": now})

    def trash(self, *, owner: str | None = None) -> Sequence[Trashed]:
        """Return the documents in the trash, the latest first."""
        return self._read(ListedTrash, "GET", "/trash", params=_given({"owner": owner or self.owner})).documents

    def restore(self, document: str) -> Accepted:
        """Bring a document back from the trash, with all that it had."""
        return self._read(Accepted, "POST", f"/trash/{_part(document)}/restore")

    # what a document consists of

    def deletion(self, document: str) -> Deletion:
        """Return what deleting a document would remove."""
        return self._read(Deletion, "GET", f"/documents/{_part(document)}/deletion")

    def products(self, document: str) -> Iterator[ProductDetails]:
        """Yield a document's products in order, with their pictures."""
        return self._each(ListedProducts, f"/documents/{_part(document)}/products", "products")

    def product(self, product: str) -> ProductDetails:
        """Return a product with its pictures."""
        return self._read(ProductDetails, "GET", f"/products/{_part(product)}")

    def edit(self, document: str, edit: EditRequest) -> Edited:
        """Edit a document's products: rename, merge, split, add or reject them, or assign a picture to them.

        `edit`: such as `Rename[str](product=…, name=…)` of `swatchbook.records`.
        """
        body = edit.model_dump(mode="json")
        return self._read(Edited, "POST", f"/documents/{_part(document)}/products/edits", json=body)

    def edits(self, document: str) -> Sequence[StoredEdit]:
        """Return the edits of a document's products, also undone ones and those that change nothing any more."""
        return tuple(self._each(ListedEdits, f"/documents/{_part(document)}/products/edits", "edits"))

    def undo(self, document: str, edit: int) -> Edited:
        """Undo an edit, by its number."""
        return self._read(Edited, "DELETE", f"/documents/{_part(document)}/products/edits/{edit}")

    def entities(self, document: str) -> Iterator[Entity]:
        """Yield a document's specification tables and certificates."""
        return self._each(ListedEntities, f"/documents/{_part(document)}/entities", "entities")

    def chunks(self, document: str) -> Iterator[Chunk]:
        """Yield a document's chunks of text in reading order."""
        return self._each(ListedChunks, f"/documents/{_part(document)}/chunks", "chunks")

    def links(self, document: str) -> Iterator[Link]:
        """Yield a document's links."""
        return self._each(ListedLinks, f"/documents/{_part(document)}/links", "links")

    def images(self, document: str) -> Iterator[DocumentImage]:
        """Yield a document's images in reading order, also hidden and decorative ones."""
        return self._each(ListedImages, f"/documents/{_part(document)}/images", "images")

    def pages(self, document: str) -> Iterator[PageDetails]:
        """Yield a document's pages by number."""
        return self._each(ListedPages, f"/documents/{_part(document)}/pages", "pages")

    # teaching

    def texts(self, document: str, page: int) -> PageTexts:
        """Return the texts and pictures of a page that can be shown as examples; `is_name`: a name at present."""
        return self._read(PageTexts, "GET", f"/documents/{_part(document)}/pages/{page}/texts")

    def propose(
        self,
        document: str,
        examples: Sequence[Example] = (),
        *,
        start: TaughtReading | None = None,
        side: PictureSide | Literal["as found"] | None = None,
    ) -> ProposedReadings:
        """Return what the likeliest reading that agrees with the examples would find and lose, and what others would
        find; nothing changes.

        `start`: the reading that they correct, by default the one in use. `side`: where the picture of a product is,
        seen from its name; by default as `start` has it.
        """
        body: dict[str, Any] = {"examples": [each.model_dump(mode="json") for each in examples]}
        body |= {"start": start.model_dump(mode="json")} if start is not None else {}
        body |= {"side": None if side == "as found" else side} if side is not None else {}
        return self._read(ProposedReadings, "POST", f"/documents/{_part(document)}/teaching/proposal", json=body)

    def likeliest_readings(self, document: str) -> ShownReadings:
        """Return the readings to choose from: in use, likeliest, and offered from other documents."""
        return self._read(ShownReadings, "GET", f"/documents/{_part(document)}/teaching/readings")

    def accept(
        self,
        document: str,
        reading: TaughtReading,
        *,
        origin: ReadingOrigin = ReadingOrigin.SHOWN,
        taken_from: str | None = None,
        products: int | None = None,
    ) -> KeptReading:
        """Let a document be read by a taught reading from now on; it is processed again.

        `taken_from`: the document that an offered reading was taught on. `products`: how many it proposed.
        """
        body = {"reading": reading.model_dump(mode="json"), "origin": origin}
        body |= _given({"taken_from": taken_from, "products": products})
        return self._read(KeptReading, "POST", f"/documents/{_part(document)}/teaching", json=body)

    def unteach(self, document: str) -> KeptReading:
        """Undo the taught reading of a document, and return it; it is processed again."""
        return self._read(KeptReading, "DELETE", f"/documents/{_part(document)}/teaching")

    def readings(self, *, owner: str | None = None) -> Iterator[KeptReading]:
        """Yield the taught readings of a collection, the latest first, with those that were undone."""
        return self._each(ListedReadings, "/readings", "readings", {"owner": owner or self.owner})

    # pictures

    def page(self, document: str, number: int, *, width: int = 800) -> bytes:
        """Return a rendered page as PNG, `width` pixels wide."""
        return self._send("GET", f"/documents/{_part(document)}/pages/{number}", params={"width": width}).content

    def image(self, image: str) -> ImageDetails:
        """Return an image with its places and the state of each role."""
        return self._read(ImageDetails, "GET", f"/images/{_part(image)}")

    def image_file(self, image: str) -> bytes:
        """Return the picture as it was extracted: JPEG or PNG."""
        return self._send("GET", f"/images/{_part(image)}/file").content

    def thumbnail(self, image: str, *, side: int = 256) -> bytes:
        """Return the picture as a JPEG with longest side at most `side` pixels."""
        return self._send("GET", f"/images/{_part(image)}/thumbnail", params={"side": side}).content

    def reviews(self, *, owner: str | None = None) -> Iterator[ReviewImage]:
        """Yield the images whose analysis needs a review, with the reviews that it has had."""
        return self._each(ListedReviews, "/reviews", "images", {"owner": owner or self.owner})

    def review(
        self,
        image: str,
        verdict: ReviewChoice,
        *,
        fields: Mapping[str, str] | None = None,
        text: str | None = None,
        reason: str = "",
    ) -> ReviewImage:
        """Accept, correct or reject an image's analysis. `fields` and `text` are what `correct` changes."""
        decision = {"verdict": verdict, "fields": dict(fields or {}), "text": text, "reason": reason}
        return self._read(ReviewImage, "POST", f"/images/{_part(image)}/reviews", json=decision)

    # search

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
        listed = None if weights is None else ",".join(f"{role}={weight:f}" for role, weight in weights.items())
        asked = self._asked(owner, by, filters) | _given({"text": text, "k": k, "offset": offset, "explain": explain})
        asked |= _given({"weights": listed}) | {"like": list(like), "not": list(unlike)}
        if image is None:
            return Hits(self._read(SearchResults, "GET", "/search", params=asked))
        data = image if isinstance(image, bytes) else Path(image).read_bytes()
        fields = {name: _as_text(value) for name, value in asked.items()}
        return Hits(self._read(SearchResults, "POST", "/search", data=fields, files={"image": ("image", data)}))

    def facets(
        self,
        text: str | None = None,
        *,
        by: ResultKind = "image",
        owner: str | Sequence[str] | None = None,
        **filters: Unpack[FilterArguments],
    ) -> Facets:
        """Return the values to filter by, with counts, of the images, products or chunks that match the filters.

        With a text, of those that a search for it finds.
        """
        return self._read(Facets, "GET", "/facets", params=self._asked(owner, by, filters) | _given({"text": text}))

    def stats(self, *, owner: str | None = None) -> Statistics:
        """Return the images of a collection by state, role, model and kind of failure, and how alike they are."""
        return self._read(Statistics, "GET", "/stats", params=_given({"owner": owner or self.owner}))

    def coverage(self, *, owner: str | None = None) -> ShownCoverage:
        """Return the state of an owner's collection: account, failures, models, runs, throughput and costs."""
        return self._read(ShownCoverage, "GET", "/coverage", params=_given({"owner": owner or self.owner}))

    def retry_kind(self, kind: str, *, owner: str | None = None) -> Sequence[str]:
        """Try again now what failed in one way, and return the documents that are queued for it."""
        asked = {"kind": kind, "owner": owner or self.owner}
        return self._read(AcceptedDocuments, "POST", "/coverage/retry", json=asked).documents

    def near_duplicates(self, *, owner: str | None = None, limit: int = 100) -> NearDuplicates:
        """Return groups of images that show nearly the same picture, the largest groups first."""
        asked = _given({"owner": owner or self.owner, "limit": limit})
        return self._read(NearDuplicates, "GET", "/near-duplicates", params=asked)

    def diff(self, before: str, after: str) -> EditionDiff:
        """Return how the products of two documents differ: added, removed, renamed, and changed in price or size."""
        return self._read(EditionDiff, "GET", f"/documents/{_part(before)}/diff/{_part(after)}")

    # requests

    def _asked(self, owner: str | Sequence[str] | None, by: ResultKind, filters: FilterArguments) -> dict[str, Any]:
        """Return the parameters that searches and facets share; several values of a filter as a list."""
        return _given({"owner": owner or self.owner, "by": by}) | {
            name: value if isinstance(value, float | str | int) else list(cast(Sequence[Any], value))
            for name, value in filters.items()
            if value is not None
        }

    def _each(
        self, model: type[BaseModel], path: str, field: str, asked: Mapping[str, Any] | None = None
    ) -> Iterator[Any]:
        params = _given(asked or {}) | {"limit": _PAGE}
        while True:
            page = self._read(model, "GET", path, params=params)
            yield from getattr(page, field)
            if (cursor := getattr(page, "next")) is None:  # noqa: B009 — of any model of a list
                return
            params["cursor"] = cursor

    def _read(self, model: type[T], method: str, path: str, **request: Any) -> T:
        response = self._send(method, path, **request)
        try:
            return model.model_validate_json(response.content, extra="ignore")  # a newer service may say more
        except ValidationError as error:
            raise NoAnswer(f"The server at {self.url} is not a Swatchbook service of this version.") from error

    def _send(self, method: str, path: str, **request: Any) -> httpx.Response:
        try:
            response = self._http.request(method, path, **request)
        except httpx.HTTPError as error:
            began = not isinstance(error, httpx.TimeoutException | httpx.ConnectError)
            reason = "the connection was closed" if began else reason_of(error)
            raise NoAnswer(f"No answer from {self.url}: {reason}.") from error
        if response.is_success:
            return response
        try:
            problem = Problem.model_validate_json(response.content)
        except ValidationError:
            raise NoAnswer(
                f"The server at {self.url} is not a Swatchbook service: it answered {response.status_code}."
            ) from None
        after = response.headers.get("Retry-After", "")
        kind = _BY_STATUS.get(response.status_code, ServiceFailed)
        seconds = float(after) if after.isdecimal() else None
        raise kind(problem.detail or problem.title, problem, retry_after=seconds)


def _parse_address(url: str) -> SplitResult:
    """Return the address of a service. Raises InvalidAddress, which does not quote it: it may hold a password."""
    with suppress(ValueError, httpx.InvalidURL):
        httpx.URL(url)
        parts = urlsplit(url)
        others = "@" in parts.netloc or parts.query or parts.fragment or parts.port == 0  # a port over 65535 raises
        if parts.scheme in ("http", "https") and parts.hostname and not others:
            return parts
    raise InvalidAddress("The address of the service is not one such as https://swatchbook.example.com.")


def _part(text: str) -> str:
    """Return an id as one part of a path, whatever it contains."""
    return quote(text, safe="")


def _given(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values that are not None."""
    return {name: value for name, value in values.items() if value is not None}


def _as_text(value: Any) -> Any:
    """Return a value of a form's field: truth values in lower case, and lists, as texts."""
    if isinstance(value, list):
        return [str(each) for each in value]
    return str(value).lower() if isinstance(value, bool) else str(value)

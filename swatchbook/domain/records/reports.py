"""The results of all stages of a run, and the records that people are shown: failures, costs, reports, search hits."""

from collections.abc import Iterable
from typing import Literal, Self

from pydantic import Field

from swatchbook.domain.records.documents import DocumentStatus, Stage
from swatchbook.domain.records.sources import ItemCounts
from swatchbook_base.records.editions import EditionReport
from swatchbook_base.records.images import Extraction
from swatchbook_base.records.pages import (
    Chunks,
    FailedPage,
    LostPicture,
    Plan,
    Reading,
    SkippedPage,
    Tables,
    Unassigned,
)
from swatchbook_base.records.products import Description, Discovery
from swatchbook_base.records.record import Record


class StageResults(Record):
    """The results of the stages read, discover, describe, plan, chunk and extract for one run."""

    reading: Reading
    discovery: Discovery
    tables: Tables
    descriptions: tuple[Description, ...]
    plan: Plan
    chunks: Chunks
    extraction: Extraction

    @property
    def warnings(self) -> tuple[str, ...]:
        """Return the warnings of the stages that read the file."""
        return (*self.reading.warnings, *self.tables.warnings, *self.extraction.warnings)

    @property
    def failed_pages(self) -> tuple[FailedPage, ...]:
        """Return the pages that a stage could not process, or only in part, in the order of the stages."""
        described = (page for description in self.descriptions for page in description.lost)
        return (*self.reading.lost, *self.discovery.lost, *described, *self.tables.lost, *self.extraction.lost)


class FailureRecord(Record):
    """One failure: what failed and why, how often it was tried, and when it is tried next."""

    image_id: str | None = None
    index: int | None = None  # position of the image in the document, in reading order, from 0
    path: str | None = None
    item: str | None = None  # the first of a batch that shows the image, if its path does not say so
    page_number: int | None = None
    role: str | None = None
    kind: str
    error: str
    attempts: int = 0
    next_retry_at: float | None = None  # Unix seconds
    subject: str = "image"  # image, item, chunk, page, product, index

    @property
    def place(self) -> str | None:
        """Return the picture's path, after the item that shows it; None for what is on a page."""
        return f"{self.item}: {self.path}" if self.item else self.path


class Spent(Record):
    """Calls and costs of one stage of a document for one model of a provider."""

    stage: str | None
    provider: str
    model: str | None
    calls: int
    failed: int
    unknown: int  # calls that may have been charged: no reply came, or the run died
    unpriced: int  # calls that were answered, of a model whose price is not known
    truncated: int  # answers that were cut at the token limit
    tokens_in: int
    tokens_out: int
    cost_usd: float  # sum of the calls with a known cost
    at_most_usd: float  # the same, plus the most that `unknown` calls may have cost


def cost_of(spent: Iterable[Spent], *, digits: int = 4) -> str:
    """Return what calls have cost, in US dollars: "unknown" where the price of none is known.

    A cost of which a part is not known is never shown as if it were all, nor as 0.
    """
    spent = list(spent)
    known = sum(each.cost_usd for each in spent)
    if not any(each.unpriced for each in spent):
        return f"${known:.{digits}f}"
    return f"${known:.{digits}f} + unknown" if known else "unknown"


class LookAt(Record):
    """A product that a person should look at, or a page that looks like products and has none; the reasons in words."""

    page: int
    product: str | None = None  # its id
    name: str | None = None
    reasons: tuple[str, ...]


class RunReport(Record):
    """The account of one run. Always: images_found = complete + partial + failed + rejected + pending."""

    document_id: str
    name: str
    owner: str
    run: str | None
    generation: str | None
    status: DocumentStatus
    stage: Stage
    message: str | None = None
    products_discovered: int = 0
    chunks_created: int = 0
    images_found: int = 0
    images_complete: int = 0
    images_partial: int = 0
    images_failed: int = 0
    images_rejected: int = 0
    images_pending: int = 0
    images_to_review: int = 0  # images of any state whose analysis needs a review
    placements_hidden: int = 0
    placements_decorative: int = 0
    pages_skipped: int = 0
    pictures_skipped: int = 0  # that are seen on skipped pages; `skipped` lists them
    skipped: tuple[SkippedPage, ...] = ()
    lost_pictures: tuple[LostPicture, ...] = ()  # parts of other pages that look like pictures and have no placement
    unassigned: tuple[Unassigned, ...] = ()  # short texts and pictures that belong to none of their page's products
    look_at: tuple[LookAt, ...] = ()  # products and pages that a person should look at
    failed_images: tuple[FailureRecord, ...] = ()
    other_failures: tuple[FailureRecord, ...] = ()
    confidence_score: float | None = None  # how complete it is, 0 to 1 (ingest/finish_run.py); not how right: `sure`
    sure: float | None = None  # probability that the products as found are good, or that there are none (`Discovery`)
    cost_usd: float | None = 0.0  # None: the price of a call is not known; `spent` has what is
    spent: tuple[Spent, ...] = ()
    total_seconds: float = 0.0  # that a person waited: from the request to the end of the run
    seconds: dict[str, float] = Field(default_factory=dict)  # by stage; stages overlap, and runs wait before them
    peak_memory_mb: float | None = None
    doubts: tuple[str, ...] = ()  # what a person should look at before the result is used
    warnings: tuple[str, ...] = ()
    items: ItemCounts | None = None  # of a folder, in the run
    edition: EditionReport | None = None  # how it differs from the document that it is an edition of
    blocks: dict[str, str] = Field(default_factory=dict)  # part -> the saved block used instead of the settings


ResultKind = Literal["image", "product", "chunk"]
"""The kinds of search results."""


class Hit(Record):
    """One result, read from the ledger.

    `why`: role -> rank, the model's score, and its share of `score`, which is 0 where nothing was searched for.
    """

    kind: ResultKind
    id: str
    score: float  # 0–1; 1: best in every role that was searched
    title: str
    document_id: str
    document: str
    owner: str
    pages: tuple[int, ...] = ()
    labels: dict[int, str] = Field(default_factory=dict)  # page -> the number that people read on it, if another one
    file: str | None = None
    product: str | None = None
    product_id: str | None = None
    code: str | None = None  # code of the variant that the caption names, else of the product
    price: str | None = None  # as printed, of the same
    text: str | None = None
    images: tuple[str, ...] = ()  # ids of a product's pictures, best link first
    why: dict[str, dict[str, float]] = Field(default_factory=dict)
    alike: tuple[str, ...] = ()  # ids of images found too that show nearly the same picture; they are no own results
    relevance: float | None = None  # 0–1: the probability that it answers the text; None: searched by a picture
    missing: tuple[str, ...] = ()  # words of the text that nothing of it says: it matches in part
    close: bool = True  # False: probably no answer, but listed because few or no results are close


class NearDuplicates(Record):
    """Groups of images that show nearly the same picture, the largest first; `more`: how many groups are not listed."""

    groups: tuple[tuple[Hit, ...], ...]
    more: int = 0


class FacetValue(Record):
    """A value to filter by, and how many images, products or chunks have it. `name`: of a document (value: its id)."""

    value: str
    count: int
    name: str | None = None


class Facet(Record):
    """The values of a field, the most frequent first; `more`: how many others are not listed."""

    values: tuple[FacetValue, ...]
    more: int = 0


class PriceRange(Record):
    """The lowest and highest price, how many images, products or chunks have one, and the currencies they are in."""

    lowest: float
    highest: float
    count: int
    currencies: tuple[str, ...] = ()


class Facets(Record):
    """The values of each field to filter by, among the images, products or chunks that satisfy the filters."""

    by: ResultKind
    total: int
    fields: dict[str, Facet]
    price: PriceRange | None = None


class Unmatched(Record):
    """A filter that nothing matches: the field, the values that were asked for, and the nearest that there are."""

    field: str
    asked: tuple[str, ...]
    nearest: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """The filter and the nearest values, for people."""
        many = (f"{self.field}={each}" for each in self.asked)
        asked = f"price {' and '.join(self.asked)}" if self.field == "price" else " or ".join(many)
        return f"Nothing has {asked}. " + (f"Nearest: {' · '.join(self.nearest)}." if self.nearest else "")


class SearchResults(Record):
    """Results, best first, or newest first where nothing was searched for. `unmatched`: if none, the filters at fault.

    `total`: how many results there are, for a search among the candidates of all roles; None in very large collections.

    Those that are close to the text (SWATCHBOOK_RELEVANCE_FLOOR) come first. Where they are few, the next nearest
    follow, with `close` false. `next`: the offset at which there are more.

    The picture of an image is at `/images/{id}/file`; a product names its `images`.
    """

    hits: tuple[Hit, ...]
    unmatched: tuple[Unmatched, ...] = ()
    next: int | None = None
    total: int | None = None

    def without_reasons(self) -> Self:
        """Return the same without `why`."""
        hits = tuple(hit.model_copy(update={"why": {}}) for hit in self.hits)
        return self.model_copy(update={"hits": hits})

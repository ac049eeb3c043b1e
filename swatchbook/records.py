"""The nouns of Swatchbook: small frozen types and their identities, nothing else.

Coordinates are points (1/72 inch), origin top left of the page *as shown* (after /Rotate); pages count from 1.
Every identity is a UUID5 or a SHA-256 of what it names, so the same input gives the same rows on every machine.
"""

import hashlib
import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID, uuid5

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

NAMESPACE = UUID("6f0d3f0e-7f6b-5c1d-9d53-5a7c5b6d1e21")
"""The root of every UUID5 here. Changing it renames the world."""

Box = tuple[float, float, float, float]
"""x0, y0, x1, y1."""

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Owner = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.@-]{0,63}$")]
"""Whose collection it is; no query crosses owners unless asked for all."""


class Record(BaseModel):
    """Base of all records: immutable, and unknown fields are an error rather than a loss."""

    model_config = ConfigDict(frozen=True, extra="forbid")


# --- identities -------------------------------------------------------------------------------------------------------


def identity(*parts: object) -> str:
    """UUID5 of the parts, in order. A NUL between parts keeps ("ab", "c") apart from ("a", "bc")."""
    return str(uuid5(NAMESPACE, "\0".join(str(p) for p in parts)))


def sha256(data: bytes) -> Sha256:
    """Hex digest of bytes: the key of passed-through pictures and of files."""
    return hashlib.sha256(data).hexdigest()


def text_key(text: str) -> Sha256:
    """Key of a text: SHA-256 of its UTF-8 bytes."""
    return sha256(text.encode())


def pair_key(content: str, text: str) -> Sha256:
    """Key of a picture together with what is said of it, by their own keys: SHA-256 of both."""
    return sha256(f"{content}:{text}".encode())


def pixel_key(width: int, height: int, mode: str, pixels: bytes) -> Sha256:
    """Content key of a picture that had to be converted: of its raw pixels, whatever the encoder."""
    return sha256(f"{width}x{height}:{mode}:".encode() + pixels)


def document_id(owner: str, content: str) -> str:
    """`content` is the SHA-256 of the bytes, or a folder's or batch's absolute name."""
    return identity("document", owner, content)


def image_id(owner: str, content_key: str) -> str:
    """A picture by content, of one owner."""
    return identity("image", owner, content_key)


def placement_id(document: str, page: int, kind: str, origin: int | str, bbox: Box, ordinal: int = 0) -> str:
    """`origin` is the xref or path; `ordinal` tells apart those that agree in all else."""
    return identity("placement", document, page, kind, origin, *(round(v) for v in bbox), ordinal)


def product_id(document: str, category: str | None, name: str, ordinal: int = 0) -> str:
    """Names are compared normalised (`fold`), so a change of case or spacing is not a new product."""
    return identity("product", document, fold(category or ""), fold(name), ordinal)


def chunk_id(document: str, key: str, ordinal: int = 0) -> str:
    """`ordinal` counts chunks of the same text in one document."""
    return identity("chunk", document, key, ordinal)


def entity_id(document: str, kind: str, page: int, ordinal: int = 0) -> str:
    """A certificate, logo or specification table."""
    return identity("entity", document, kind, page, ordinal)


def fold(text: str) -> str:
    """Letters and digits only, NFKC and case folded: how names are compared."""
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", text).casefold())


def slug(tag: str) -> str:
    """A tag as part of a table or collection name: ASCII letters, digits, `_`, and a short hash against collisions."""
    return re.sub(r"[^A-Za-z0-9]+", "_", tag).strip("_")[:60] + "_" + sha256(tag.encode())[:8]


# --- what is made -----------------------------------------------------------------------------------------------------


class Role(StrEnum):
    """What is made of a picture or a text."""

    ANALYSIS = "analysis"
    VISUAL = "visual"
    STRUCTURE = "structure"
    COLOR = "color"
    TEXTURE = "texture"
    MATERIAL = "material"
    APPLICATION = "application"
    MULTIMODAL = "multimodal"
    UNDERSTANDING = "understanding"
    TEXT = "text"


PIXEL_ROLES = frozenset({Role.VISUAL, Role.STRUCTURE, Role.COLOR, Role.TEXTURE, Role.MATERIAL, Role.APPLICATION})
"""Roles whose vector comes from pixels alone; their items are keyed by content key."""

SAID_ROLES = frozenset({Role.UNDERSTANDING, Role.MULTIMODAL})
"""Roles made of what is said of a picture; their items are there only when something is."""


class Want(Record):
    """A (role, tag) that a document asks for. A tag is `name@revision/recipe`: who makes it."""

    role: Role
    tag: str


class ItemState(StrEnum):
    PENDING = "pending"
    LEASED = "leased"
    DONE = "done"
    FAILED = "failed"
    REJECTED = "rejected"


class ImageState(StrEnum):
    PENDING = "pending"
    COMPLETE = "complete"
    PARTIAL = "partial"
    FAILED = "failed"
    REJECTED = "rejected"


class Stage(StrEnum):
    """How far a document is; what a person sees as progress."""

    REGISTERED = "REGISTERED"
    READ = "PAGES_READ"
    DISCOVERED = "PRODUCTS_DETECTED"
    PLANNED = "PAGES_PLANNED"
    CHUNKED = "CHUNKS_CREATED"
    EXTRACTED = "IMAGES_EXTRACTED"
    EMBEDDED = "IMAGES_EMBEDDED"
    ASSEMBLED = "PRODUCTS_CREATED"
    COMPLETED = "COMPLETED"


PROGRESS: Mapping[Stage, tuple[int, int]] = {
    Stage.REGISTERED: (0, 0),
    Stage.READ: (0, 5),
    Stage.DISCOVERED: (5, 15),
    Stage.PLANNED: (15, 20),
    Stage.CHUNKED: (20, 35),
    Stage.EXTRACTED: (35, 50),
    Stage.EMBEDDED: (50, 75),
    Stage.ASSEMBLED: (75, 90),
    Stage.COMPLETED: (90, 100),
}
"""The share of the whole, in percent, at the start and end of the work that leads to each stage."""


class DocumentStatus(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    WAITING = "waiting"
    BLOCKED = "blocked"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    DELETING = "deleting"


class IngestOptions(BaseModel):
    """What a person may choose for one document. The UI's form is made from this model."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    roles: frozenset[Role] | None = Field(
        default=None,
        title="Vectors",
        description="Which vectors to make; empty means all that the chosen models make. (stage 6)",
    )
    focus: bool = Field(
        default=True,
        title="Only product pages",
        description="Skip pages that show no product and no entity. (stage 3)",
    )
    batch_size: int = Field(
        default=20, ge=1, le=256, title="Batch size", description="Images made and committed together. (stage 6)"
    )
    max_retries: int = Field(
        default=3, ge=0, le=10, title="Retries", description="Retries of passing failures within a run. (stage 6)"
    )
    execution: Literal["inline", "pool"] | None = Field(
        default=None,
        title="Execution",
        description="In the run's own process, or in shards on the pool; empty means as the settings say. (stage 6)",
    )
    max_usd: float | None = Field(
        default=None,
        gt=0,
        le=100_000,
        title="Budget, US dollars",
        description="The most that providers may be paid for it; empty means no limit. (stages 2 and 6)",
    )
    force: bool = Field(
        default=False,
        title="Force",
        description="Once: queue failed and rejected images anew, redo stages 1–5.",
    )


BlockName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{0,64}$")]


class BlockNames(Record):
    """Which saved Prefect blocks a run uses. Where a name is empty, the settings say the same."""

    ledger: BlockName = Field(default="", title="Ledger", description="A saved Swatchbook Ledger block.")
    files: BlockName = Field(default="", title="Files", description="A saved Swatchbook Files block.")
    index: BlockName = Field(default="", title="Index", description="A saved Swatchbook Index block.")
    encoder: BlockName = Field(default="", title="Encoder", description="A saved Swatchbook Encoder block.")
    text_embedder: BlockName = Field(
        default="", title="Text embedder", description="A saved Swatchbook Text Embedder block."
    )
    vision_model: BlockName = Field(
        default="", title="Vision model", description="A saved Swatchbook Vision Model block."
    )
    language_model: BlockName = Field(
        default="", title="Language model", description="A saved Swatchbook Language Model block."
    )

    @property
    def given(self) -> dict[str, str]:
        """part -> the name of its saved block, where there is one."""
        return {part: name for part, name in self if name}


# --- a page as read (stage 1) -----------------------------------------------------------------------------------------


class Span(Record):
    """A run of text in one style."""

    text: str
    bbox: Box
    size: float  # points
    font: str
    bold: bool
    italic: bool
    color: int  # sRGB, 0xRRGGBB


class Line(Record):
    bbox: Box
    spans: tuple[Span, ...]

    @property
    def text(self) -> str:
        return "".join(s.text for s in self.spans).strip()

    @property
    def size(self) -> float:
        """Print size in points of the line's longest span."""
        return max(self.spans, key=lambda s: len(s.text)).size if self.spans else 0.0

    @property
    def bold(self) -> bool:
        return bool(self.spans) and max(self.spans, key=lambda s: len(s.text)).bold


class Block(Record):
    """Lines that the PDF's text engine takes for one paragraph."""

    bbox: Box
    lines: tuple[Line, ...]

    @property
    def text(self) -> str:
        return "\n".join(line.text for line in self.lines)


class Drawn(Record):
    """A picture that a page paints, from the census: cheap facts, no pixels."""

    number: int  # order of painting on the page, from 0
    bbox: Box  # of what clips and the page's edge leave of it; area 0 if nothing
    width: int  # pixels of the source
    height: int
    colorspace: int  # components
    bits: int
    has_mask: bool
    size: int  # bytes of the stream; 0 where unknown
    transform: tuple[float, float, float, float, float, float]  # from the unit square: the whole of it
    gradient: bool = False  # a shading, no picture
    fills: Literal["box", "clip", "part"] = "part"  # if its pixels are opaque: its box, the shape that clips it
    covered: bool = False  # by a rectangle filled later


class Page(Record):
    number: int
    label: str
    box: Box  # of the page as shown: (0, 0, width, height)
    rotation: int
    blocks: tuple[Block, ...]
    drawn: tuple[Drawn, ...]
    paths: int = 0  # vector paths, for later stages
    has_table: bool = False
    ocr: bool = False
    warnings: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        return "\n".join(b.text for b in self.blocks)

    @property
    def lines(self) -> Iterable[Line]:
        return (line for block in self.blocks for line in block.lines)


class OutlineEntry(Record):
    level: int
    title: str
    page: int


class LostPage(Record):
    """A page that could not be read or extracted. `passing` losses (a time-out under load) are tried again."""

    page: int
    kind: str
    message: str
    passing: bool = False


class Reading(Record):
    """Stage 1's result. The pages themselves stand in one JSON-lines file of the file store, one `Page` a line."""

    content: Sha256
    page_count: int
    title: str | None
    outline: tuple[OutlineEntry, ...]
    page_boxes: dict[int, Box]
    pages_file: str
    lost: tuple[LostPage, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def files(self) -> tuple[str, ...]:
        """Keys of the file store that this result stands on; a cached result without them is no hit."""
        return (self.pages_file,)


class Scans(Record):
    """What a vision model read off pages that hold no text: page -> lines, headings with "# "."""

    lines: dict[int, tuple[str, ...]] = Field(default_factory=dict)
    lost: tuple[LostPage, ...] = ()

    def on(self, pages: Collection[int]) -> "Scans":
        """What concerns these pages."""
        return Scans(lines={number: lines for number, lines in self.lines.items() if number in pages})


# --- products (stages 2 and 7) ----------------------------------------------------------------------------------------


class Evidence(Record):
    """Why something was said: the rule, what it saw and where."""

    rule: str
    page: int | None = None
    text: str | None = None
    detail: dict[str, str | float] = Field(default_factory=dict)


class Card(Record):
    """One occurrence of a product on a page: its heading or caption and the place that it speaks for."""

    page: int
    bbox: Box  # of the name
    region: Box  # of the part of the page that belongs to it
    text: str


class FoundProduct(Record):
    """Stage 2A: a product and where it stands. `raw_name` is as printed, `name` cleaned."""

    name: str
    raw_name: str
    category: str | None = None
    code: str | None = None
    variants: tuple[str, ...] = ()
    grain: Literal["family", "product", "variant", "part"] = "product"
    parent: int | None = None  # index into the discovery's products
    first_page: int
    last_page: int
    pages: tuple[int, ...]
    cards: tuple[Card, ...] = ()
    confidence: float = Field(ge=0, le=1)
    evidence: tuple[Evidence, ...] = ()


PAGE_CUT = "page cut"
"""Rule of the evidence that a model was not shown all of a page."""


class Discovery(Record):
    """Stage 2A's whole result. Without products, `note` says what is needed; it never says "no products"."""

    products: tuple[FoundProduct, ...]
    rejected: tuple[Evidence, ...] = ()
    note: str | None = None
    scans: Scans = Scans()
    lost: tuple[LostPage, ...] = ()  # pages that could not be read, or why it is the layout rules' alone


class Table(Record):
    """A table as rows of cells; the first row is the header where `header` says so."""

    page: int
    bbox: Box | None
    rows: tuple[tuple[str, ...], ...]
    header: bool = True


class Tables(Record):
    """The tables of the pages that have any, and the pages whose tables could not be read."""

    tables: tuple[Table, ...] = ()
    lost: tuple[LostPage, ...] = ()

    def on(self, pages: Collection[int]) -> "Tables":
        """What concerns these pages."""
        return Tables(
            tables=tuple(table for table in self.tables if table.page in pages),
            lost=tuple(lost for lost in self.lost if lost.page in pages),
        )


class Description(Record):
    """Stage 2B: a product's metadata with the page it was read from, and its tables. `rejected`: what a model said and
    no page does; `lost`: why it is the layout rules' alone though a model was to say it.
    """

    metadata: dict[str, str]
    tables: tuple[Table, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    rejected: tuple[Evidence, ...] = ()
    lost: tuple[LostPage, ...] = ()


class Product(Record):
    id: str
    name: str
    category: str | None
    code: str | None
    variants: tuple[str, ...]
    first_page: int
    last_page: int
    pages: tuple[int, ...]
    metadata: dict[str, str]
    confidence: float
    evidence: tuple[Evidence, ...]
    grain: str = "product"
    parent: str | None = None


# --- pages, text and pictures (stages 3 to 5) -------------------------------------------------------------------------


class PlannedPage(Record):
    number: int
    kind: Literal["product", "entity", "skipped"]
    reason: str


class Plan(Record):
    pages: tuple[PlannedPage, ...]

    @property
    def shown(self) -> tuple[int, ...]:
        """Numbers of the pages whose text and pictures are used."""
        return tuple(p.number for p in self.pages if p.kind != "skipped")


class Chunk(Record):
    """A piece of text. A parent is the section that its children are cut from; those with `embed` get a vector."""

    id: str
    parent: str | None
    ordinal: int
    kind: Literal["section", "text", "table"]
    text: str
    text_key: Sha256
    headings: tuple[str, ...]
    pages: tuple[int, ...]
    embed: bool = True


class Chunks(Record):
    chunks: tuple[Chunk, ...]
    entities: tuple["Entity", ...] = ()


class Picture(Record):
    """A picture's pixels, stored: JPEG bytes passed through, else a PNG."""

    content_key: Sha256
    file: str  # key in the file store
    width: int
    height: int
    mode: str
    passed_through: bool
    phash: str | None = None  # 64-bit perceptual hash, hex: near-duplicates


class PlacementState(StrEnum):
    SHOWN = "shown"
    HIDDEN = "hidden"
    DECORATIVE = "decorative"


class Placement(Record):
    """A picture standing on a page (or at a path): the unit of linking. Many may share a picture."""

    id: str
    page: int
    kind: Literal["embedded", "inline", "vector", "region", "file"]
    bbox: Box
    xref: int | None
    path: str | None = None
    state: PlacementState
    reason: str | None = None  # why it is not shown
    content_key: Sha256
    caption: str | None = None
    nearby_text: str | None = None


class Unreadable(Record):
    """A picture whose pixels could not be had, by the hash of its stream and dictionary; counted as rejected."""

    content_key: Sha256
    kind: str
    message: str


class Extraction(Record):
    """Stage 5's pure half."""

    pictures: tuple[Picture, ...]
    placements: tuple[Placement, ...]
    unreadable: tuple[Unreadable, ...] = ()
    lost: tuple[LostPage, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def files(self) -> tuple[str, ...]:
        """Keys of the file store that this result stands on."""
        return tuple(p.file for p in self.pictures)


class Entity(Record):
    """A certificate, logo or specification table; apart from products."""

    id: str
    kind: Literal["specification", "certificate", "logo"]
    page: int
    name: str
    data: dict[str, str] = Field(default_factory=dict)
    table: Table | None = None


class LinkKind(StrEnum):
    IMAGE_PRODUCT = "image_product"
    IMAGE_CHUNK = "image_chunk"
    CHUNK_PRODUCT = "chunk_product"


class Link(Record):
    """A scored relation with its reasons. `image_*` links start at a placement, `chunk_product` at a chunk."""

    kind: LinkKind
    source: str
    target: str
    score: float = Field(ge=0, le=1)
    evidence: tuple[Evidence, ...] = ()


# --- what a model saw -------------------------------------------------------------------------------------------------


class ColorShare(Record):
    name: str
    share: float = Field(ge=0, le=1)
    hex: str = ""


class Analysis(Record):
    """What a vision model, or the local analyst, saw in the pixels. Unknown stays empty; nothing is guessed."""

    material: str | None = None
    finish: str | None = None
    colors: tuple[ColorShare, ...] = ()
    textures: tuple[str, ...] = ()
    pattern: str | None = None
    contrast: str | None = None
    dimensions: str | None = None
    slip_rating: str | None = None
    printed_text: str | None = None
    application: str | None = None
    confidence: float = Field(ge=0, le=1)
    quality: float = Field(default=1.0, ge=0, le=1)  # of the picture: sharpness, exposure, size


# --- the account ------------------------------------------------------------------------------------------------------


class FailureRecord(Record):
    """One failed thing, as people read it: what, why, how often tried, when next."""

    image_id: str | None = None
    index: int | None = None  # of the image in the document, in reading order, from 0
    path: str | None = None
    page_number: int | None = None
    role: str | None = None
    kind: str
    error: str
    attempts: int = 0
    next_retry_at: float | None = None  # Unix seconds
    subject: str = "image"  # image, chunk, page, product, index


class Spent(Record):
    """What one stage of a document paid one provider for one model."""

    stage: str | None
    provider: str
    model: str | None
    calls: int
    failed: int
    unknown: int  # nobody knows whether they were paid for: no reply came, or the run died
    unpriced: int  # answered, at an unknown price
    truncated: int
    tokens_in: int
    tokens_out: int
    cost_usd: float  # of what is known
    at_most_usd: float  # the same, with what the unknown may have cost


class RunReport(Record):
    """The account of one ingest. images_found = complete + partial + failed + rejected + pending, always."""

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
    images_to_review: int = 0  # among them all: weak, and settled by nobody yet
    placements_hidden: int = 0
    placements_decorative: int = 0
    pages_skipped: int = 0
    failed_images: tuple[FailureRecord, ...] = ()
    other_failures: tuple[FailureRecord, ...] = ()
    confidence_score: float | None = None
    cost_usd: float = 0.0  # of what is known
    spent: tuple[Spent, ...] = ()
    seconds: dict[str, float] = Field(default_factory=dict)  # by stage
    peak_memory_mb: float | None = None
    warnings: tuple[str, ...] = ()
    blocks: dict[str, str] = Field(default_factory=dict)  # part -> the saved block used instead of the settings


class Hit(Record):
    """One search result, shown from the ledger. `why`: role -> rank, the model's own score, share of `score`."""

    kind: Literal["image", "product", "chunk"]
    id: str
    score: float  # 0–1: 1 is the best by every role that was asked
    title: str
    document_id: str
    document: str
    owner: str
    pages: tuple[int, ...] = ()
    file: str | None = None
    product: str | None = None
    text: str | None = None
    why: dict[str, dict[str, float]] = Field(default_factory=dict)

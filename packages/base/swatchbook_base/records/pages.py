"""The records of pages as read (text, drawn images, tables, outline), of pages that failed, of the plan, and of chunks.

Coordinates are in points (1/72 inch) from the top left corner of the page as shown (after /Rotate). Page numbers start
at 1.
"""

from collections.abc import Collection, Iterable
from enum import StrEnum
from functools import cached_property
from typing import Literal

from pydantic import Field

from swatchbook_base.geometry import Box
from swatchbook_base.records.record import Record, Sha256


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
    """A line of text."""

    bbox: Box
    spans: tuple[Span, ...]
    confidence: float | None = None  # from 0 to 1, of a line read from pixels; None: it is from the text layer

    @cached_property
    def text(self) -> str:
        return "".join(s.text for s in self.spans).strip()

    @cached_property
    def size(self) -> float:
        """Return the font size of the line's longest span, in points."""
        return max(self.spans, key=lambda s: len(s.text)).size if self.spans else 0.0

    @property
    def bold(self) -> bool:
        return bool(self.spans) and max(self.spans, key=lambda s: len(s.text)).bold


class Block(Record):
    """Lines that the PDF library groups into one paragraph."""

    bbox: Box
    lines: tuple[Line, ...]

    @property
    def text(self) -> str:
        return "\n".join(line.text for line in self.lines)


class Drawn(Record):
    """An image that a page draws, described without decoding its pixels."""

    number: int  # order of drawing on the page, from 0
    bbox: Box  # the visible part, after clipping; area 0 if nothing is visible
    width: int  # pixels of the source
    height: int
    colorspace: int  # number of components
    bits: int  # per component
    has_mask: bool
    size: int  # bytes of the stream; 0 if unknown
    transform: tuple[float, float, float, float, float, float]  # maps the unit square to the whole, unclipped image
    gradient: bool = False  # a shading, not an image


class Page(Record):
    """A page as read: text blocks and drawn images."""

    number: int
    label: str  # the page number as printed in the PDF viewer
    box: Box  # the page as shown: (0, 0, width, height)
    rotation: int  # degrees, already applied to all coordinates
    blocks: tuple[Block, ...]
    drawn: tuple[Drawn, ...]
    paths: int = 0  # number of vector paths
    has_table: bool = False
    ocr: bool = False  # some of its lines were read from its pixels
    turn: int = 0  # degrees clockwise by which the page as shown must be turned to be read; the coordinates are not
    unread: tuple[Box, ...] = ()  # lines of its printed text that could not be read
    warnings: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        return "\n".join(b.text for b in self.blocks)

    @property
    def lines(self) -> Iterable[Line]:
        return (line for block in self.blocks for line in block.lines)


class OutlineEntry(Record):
    """An entry of the PDF's outline (bookmarks)."""

    level: int  # from 1
    title: str
    page: int


def page_name(number: int, label: str | None) -> str:
    """Return the number of a page in the PDF and, if people read another one on it, that one: "12 (printed 10)"."""
    return f"{number} (printed {label})" if label else str(number)


class FailedPage(Record):
    """A page that a stage could not process.

    A `transient` failure is tried again in a later run, such as a timeout under load or a child process that was killed
    from outside.
    """

    page: int
    kind: str
    message: str
    transient: bool = False


class LostState(StrEnum):
    """A person's decision on a lost picture: nothing yet, take it in, or dismiss it."""

    SEEN = "seen"
    TAKEN = "taken"
    DISMISSED = "dismissed"


class LostPicture(Record):
    """A part of a page, in points, that looks like a picture, and that no placement covers.

    Once taken in, it is processed like the pictures that were found.
    """

    page: int
    number: int = 0  # counts from 1 on its page, and stays, whatever later ingests find. 0: it is not stored yet
    bbox: Box
    share: float  # share of the page
    state: LostState = LostState.SEEN
    phash: str | None = None  # perceptual hash: what looks alike in many places is an ornament
    reason: str | None = None  # why its page was skipped

    @property
    def id(self) -> str:
        """Return its name for people within its document: page and number, such as 5:1."""
        return f"{self.page}:{self.number}"


class LooseText(Record):
    """A text of a page, and its box in points."""

    text: str
    bbox: Box


class Unassigned(Record):
    """Parts of a page that belong to none of its products: captions and other short texts, and pictures in points."""

    page: int
    texts: tuple[LooseText, ...] = ()
    pictures: tuple[Box, ...] = ()


class SeenPage(Record):
    """A page as a person sees it. `unplaced`: what looks like a picture and lies in no placement."""

    number: int
    box: Box
    unplaced: tuple[LostPicture, ...]
    jpeg: bytes = b""  # empty where it was not asked for


class DrawnBox(Record):
    """A box to draw on a rendered page, with a sign at its corner. Dashes and gaps are pixels; none: a whole line."""

    bbox: Box
    sign: str
    color: str  # #rrggbb
    dashes: tuple[int, ...] = ()


class Drawing(Record):
    """The boxes drawn on a rendered page, and the notes next to it: simple HTML, whose text is escaped."""

    boxes: tuple[DrawnBox, ...]
    notes: str


class Reading(Record):
    """Result of stage 1.

    The pages are in the JSON-lines file `pages_file` of the file store, one `Page` per line. Facts that later stages
    need about all pages are stored here, so that they need not parse the file: the pages with tables. A page in `lost`
    that has a box was read, and lost its printed text only.
    """

    content: Sha256
    page_count: int
    title: str | None
    outline: tuple[OutlineEntry, ...]
    page_boxes: dict[int, Box]
    pages_file: str
    table_pages: tuple[int, ...] = ()
    lost: tuple[FailedPage, ...] = ()
    doubts: tuple[str, ...] = ()  # print that was not read
    warnings: tuple[str, ...] = ()

    @property
    def files(self) -> tuple[str, ...]:
        """Return the keys of the files that this result refers to; without them a cached result is not usable."""
        return (self.pages_file,)


class Scans(Record):
    """Text that a vision model read from scanned pages: page -> lines; headings begin with "# "."""

    lines: dict[int, tuple[str, ...]] = Field(default_factory=dict)
    lost: tuple[FailedPage, ...] = ()

    def on(self, pages: Collection[int]) -> "Scans":
        """Return the lines of these pages."""
        return Scans(lines={number: lines for number, lines in self.lines.items() if number in pages})


class Table(Record):
    """A table as rows of cells; with `header` the first row is the header."""

    page: int
    bbox: Box | None
    rows: tuple[tuple[str, ...], ...]
    header: bool = True


class Tables(Record):
    """The tables of a document.

    `lost` lists pages whose tables could not be read, `warnings` those that were read by the fallback reader.
    """

    tables: tuple[Table, ...] = ()
    lost: tuple[FailedPage, ...] = ()
    warnings: tuple[str, ...] = ()

    def on(self, pages: Collection[int]) -> "Tables":
        """Return the tables and failures of these pages."""
        return Tables(
            tables=tuple(table for table in self.tables if table.page in pages),
            lost=tuple(lost for lost in self.lost if lost.page in pages),
        )


class SkippedPicture(Record):
    """A picture that is seen on a skipped page. Its pixels are not read."""

    bbox: Box  # the visible part
    width: int  # pixels of the source
    height: int


class PlannedPage(Record):
    """The kind of a page, and the reason for it.

    A skipped page also has its pictures, and `boilerplate` if its text repeats other pages, so that it is not searched.
    """

    number: int
    kind: Literal["product", "entity", "skipped"]
    reason: str
    label: str | None = None  # the number that people read on it, if it is another one
    boilerplate: bool = False
    pictures: tuple[SkippedPicture, ...] = ()


class Plan(Record):
    """Result of stage 3: which pages are processed."""

    pages: tuple[PlannedPage, ...]

    @property
    def shown(self) -> tuple[int, ...]:
        """Return the numbers of the pages that are not skipped."""
        return tuple(p.number for p in self.pages if p.kind != "skipped")

    @property
    def searched(self) -> tuple[int, ...]:
        """Return the numbers of the pages whose text is searchable."""
        return tuple(p.number for p in self.pages if not p.boilerplate)


class SkippedPage(Record):
    """A page whose pictures are not embedded, with the reason and the pictures."""

    page: int
    label: str | None = None
    reason: str
    pictures: tuple[SkippedPicture, ...] = ()


class Chunk(Record):
    """A piece of text. Chunks with `embed` get a vector.

    A chunk of kind `running` is text that repeats in the margins of many pages; it belongs to no product.
    """

    id: str
    parent: str | None  # id of the section chunk that it is cut from
    ordinal: int  # position in the document
    kind: Literal["section", "text", "table", "running"]
    text: str
    text_key: Sha256
    headings: tuple[str, ...]
    pages: tuple[int, ...]  # numbers, from 1
    embed: bool = True


class Chunks(Record):
    """Result of stage 4."""

    chunks: tuple[Chunk, ...]
    entities: tuple["Entity", ...] = ()


class Entity(Record):
    """A certificate, logo or specification table that belongs to no product."""

    id: str
    kind: Literal["specification", "certificate", "logo"]
    page: int
    name: str
    data: dict[str, str] = Field(default_factory=dict)
    table: Table | None = None

"""What is read from pages: text, drawn pictures, tables, and the plan of which pages count.

Coordinates are points (1/72 inch), origin top left of the page *as shown* (after /Rotate); pages count from 1.
"""

from collections.abc import Collection, Iterable
from typing import Literal

from pydantic import Field

from swatchbook.records.base import Box, Record, Sha256


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


class FailedPage(Record):
    """A page that could not be read or extracted. `passing` losses are tried again: a time-out under
    load, a child killed from outside.
    """

    page: int
    kind: str
    message: str
    transient: bool = False


class Reading(Record):
    """Stage 1's result. The pages themselves stand in one JSON-lines file of the file store, one `Page` a line; what
    later stages need of all of them stands here, so that they need not parse it: the pages with tables, and the lines
    that run in the margins (text with digits masked, place down)."""

    content: Sha256
    page_count: int
    title: str | None
    outline: tuple[OutlineEntry, ...]
    page_boxes: dict[int, Box]
    pages_file: str
    table_pages: tuple[int, ...] = ()
    running: tuple[tuple[str, int], ...] = ()
    lost: tuple[FailedPage, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def files(self) -> tuple[str, ...]:
        """Keys of the file store that this result stands on; a cached result without them is no hit."""
        return (self.pages_file,)


class Scans(Record):
    """What a vision model read off pages that hold no text: page -> lines, headings with "# "."""

    lines: dict[int, tuple[str, ...]] = Field(default_factory=dict)
    lost: tuple[FailedPage, ...] = ()

    def on(self, pages: Collection[int]) -> "Scans":
        """What concerns these pages."""
        return Scans(lines={number: lines for number, lines in self.lines.items() if number in pages})


class Table(Record):
    """A table as rows of cells; the first row is the header where `header` says so."""

    page: int
    bbox: Box | None
    rows: tuple[tuple[str, ...], ...]
    header: bool = True


class Tables(Record):
    """The tables of the pages that have any, the pages whose tables could not be read, and those that another reader
    stood in for."""

    tables: tuple[Table, ...] = ()
    lost: tuple[FailedPage, ...] = ()
    warnings: tuple[str, ...] = ()

    def on(self, pages: Collection[int]) -> "Tables":
        """The tables and losses of these pages."""
        return Tables(
            tables=tuple(table for table in self.tables if table.page in pages),
            lost=tuple(lost for lost in self.lost if lost.page in pages),
        )


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

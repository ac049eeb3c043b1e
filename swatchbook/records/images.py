"""Pictures: as extracted, where they are placed, and what an analysis says of them."""

from enum import StrEnum
from typing import Literal

from pydantic import Field

from swatchbook.records.base import Box, Record, Sha256
from swatchbook.records.pages import FailedPage


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
    lost: tuple[FailedPage, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def files(self) -> tuple[str, ...]:
        """Keys of the file store that this result stands on."""
        return tuple(p.file for p in self.pictures)


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

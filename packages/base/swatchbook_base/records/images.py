"""The records of pictures, their placements (shown, hidden, decorative, unreadable), analyses, and reviews of these."""

from collections import Counter
from enum import StrEnum
from typing import Literal

from pydantic import Field

from swatchbook_base.geometry import Box
from swatchbook_base.records.pages import FailedPage, LostPicture
from swatchbook_base.records.record import Record, Sha256, placement_id


class Traits(Record):
    """Measures of a picture's pixels that hint at what it shows, all from 0 to 1: `pdf/picture_traits.py`."""

    ground: float  # share of it that has the usual colour of its edge
    edge: float  # share of its edge that has it
    light: float  # brightness of that colour
    chroma: float  # mean distance of what is not ground from grey
    contrast: float  # largest difference in brightness from the ground
    solid: float  # share of what is not ground that differs from it by half of the range or more
    uneven: float  # how much its sixteen parts differ in colour


class Picture(Record):
    """An image in the file store: the original JPEG bytes (`passed_through`), or its pixels converted to PNG."""

    content_key: Sha256
    file: str  # key in the file store
    width: int  # pixels
    height: int
    mode: str  # of Pillow, such as RGB
    passed_through: bool
    phash: str | None = None  # 64-bit perceptual hash in hex, to find near-duplicates
    traits: Traits | None = None


PlacementKind = Literal["embedded", "inline", "drawing", "pattern", "region", "box", "file"]
"""The origin of a picture.

An image object, an image in the page's own stream, vector paths, an image in a tiling pattern, a part of a larger
image, a part of a page that a person took in, or a file of a folder."""


class Sighting(Record):
    """A picture found on a page, before it is judged. `bbox` is around what is seen of it, `whole` around all of it."""

    page: int
    page_box: Box
    kind: PlacementKind
    xref: int | None
    bbox: Box
    whole: Box
    shown: float = 1.0  # share of its area that is seen
    opacity: float = 1.0  # mean alpha of what is seen
    on_page: bool = False  # its place is, though nothing of it may be seen
    unreadable: str | None = None  # why there are no pixels
    content_key: Sha256
    phash: str | None = None
    tone: tuple[int, int, int] | None = None  # mean RGB
    code: bool = False  # it is a code to scan (QR)
    caption: str | None = None
    nearby_text: str | None = None
    context: str | None = None  # a sign around it that it shows a product: `decoration.py` of the library


class PlacementState(StrEnum):
    SHOWN = "shown"
    HIDDEN = "hidden"
    DECORATIVE = "decorative"
    UNREADABLE = "unreadable"  # it would be shown, but cannot be decoded


COUNTED = (PlacementState.SHOWN, PlacementState.UNREADABLE)
"""The states of placements whose images are in the account."""


NO_PAGE = 0
"""The page of a placement that is a file: it is on none."""

NO_BOX: Box = (0.0, 0.0, 0.0, 0.0)
"""Box of a placement without a page."""


def place_of_item(document: str, item: str, path: str) -> str:
    """Return the id of the placement of a picture that an item of a source shows: several items may show one file."""
    origin = "\0".join(dict.fromkeys((item, path)))
    return placement_id(document, NO_PAGE, "file", origin, NO_BOX)


class Placement(Record):
    """One occurrence of an image on a page, or as a file at a path. Links refer to placements; many may share an image.

    `bbox` is in points. A file has no page (NO_PAGE), and an empty box.
    """

    id: str
    page: int
    kind: PlacementKind
    bbox: Box
    xref: int | None
    path: str | None = None
    state: PlacementState
    reason: str | None = None  # why it is not shown
    content_key: Sha256
    caption: str | None = None
    nearby_text: str | None = None


class Unreadable(Record):
    """An image that cannot be decoded; it counts as rejected. Its key is the hash of its PDF stream and dictionary.

    The key of a file is that of its place: it may have no bytes, and each is named by itself. `passes`: the reason may
    pass, as that of a server that does not answer, so that the image waits for its next try.
    """

    content_key: Sha256
    kind: str
    message: str
    passes: bool = False


class ExtractedPictures(Record):
    """The pictures of a PDF's pages before they are judged, with their places, and the pages that failed."""

    pictures: tuple[Picture, ...]
    sightings: tuple[Sighting, ...]  # in the order of their pages
    unreadable: tuple[Unreadable, ...] = ()
    lost_pictures: tuple[LostPicture, ...] = ()
    lost: tuple[FailedPage, ...] = ()
    warnings: tuple[str, ...] = ()


class Extraction(Record):
    """Result of stage 5: images, placements, lost pictures, and the pages that failed (`lost`)."""

    pictures: tuple[Picture, ...]
    placements: tuple[Placement, ...]
    unreadable: tuple[Unreadable, ...] = ()
    lost_pictures: tuple[LostPicture, ...] = ()
    lost: tuple[FailedPage, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def files(self) -> tuple[str, ...]:
        """Return the keys of the files that this result refers to."""
        return tuple(p.file for p in self.pictures)

    def of_document(self, document: str) -> "Extraction":
        """Return this result with the placements' ids of a document. The rest depends on its file only."""
        ordinals, placements = Counter[str](), list[Placement]()
        for each in self.placements:
            where = (document, each.page, each.kind, each.kind if each.xref is None else each.xref, each.bbox)
            ordinals[first := placement_id(*where)] += 1
            placements.append(each.model_copy(update={"id": placement_id(*where, ordinals[first] - 1)}))
        return self.model_copy(update={"placements": tuple(placements)})

    def joined(self, other: "Extraction") -> "Extraction":
        """Return this result with the pictures of another one, each after those of its page."""
        known = {picture.content_key for picture in self.pictures}
        return self.model_copy(
            update={
                "pictures": (*self.pictures, *(p for p in other.pictures if p.content_key not in known)),
                "placements": tuple(sorted((*self.placements, *other.placements), key=lambda p: p.page)),
                "unreadable": (*self.unreadable, *other.unreadable),
                "lost": (*self.lost, *other.lost),
                "warnings": (*self.warnings, *other.warnings),
            }
        )


class ColorShare(Record):
    """A colour, and the share of the image that it covers."""

    name: str
    share: float = Field(ge=0, le=1)
    hex: str = ""  # #rrggbb


class Analysis(Record):
    """An analysis of an image by a vision model or the local analyst. Unknown fields stay empty."""

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
    recognised: tuple[str, ...] = ()  # what a network takes it for: words to search by, no facts of a product
    confidence: float = Field(ge=0, le=1)
    quality: float = Field(default=1.0, ge=0, le=1)  # of the image: sharpness, exposure, size

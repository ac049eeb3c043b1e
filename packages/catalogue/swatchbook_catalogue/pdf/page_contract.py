"""Define what a library must give to read PDFs: `Document` and `PdfPage`, and what a page paints (`Painting`).

`mupdf_document.py` and `pdfium_document.py` implement it, each for one library, in the child process. Coordinates are
in points, origin top left of the page as shown.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from math import inf
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from swatchbook_base.geometry import Box
from swatchbook_catalogue.pdf.transforms import Transform

if TYPE_CHECKING:  # only few of the pages read need it
    from PIL.Image import Image

    from swatchbook_base.image_limits import ImageLimits
    from swatchbook_catalogue.pdf.picture_format import PictureFile

EVERYWHERE: Box = (-inf, -inf, inf, inf)
NOWHERE: Box = (0.0, 0.0, 0.0, 0.0)
LEAST_ALPHA = 0.5  # fainter pictures and gradients are watermarks, and left out


class Painted(NamedTuple):
    """A picture or gradient as a page paints it; its box and transform are of the page as shown."""

    bbox: Box  # what clips and the page's edge leave of it; of one in a pattern: what the pattern fills
    width: int
    height: int
    colorspace: int
    bits: int
    has_mask: bool
    size: int  # bytes that the library holds of it; 0 if unknown
    transform: Transform
    gradient: bool = False
    space: str = ""  # the name of its colour space
    stencil: bool = False  # its object has only a shape; the colour is the page's
    tiled: bool = False  # painted in a tiling pattern: its transform does not say where
    image: Any = None  # the library's


_DRAWN = Painted._fields[: Painted._fields.index("gradient") + 1]


@dataclass
class Painting:
    """Pictures and gradients in the order painted."""

    pictures: list[Painted] = field(default_factory=list)
    paths: int = 0


def to_drawn(number: int, picture: Painted) -> dict[str, Any]:
    """Return a picture as JSON (`records.Drawn`), whose fields are the first of `Painted`."""
    return {"number": number, **dict(zip(_DRAWN, picture, strict=False))}


class ReadText(NamedTuple):
    """The visible text of a page, as blocks in JSON (`records.Block`), what the page paints, and warnings."""

    blocks: list[Any]
    painting: Painting
    warnings: tuple[str, ...]


class PdfPage(Protocol):
    """A page. Methods raise the library's errors where it is damaged."""

    number: int  # from 1
    box: Box  # the page as shown: (0, 0, width, height)
    rotation: int  # degrees, already applied to all coordinates

    @property
    def label(self) -> str: ...

    def read_text(self) -> ReadText: ...

    def word_boxes(self) -> list[Box]:
        """Return the boxes of the words of the text layer."""

    def trace(self) -> Painting: ...

    def render(self, box: Box, scale: float) -> "Image":
        """Return a part of the page as it is seen (mode RGB), `scale` pixels a point, at least one pixel."""

    def render_whole(self, scale: float) -> "Image":
        """Return the page as it is seen (mode RGB), `scale` pixels a point."""

    def encode_whole(self, scale: float, form: str, quality: int) -> bytes:
        """Return the same as a JPEG or PNG file (`form`: "jpeg", "png")."""

    def paint_flat(self, pixel: float, channels: Sequence[Sequence[int]]) -> "Image":
        """Return the page (mode RGB) with each picture in flat colour, `pixel` points a pixel.

        It is grey (or, below a blend mode, what that ignores); pictures whose number is in a channel (red, green,
        blue) are black or white in it. Numbers count what `trace` returns.
        """

    def find_drawings(self, pictures: Sequence[Box]) -> list[Box]:
        """Return the boxes of drawings and palettes, without those under `pictures`."""

    def name_pictures(self, painted: Sequence[Painted]) -> list[int]:
        """Return the number of each picture's object, equal for equal objects; 0 if it has none."""

    def stored_bytes(self, name: int) -> bytes:
        """Return bytes that tell a picture's object from all others, without decoding it."""

    def kept_jpeg(self, picture: Painted, name: int, limits: "ImageLimits") -> "PictureFile | None":
        """Return the bytes of a picture if it is a JPEG that looks the same alone as on the page, else None."""

    def pixels(self, picture: Painted, name: int, limits: "ImageLimits") -> "Image":
        """Return the pixels of a picture (RGB, or RGBA with its mask). Raises TooLarge by its bytes."""

    def read_tables(self) -> tuple[list[tuple[Box, Any]], list[str]]:
        """Return the box and rows of each table, and warnings."""

    def draw(self, scale: float, drawing: Mapping[str, Any]) -> bytes:
        """Return the rendered page as PNG, with boxes over it and notes next to it (`records.Drawing` as JSON)."""


class Document(Protocol):
    """An open document."""

    title: str | None

    @property
    def page_count(self) -> int: ...

    @property
    def is_repaired(self) -> bool: ...

    def page(self, number: int) -> PdfPage: ...

    def outline(self) -> list[tuple[int, str, int]]:
        """Return level, title and page of each entry. Raises what `is_damage` knows."""

    def warnings(self) -> list[str]:
        """Return the library's warnings since the last call."""

    def is_damage(self, error: Exception) -> bool:
        """Return whether an error of the library means that the page is damaged."""

    def free(self) -> None:
        """Free decoded pictures and fonts."""


OpenDocument = Callable[[str], AbstractContextManager[Document]]
"""Opens a file. Raises EncryptedDocument, and UnreadableDocument if it is no PDF or has no pages."""

"""Previews for people: a page as PNG up to 2,000 pixels wide, a picture as JPEG up to 1,024 pixels a side. Both are
made in child processes under the limits of time and memory of all children, and cached.
"""

import io

from pydantic import Field

from swatchbook.domain.errors import Failure
from swatchbook.domain.records import Record
from swatchbook.resources import Resources
from swatchbook_base.arrays import Pixels

MIN_WIDTH, MAX_WIDTH = 32, 2_000
MIN_SIDE, MAX_SIDE = 16, 1_024

_JPEG_QUALITY = 80


class RenderedPage(Record):
    """A page of a stored PDF (`file`: its key), `width` pixels wide, as PNG."""

    file: str
    number: int = Field(ge=1)
    width: int = Field(ge=MIN_WIDTH, le=MAX_WIDTH)

    @property
    def name(self) -> str:
        return f"{self.file}-p{self.number}-w{self.width}.png"

    def make(self, resources: Resources) -> bytes:
        """Render the page. Raises what `CatalogueReader.render_page` raises, and FileMissing."""
        with resources.files.local(self.file) as path:
            return resources.catalogue.render_page(path, self.number, resources.settings, width=self.width)


class Thumbnail(Record):
    """A stored picture (`file`: its key), longest side at most `side` pixels, as JPEG. It is never enlarged."""

    file: str
    side: int = Field(ge=MIN_SIDE, le=MAX_SIDE)

    @property
    def name(self) -> str:
        return f"{self.file}-s{self.side}.jpg"

    def make(self, resources: Resources) -> bytes:
        """Decode and shrink the picture. Raises what `Decoders.decode` returns as failures, and FileMissing."""
        with resources.files.local(self.file) as path:
            (pixels,) = resources.decoders.decode([path], self.side)
        if isinstance(pixels, Failure):
            raise pixels
        return encode_jpeg(pixels)


Preview = RenderedPage | Thumbnail


def find_preview(resources: Resources, preview: Preview) -> bytes | None:
    """Return a preview from the cache, or None."""
    return resources.previews.get(preview.name)


def make_preview(resources: Resources, preview: Preview) -> bytes:
    """Return a preview from the cache, else make and cache it. Raises what its `make` raises."""
    if (cached := find_preview(resources, preview)) is not None:
        return cached
    data = preview.make(resources)
    resources.previews.put(preview.name, data)
    return data


def encode_jpeg(pixels: Pixels) -> bytes:
    """Return (h, w, 3) uint8 pixels as a JPEG."""
    from PIL import Image

    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "JPEG", quality=_JPEG_QUALITY)
    return out.getvalue()


def as_small_jpeg(png: bytes, most_bytes: int) -> bytes:
    """Return a preview as a JPEG, made smaller until it has at most so many bytes."""
    from PIL import Image

    with Image.open(io.BytesIO(png)) as preview:
        shown = preview.convert("RGB")
    while True:
        out = io.BytesIO()
        shown.save(out, "JPEG", quality=_JPEG_QUALITY)
        if out.tell() <= most_bytes:
            return out.getvalue()
        shown = shown.resize((max(1, shown.width * 3 // 4), max(1, shown.height * 3 // 4)))

"""Truth files: what a person sees in a catalogue, as JSON. Their fields are described in `tests/truth/README.md`; the
records have those that a score needs.
"""

from collections.abc import Iterable
from pathlib import Path

from pydantic import ConfigDict

from devtools.json_record import read_record
from swatchbook.domain.records import Record, Sha256
from swatchbook_base.geometry import Box


class _Label(Record):
    """Part of a truth file. Fields that no score needs are ignored."""

    model_config = ConfigDict(extra="ignore")


class ImageHint(_Label):
    """Where a labelled picture is: its box in points from the top left (not clipped), and its image object."""

    bbox: Box | None = None
    xref: int | None = None


class LabelledImage(_Label):
    """A picture that belongs to a product, or (as a trap) to none; `role` is then why not."""

    page: int
    image_hint: ImageHint | None = None
    product: str | None = None
    role: str | None = None

    @property
    def bbox(self) -> Box | None:
        return self.image_hint.bbox if self.image_hint else None


class LabelledProduct(_Label):
    """A product with all its names: `caption`, `also` and `accept` are other printed forms.

    `metadata`: field -> value or values; empty where nothing is printed, None where nobody looked.
    """

    id: str
    name: str
    first_page: int
    last_page: int
    category: str | None = None
    code: str | None = None
    caption: str | None = None
    also: tuple[str, ...] = ()
    accept: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()
    metadata: dict[str, str | tuple[str, ...]] | None = None
    variants: tuple[str, ...] | None = None


class LabelledFamily(_Label):
    """A coarser grain that is accepted, with its pages in order."""

    name: str
    pages: tuple[int, ...]
    also: tuple[str, ...] = ()


class Truth(_Label):
    """The labels of one document. Without products it is no catalogue.

    The links are complete if `all_product_images` is a number or true.
    """

    slug: str
    sha256: Sha256
    products: tuple[LabelledProduct, ...]
    families: tuple[LabelledFamily, ...] = ()
    image_links: tuple[LabelledImage, ...] = ()
    image_traps: tuple[LabelledImage, ...] = ()
    all_product_images: bool | int | str | None = None


def read_truths(paths: Iterable[Path]) -> list[Truth]:
    """Return the labels in these files, and in the `.json` files of these folders. Raises InvalidReference."""
    return [_read(file) for path in paths for file in (sorted(path.glob("*.json")) if path.is_dir() else [path])]


def _read(file: Path) -> Truth:
    return read_record(Truth, file, advice="`python -m devtools.draft_truth` writes such files.")

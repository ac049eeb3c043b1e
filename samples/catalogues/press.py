"""A catalogue page by page, with its truth: whoever paints a picture says in the same call what a person sees of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pymupdf
from PIL import Image

from samples.pdf import WRITTEN, store_picture
from samples.sheet import A4, FONTS, Box, Sheet, load_font
from samples.shots import encode

SCAN_DPI = 110
GRAIN = 5.0  # deviation of a scan's noise, of 255


@dataclass(frozen=True)
class Good:
    """A product as its price list has it."""

    name: str
    code: str
    price: str
    category: str

    @property
    def id(self) -> str:
        return self.name.lower().replace(" ", "-")


@dataclass(frozen=True)
class Label:
    """What a person says of a picture: the product that it shows, or why it belongs to none (`role` of a trap).

    `box` is where it is seen (of a hidden one: where it would be), from the top left of the page as shown.
    """

    box: Box
    product: str | None
    role: str
    xrefs: tuple[int, ...] = ()
    region: bool = False


@dataclass
class Leaf(Sheet):
    """A page of any size under construction. A `sideways` one is drawn upright and turned left without /Rotate."""

    size: tuple[float, float] = A4
    sideways: bool = False
    resources: dict[str, dict[str, str]] = field(default_factory=dict)
    labels: list[Label] = field(default_factory=list)

    @property
    def width(self) -> float:
        return self.size[0]

    @property
    def height(self) -> float:
        return self.size[1]

    def name(self, category: str, xref: int) -> str:
        """The name under which the page's content uses an object, as "/X12"."""
        self.resources.setdefault(category, {})[f"X{xref}"] = f"{xref} 0 R"
        return f"/X{xref}"

    def paint(self, operators: str) -> None:
        """Append operators; the graphics state is as before afterwards."""
        self.marks.append(f"q {operators} Q")

    def area(self, box: Box) -> str:
        """A box as the operands of `re`."""
        x0, y0, x1, y1 = box
        return f"{x0:g} {self.height - y1:g} {x1 - x0:g} {y1 - y0:g}"

    def into(self, box: Box) -> str:
        """The operator that maps the unit square into a box."""
        x0, y0, x1, y1 = box
        return f"{x1 - x0:g} 0 0 {y1 - y0:g} {x0:g} {self.height - y1:g} cm"

    def put(self, xref: int, box: Box, before: str = "", after: str = "") -> None:
        """Paint an image upright into a box, between the operators `before` and `after`."""
        self.paint(f"{before} {self.into(box)} {self.name('XObject', xref)} Do {after}")

    def show(self, xref: int, box: Box, good: Good, role: str = "photo", before: str = "") -> None:
        """Paint a picture of a product."""
        self.put(xref, box, before)
        self.tell(box, good, role, xref)

    def tell(self, box: Box, good: Good, role: str, *xrefs: int, region: bool = False) -> None:
        """Label what was painted as a product's picture."""
        self.labels.append(Label(box, good.id, role, xrefs, region))
        self.mention(good)

    def trap(self, xref: int, box: Box, role: str, before: str = "", after: str = "") -> None:
        """Paint a picture that belongs to no product; its role says why."""
        self.put(xref, box, before, after)
        self.labels.append(Label(box, None, role, (xref,)))

    def mention(self, good: Good) -> None:
        """Count the page among the product's."""
        if good.id not in self.products:
            self.products.append(good.id)

    def spaced(self, x: float, y: float, words: str, size: float, by: float, face: str = "sans") -> None:
        """A line with `by` points between its letters, as typographers space capitals."""
        self.text(x, y, words, size, face)
        self.marks[-1] = str(self.marks[-1]).replace("BT ", f"BT {by:g} Tc ").replace(" ET", " 0 Tc ET")

    def invisible(self, x: float, y: float, words: str, size: float) -> None:
        """A line that the file has and nobody sees."""
        self.text(x, y, words, size, "bold")
        self.marks[-1] = str(self.marks[-1]).replace("BT ", "BT 3 Tr ").replace(" ET", " 0 Tr ET")


class Press:
    """Collects pages and pictures in a document, and writes both it and its truth."""

    def __init__(self, slug: str, title: str) -> None:
        self.slug, self.title = slug, title
        self.document = pymupdf.open()
        self.leaves: list[Leaf] = []

    def leaf(self, kind: str, size: tuple[float, float] = A4, *, sideways: bool = False) -> Leaf:
        """A new page at the end."""
        self.leaves.append(Leaf(kind, size=size, sideways=sideways))
        return self.leaves[-1]

    def picture(self, image: Image.Image, encoding: str = "jpeg") -> int:
        """Store a picture as an image object."""
        return store_picture(self.document, encode(image, encoding))

    def object(self, dictionary: str, stream: bytes | None = None) -> int:
        """Store any object; `stream` is compressed when the file is saved."""
        xref = int(self.document.get_new_xref())
        self.document.update_object(xref, dictionary)
        if stream is not None:
            self.document.update_stream(xref, stream, new=True)
        return xref

    def pattern(self, picture: int, step: tuple[float, float], matrix: Sequence[float]) -> int:
        """A tiling pattern with one picture in its cell of `step` points, placed by `matrix`."""
        width, height = step
        placed = " ".join(f"{value:g}" for value in matrix)
        entries = (
            f"<</Type/Pattern/PatternType 1/PaintType 1/TilingType 1/BBox[0 0 {width:g} {height:g}]/XStep {width:g}"
            f"/YStep {height:g}/Matrix[{placed}]/Resources<</XObject<</P {picture} 0 R>>>>>>"
        )
        return self.object(entries, f"q {width:g} 0 0 {height:g} 0 0 cm /P Do Q".encode())

    def form(self, picture: int, size: tuple[float, float]) -> int:
        """A form XObject that paints one picture over all of it."""
        width, height = size
        entries = (
            f"<</Type/XObject/Subtype/Form/BBox[0 0 {width:g} {height:g}]/Resources<</XObject<</P {picture} 0 R>>>>>>"
        )
        return self.object(entries, f"q {width:g} 0 0 {height:g} 0 0 cm /P Do Q".encode())

    def luminosity(self, mask: int, leaf: Leaf, box: Box) -> int:
        """A graphics state that lets paint through where a grey picture, stretched over a box, is light."""
        group = self.object(
            f"<</Type/XObject/Subtype/Form/BBox[0 0 {leaf.width:g} {leaf.height:g}]"
            f"/Group<</S/Transparency/CS/DeviceGray>>/Resources<</XObject<</P {mask} 0 R>>>>>>",
            f"q {leaf.into(box)} /P Do Q".encode(),
        )
        return self.object(f"<</Type/ExtGState/SMask<</S/Luminosity/G {group} 0 R>>>>")

    def scan(self, leaf: Leaf) -> None:
        """Make a page what a scanner makes of it: one raster, no text; its pictures are regions of that."""
        self._bind([leaf])
        pixmap = self.document[-1].get_pixmap(dpi=SCAN_DPI, alpha=False)
        pixels = np.frombuffer(pixmap.samples, np.uint8).reshape(pixmap.height, pixmap.width, 3)
        self.document.delete_page(-1)
        grain = np.random.default_rng(7).normal(0, GRAIN, pixels.shape[:2])[..., None]
        image = Image.fromarray(np.clip(pixels * (0.98, 0.975, 0.95) + grain, 0, 255).astype(np.uint8))
        leaf.marks, leaf.resources = [], {}
        leaf.labels = [replace(label, xrefs=(), region=True) for label in leaf.labels]
        leaf.put(self.picture(image), (0, 0, leaf.width, leaf.height))

    def write(self, path: Path, goods: Sequence[Good]) -> dict[str, Any]:
        """Write the file; its truth."""
        self._bind(self.leaves)
        dates = {"creationDate": WRITTEN, "modDate": WRITTEN}
        self.document.set_metadata({"title": self.title, **dates})
        self.document.save(path, garbage=1, deflate=True, no_new_id=True, use_objstms=1)  # what scans left behind goes
        self.document.close()
        return self._truth(goods)

    def _bind(self, leaves: Sequence[Leaf]) -> None:
        """Append pages as they are drawn."""
        document = self.document
        for leaf in leaves:
            width, height = leaf.size
            document.new_page(width=height if leaf.sideways else width, height=width if leaf.sideways else height)
        first = document.page_count - len(leaves)
        fonts = {face: document[first].insert_font(face, fontbuffer=load_font(face).buffer) for face in FONTS}
        faces = "".join(f"/{face} {xref} 0 R" for face, xref in fonts.items())
        for number, leaf in enumerate(leaves, first):
            content = [f"0 1 -1 0 {leaf.height:g} 0 cm"] if leaf.sideways else []
            stream = document.get_new_xref()
            document.update_object(stream, "<<>>")
            document.update_stream(stream, "\n".join([*content, *map(str, leaf.marks)]).encode(), new=True)
            used = "".join(
                f"/{category}<<{''.join(f'/{name} {value}' for name, value in objects.items())}>>"
                for category, objects in leaf.resources.items()
            )
            page = document[number].xref
            document.xref_set_key(page, "Resources", f"<</Font<<{faces}>>{used}>>")
            document.xref_set_key(page, "Contents", f"{stream} 0 R")

    def _truth(self, goods: Sequence[Good]) -> dict[str, Any]:
        pages = {g.id: [n for n, leaf in enumerate(self.leaves, 1) if g.id in leaf.products] for g in goods}
        links: list[dict[str, Any]] = []
        traps: list[dict[str, Any]] = []
        for number, leaf in enumerate(self.leaves, 1):
            for label in leaf.labels:
                entry = {"page": number, "image_hint": _hint(leaf, label), "product": label.product, "role": label.role}
                (links if label.product else traps).append(entry)
        return {
            "slug": self.slug,
            "title": self.title,
            "language": "en",
            "text_layer": "all pages but the scanned one",
            "pages": len(self.leaves),
            "products": [
                {
                    "id": g.id,
                    "name": g.name,
                    "first_page": pages[g.id][0],
                    "last_page": pages[g.id][-1],
                    "category": g.category,
                    "metadata": {"code": g.code, "price": g.price},
                }
                for g in goods
            ],
            "page_kinds": {str(n): leaf.kind for n, leaf in enumerate(self.leaves, 1)},
            "image_links": links,
            "image_traps": traps,
            "all_product_images": True,
        }


def _hint(leaf: Leaf, label: Label) -> dict[str, Any]:
    x0, y0, x1, y1 = label.box
    box = (y0, leaf.width - x1, y1, leaf.width - x0) if leaf.sideways else label.box
    hint: dict[str, Any] = {"xref": label.xrefs[0] if label.xrefs else None, "bbox": [round(v, 1) for v in box]}
    if len(label.xrefs) > 1:
        hint["xrefs"] = list(label.xrefs)
    if label.region:
        hint["region_of_page_raster"] = True
    return hint

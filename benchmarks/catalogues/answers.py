"""The JSON that a system writes: for each document its products, with what the scorer can judge of any system.

`DATASHEET.md` describes it for people. Pages are physical, from 1; boxes are in points from the top left of the page.
"""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field

from devtools.evaluation.links import Placed, SaidLink
from devtools.evaluation.score import Answer
from devtools.json_record import parse_record, read_record
from swatchbook.domain.records import Product, Record
from swatchbook_base.geometry import Box

Seen = Literal["unseen", "compared", "left out", "tuned"]
"""How a system had met the documents of a split before: never; variants were compared on them and one chosen; its
parameters were fitted on the others each time, though its authors had seen them; rules were written or fitted on them.
"""

NAME: Final = r"^[a-z0-9][a-z0-9.-]{0,39}$"
"""The name of a system is that of a file, too."""

FORMAT: Final = "The format is in benchmarks/catalogues/DATASHEET.md."


def _has_area(box: Box) -> Box:
    if not all(map(math.isfinite, box)) or box[2] <= box[0] or box[3] <= box[1]:
        raise ValueError("a box is x0, y0, x1, y1 with x0 < x1 and y0 < y1")
    return box


PageNumber = Annotated[int, Field(ge=1, strict=True)]
Text = Annotated[str, Field(min_length=1)]


class SaidPicture(Record):
    """A picture of a product. `xref`: the number of its image object in the PDF, for systems that know it."""

    page: PageNumber
    box: Annotated[Box, AfterValidator(_has_area)]
    xref: int | None = None


class SaidProduct(Record):
    """A product that a system found. `price` and `code` as printed, several as a list."""

    name: Text
    page: PageNumber
    last_page: PageNumber | None = None
    category: str | None = None
    code: str | tuple[str, ...] | None = None
    price: str | tuple[str, ...] | None = None
    pictures: tuple[SaidPicture, ...] = ()


class DocumentAnswer(Record):
    """What a system found in one document; no products is an answer, too."""

    products: tuple[SaidProduct, ...]


class SystemAnswers(Record):
    """The whole file: the system, how it had met each split, and name of a document -> answer.

    `not_run`: why the system could not be run; the leaderboard says so.
    """

    system: str = Field(pattern=NAME)
    version: str = ""
    about: Text
    seen: dict[str, Seen]
    not_run: str | None = None
    documents: dict[str, DocumentAnswer] = Field(default_factory=dict)


def read_answers(file: Path) -> SystemAnswers:
    """Return what a system wrote. Raises InvalidReference with the first place that is wrong."""
    return read_record(SystemAnswers, file, advice=FORMAT)


def read_document(data: bytes, source: str) -> DocumentAnswer:
    """Return the answer to one document that a program printed. Raises InvalidReference."""
    return parse_record(DocumentAnswer, data, source, advice=FORMAT)


def to_answer(said: DocumentAnswer, page_boxes: Mapping[int, Box]) -> Answer:
    """Return the answer to a document as the scorer takes it."""
    products = [_product(number, each) for number, each in enumerate(said.products)]
    placements, links = dict[str, Placed](), list[SaidLink]()
    for product, each in zip(products, said.products, strict=True):
        for picture in each.pictures:
            place = f"{picture.page} {picture.box} {picture.xref}"
            placements[place] = Placed(picture.page, picture.box, picture.xref)
            links.append(SaidLink(place, product.id))
    return Answer(products, placements, links, page_boxes)


def _product(number: int, said: SaidProduct) -> Product:
    last = max(said.page, said.last_page or said.page)
    metadata = {"code": _joined(said.code), "price": _joined(said.price)}
    return Product(
        id=str(number),
        name=said.name,
        category=said.category,
        code=None,  # with the others in the metadata
        variants=(),
        first_page=said.page,
        last_page=last,
        pages=tuple(range(said.page, last + 1)) if last - said.page < 10_000 else (said.page, last),
        metadata={key: value for key, value in metadata.items() if value},
        confidence=1.0,
        evidence=(),
    )


def _joined(values: str | Sequence[str] | None) -> str:
    return values if isinstance(values, str) else "; ".join(values or ())


def from_answer(answer: Answer) -> DocumentAnswer:
    """Return an answer of Swatchbook's stages as the JSON of any system."""
    pictures: dict[str, list[SaidPicture]] = {}
    for link in answer.links:
        if (placed := answer.placements.get(link.placement)) and placed.bbox[0] < placed.bbox[2]:
            picture = SaidPicture(page=placed.page, box=placed.bbox, xref=placed.xref)
            pictures.setdefault(link.product, []).append(picture)
    return DocumentAnswer(products=tuple(_said(each, pictures.get(each.id, ())) for each in answer.products))


def _said(product: Product, pictures: Sequence[SaidPicture]) -> SaidProduct:
    codes = dict.fromkeys(filter(None, (product.code, product.metadata.get("code"))))
    return SaidProduct(
        name=product.name,
        page=product.first_page,
        last_page=product.last_page,
        category=product.category,
        code=tuple(codes) or None,
        price=product.metadata.get("price"),
        pictures=tuple(pictures),
    )

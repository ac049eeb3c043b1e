"""The records of teaching: what a person shows on a page, the rules that follow from it, and what they would change.

A taught reading says which texts of a document are the names of its products and what its pictures are, and is kept
with the document. Its rules name no places on single pages, so that they also hold for other editions and catalogues of
the same maker.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Final

from pydantic import Field

from swatchbook.records.edits import PageNumber, Points, Words
from swatchbook_base.geometry import Box
from swatchbook_base.records.record import Record, Sha256

TraitValue = bool | Annotated[float, Field(allow_inf_nan=False)] | Annotated[str, Field(max_length=500)]
PageBox = tuple[Points, Points, Points, Points]


class Shown(StrEnum):
    """What a person says that a text or a part of a page is."""

    NAME = "name"
    CODE = "code"
    PRICE = "price"
    PICTURE = "picture"
    """A part of a page that is one picture. If not right: what is there is no picture, or no cell of one."""
    CELL = "cell"
    """One of the equal parts of a picture that shows several things. If not right: the picture there is not cut."""
    DECORATION = "decoration"
    """A picture that shows no product, with its likes on all pages. If not right: it shows one."""


OF_PICTURES: Final = (Shown.PICTURE, Shown.CELL, Shown.DECORATION)
"""What a person shows of pictures, not of texts."""


class Example(Record):
    """What a person showed: a text, a picture or a part of a page, and what it is or, if not `right`, what it is not.

    `text` is the part of the text there that is meant; without it the whole text is. The `box` of a text is its place
    on the page after it is turned to be read; that of a picture is its place on the page as it is shown.
    """

    page: PageNumber
    box: PageBox
    what: Shown = Shown.NAME
    text: Words | None = None
    right: bool = True


class Cut(Record):
    """How a name is cut from a text: the part after `after` and before `before`; with `every`, each part between such
    signs is a name.
    """

    after: Annotated[str, Field(max_length=40)] = ""
    before: Annotated[str, Field(max_length=40)] = ""
    every: Annotated[str, Field(max_length=8)] = ""


WHOLE_TEXT = Cut()


class TextRule(Record):
    """Texts that have all of these traits, and how the name is cut from them. The traits are those of
    `traits_of_page` in `swatchbook/teaching/texts.py`.
    """

    traits: Mapping[str, TraitValue] = Field(max_length=40)
    cut: Cut = WHOLE_TEXT


class PictureSide(StrEnum):
    """Where the picture of a product is, seen from its name."""

    ABOVE = "above"
    BELOW = "below"
    LEFT = "left"
    RIGHT = "right"


Length = Annotated[float, Field(gt=0, le=100_000, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=-0.2, le=1.2, allow_inf_nan=False)]


class GridRule(Record):
    """How the pictures of one size, each of which shows several things, are cut into equal cells.

    `width` and `height` are those of the picture, in points. `cell` is the first cell, and `pitch` the way from one
    cell to the next, across and down, both as shares of the picture's sides.
    """

    width: Length
    height: Length
    cell: tuple[Share, Share, Share, Share]
    pitch: tuple[Share, Share]
    columns: Annotated[int, Field(ge=1, le=100)]
    rows: Annotated[int, Field(ge=1, le=100)]


Contents = Annotated[tuple[Sha256, ...], Field(max_length=1_000)]


class TaughtReading(Record):
    """How the names, codes, prices and pictures of a document's products are found. A text is a name if a rule of
    `names` holds for it and none of `not_names`; the examples hold in any case, on the document that they were shown
    on.

    `grids`: which pictures are cut. `decoration` and `not_decoration`: contents of pictures. `side`: where the picture
    of each name is; without it, pictures are linked as found.
    """

    names: tuple[TextRule, ...] = Field(default=(), max_length=20)
    not_names: tuple[TextRule, ...] = Field(default=(), max_length=20)
    codes: tuple[TextRule, ...] = Field(default=(), max_length=20)
    prices: tuple[TextRule, ...] = Field(default=(), max_length=20)
    grids: tuple[GridRule, ...] = Field(default=(), max_length=20)
    decoration: Contents = ()
    not_decoration: Contents = ()
    side: PictureSide | None = None
    examples: tuple[Example, ...] = Field(default=(), max_length=500)

    @property
    def names_are_taught(self) -> bool:
        """Whether the names are found by its rules and examples, and not by the layout rules."""
        return bool(self.names or self.not_names or any(each.what is Shown.NAME for each in self.examples))

    @property
    def facts_are_taught(self) -> bool:
        """Whether codes or prices are found by its rules and examples."""
        shown = any(each.what in (Shown.CODE, Shown.PRICE) for each in self.examples)
        return bool(self.codes or self.prices or shown)

    @property
    def pictures_are_taught(self) -> bool:
        """Whether anything about pictures is: which there are, which are decoration, and where that of a name is."""
        shown = any(each.what in OF_PICTURES for each in self.examples)
        return shown or any(getattr(self, field) for field in PICTURE_FIELDS)

    @property
    def texts_only(self) -> "TaughtReading":
        """The reading without what it says of pictures, on which the products do not depend."""
        untaught = {field: getattr(UNTAUGHT, field) for field in PICTURE_FIELDS}
        texts = tuple(each for each in self.examples if each.what not in OF_PICTURES)
        return self.model_copy(update={**untaught, "examples": texts})

    @property
    def key(self) -> dict[str, Any]:
        """The reading as JSON for cache keys and fingerprints: what it leaves open about pictures is not in it."""
        values = self.model_dump(mode="json")
        return {name: value for name, value in values.items() if value or name not in PICTURE_FIELDS}

    @property
    def rules_only(self) -> "TaughtReading":
        """The reading for another document: its rules, without the places on this one."""
        return self.model_copy(update={"examples": ()})


PICTURE_FIELDS: Final = ("grids", "decoration", "not_decoration", "side")
"""The rules of a reading about pictures."""

UNTAUGHT = TaughtReading()


class ProposedName(Record):
    """A text that a reading takes for a name. `probability`: how likely it is one. `new`: no product has this name yet.
    `code` and `price`: those that are found as taught.
    """

    page: int
    box: Box
    name: str
    probability: float
    new: bool
    code: str | None = None
    price: str | None = None


class PagePlace(Record):
    """A place on a page as it is shown, in points."""

    page: int
    box: Box


class CutPicture(PagePlace):
    """A picture that is cut into cells, with the grid that says how."""

    cells: tuple[Box, ...]
    grid: GridRule


class ProposedPictures(Record):
    """What a taught reading makes of a document's pictures.

    `taken`: parts of pages that become pictures, as they were drawn. `cut`: pictures that are cut, instead of which
    their cells are pictures. `empty`: which of both show nothing, of those on pages where something was drawn; they are
    left out. `decoration`: places of pictures that show no product. `shown`: those that show one, and were no pictures
    of products. `missed`: where a cell or a decoration was shown, and no picture is. `linked_now` and `linked`: how
    many products have a picture now, and would have one.
    """

    taken: tuple[PagePlace, ...] = ()
    cut: tuple[CutPicture, ...] = ()
    empty: tuple[PagePlace, ...] = ()
    decoration: tuple[PagePlace, ...] = ()
    shown: tuple[PagePlace, ...] = ()
    missed: tuple[PagePlace, ...] = ()
    linked_now: int = 0
    linked: int = 0


class Proposal(Record):
    """What a taught reading would find, before anything changes.

    `probability`: of the reading among those that agree with the examples. `lost`: the products at present that it
    would not find, with their pages. `unsure`: the ten names that it is least sure of. `coded` and `priced`: how many
    products get a code and a price as taught. `pictures`: what is taught about them, if anything is.
    """

    reading: TaughtReading
    probability: float
    names: tuple[ProposedName, ...]
    products: int
    pages: tuple[int, ...]
    unsure: tuple[ProposedName, ...]
    lost: tuple[tuple[str, int], ...]
    coded: int = 0
    priced: int = 0
    pictures: ProposedPictures | None = None


class OtherReading(Record):
    """Another reading that agrees with what was shown, and what it would find. `names`: its first names, first those
    that the likeliest reading does not find.
    """

    reading: TaughtReading
    probability: float
    products: int
    pages: tuple[int, ...]
    names: tuple[str, ...]


class ReadingOrigin(StrEnum):
    """Where a reading that a person accepted comes from."""

    SHOWN = "shown"
    """Learnt from examples on the document's pages."""
    LIKELIEST = "likeliest"
    """Chosen among the likeliest readings."""
    OFFERED = "offered"
    """Taken over from another document."""
    IMPORTED = "imported"
    """Read from a file, or given with an ingest."""


class KeptReading(Record):
    """A reading that was accepted for a document, with its number there, who accepted it and when (Unix seconds).

    `products`: as many as it proposed. `taken_from`: the document it was taught on, if it was offered. `in_use`:
    whether the document is read by it; of several that are not undone the last one is.
    """

    document: str
    name: str
    owner: str
    number: int
    reading: TaughtReading
    origin: ReadingOrigin
    taken_from: str | None = None
    products: int | None = None
    by: str
    at: float
    undone_by: str | None = None
    undone_at: float | None = None
    in_use: bool = False


class OfferedReading(Record):
    """A reading of another document, without its examples, and what it would find. `fit`: how much of the letters of
    both has the same font and size, and of the pages the same size, from 0 to 1. `edition`: the other one is an older
    edition.
    """

    document: str
    name: str
    edition: bool
    fit: float
    proposal: Proposal


class ReadingFile(TaughtReading):
    """A reading as a file. Its examples count only for the PDF with this `content` (SHA-256)."""

    document: Annotated[str, Field(max_length=1_000)] = ""
    content: Sha256 | None = None

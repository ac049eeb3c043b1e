"""The taught reading of a document: what a person showed on its pages, and the rules that follow from it.

It says which texts of a document are the names of its products and what its pictures are, and is kept
with the document. Its rules name no places on single pages, so that they also hold for other editions and catalogues of
the same maker.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Final

from pydantic import Field

from swatchbook.domain.records.edits import PageNumber, Points, Words
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
    `traits_of_page` of swatchbook-teach, which learns and applies it.
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

"""The records of teaching: what a person shows on a page, the rules that follow from it, and what they would change.

A taught reading says which texts of a document are the names of its products, and is kept with the document. Its rules
name no places of single texts, so that they also hold for other editions and catalogues of the same maker.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from swatchbook.geometry import Box
from swatchbook.records.edits import PageNumber, Points, Words
from swatchbook.records.record import Record, Sha256

TraitValue = bool | Annotated[float, Field(allow_inf_nan=False)] | Annotated[str, Field(max_length=500)]
PageBox = tuple[Points, Points, Points, Points]


class Shown(StrEnum):
    """What a person says that a text of a page is."""

    NAME = "name"
    CODE = "code"
    PRICE = "price"


class Example(Record):
    """What a person showed: a text, and what it is or, if not `right`, what it is not.

    `text` is the part of the text there that is meant; without it the whole text is.
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


class TaughtReading(Record):
    """How the names, codes and prices of a document's products are found. A text is a name if a rule of `names` holds
    for it and none of `not_names`; the examples hold in any case, on the document that they were shown on.
    """

    names: tuple[TextRule, ...] = Field(default=(), max_length=20)
    not_names: tuple[TextRule, ...] = Field(default=(), max_length=20)
    codes: tuple[TextRule, ...] = Field(default=(), max_length=20)
    prices: tuple[TextRule, ...] = Field(default=(), max_length=20)
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
    def rules_only(self) -> "TaughtReading":
        """The reading for another document: its rules, without the places on this one."""
        return self.model_copy(update={"examples": ()})


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


class Proposal(Record):
    """What a taught reading would find, before anything changes.

    `probability`: of the reading among those that agree with the examples. `lost`: the products at present that it
    would not find, with their pages. `unsure`: the ten names that it is least sure of. `coded` and `priced`: how many
    products get a code and a price as taught.
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

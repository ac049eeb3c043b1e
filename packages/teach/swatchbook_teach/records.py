"""The records of teaching: what a reading would find, and the readings that people accepted."""

from typing import Annotated

from pydantic import Field

from swatchbook.domain.records import GridRule, Record, Sha256, TaughtReading
from swatchbook_base.geometry import Box


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
    of the `more` that the likeliest reading does not find. `lacks`: the first of the `fewer` that only this one finds.
    """

    reading: TaughtReading
    probability: float
    products: int
    pages: tuple[int, ...]
    names: tuple[str, ...]
    more: int = 0
    fewer: int = 0
    lacks: tuple[str, ...] = ()


class KeptReading(Record):
    """A reading that was accepted for a document, with its number there, who accepted it and when (Unix seconds).

    `in_use`: whether the document is read by it; of several that are not undone the last one is.
    """

    document: str
    name: str
    owner: str
    number: int
    reading: TaughtReading
    by: str
    at: float
    undone_by: str | None = None
    undone_at: float | None = None
    in_use: bool = False


class OfferedReading(Record):
    """A reading of another document, without its examples, and what it would find. `fit`: how much of the letters of
    both has the same font and size, and of the pages the same size, from 0 to 1.
    """

    document: str
    name: str
    fit: float
    proposal: Proposal


class ReadingFile(TaughtReading):
    """A reading as a file. Its examples count only for the PDF with this `content` (SHA-256)."""

    document: Annotated[str, Field(max_length=1_000)] = ""
    content: Sha256 | None = None

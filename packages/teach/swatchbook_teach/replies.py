"""The records of the service's answers about teaching, which its endpoints send and `swatchbook_client` reads."""

from swatchbook.domain.records import Box, PlacementKind, PlacementState, Record, TaughtReading
from swatchbook_teach.records import KeptReading, OfferedReading, OtherReading, Proposal


class TextToShow(Record):
    """A text of a page, or one line of it (`is_line`), that can be shown as an example.

    `name`: what it would call a product, without labels and signs around it. `is_name`: it names one at present.
    """

    box: Box
    text: str
    name: str
    is_line: bool
    is_name: bool


class PictureToShow(Record):
    """A picture of a page, at its place on the page as it is shown. `state` and `reason`: of the placement; `url`:
    where the image can be read, none if no placement shows it.
    """

    placement: str
    image: str
    box: Box
    kind: PlacementKind
    state: PlacementState
    reason: str | None
    url: str | None


class PageTexts(Record):
    """The texts of a page, with its size in points; both as it is once turned clockwise by `turn` degrees. Its pictures
    are at their places before that.
    """

    page: int
    width: float
    height: float
    turn: int
    texts: tuple[TextToShow, ...]
    pictures: tuple[PictureToShow, ...] = ()


class ProposedReadings(Proposal):
    """What the likeliest reading would find, and up to four `others` that agree with the examples, of which one is
    probably better.
    """

    others: tuple[OtherReading, ...]


class ShownReadings(Record):
    """The readings that a document can be read by, each with what it would find; `in_use`: null for layout rules."""

    in_use: TaughtReading | None
    likeliest: tuple[Proposal, ...]
    offered: tuple[OfferedReading, ...]


class ListedReadings(Record):
    """A page of taught readings, the latest first; `next` is the cursor of the next page, null on the last."""

    readings: tuple[KeptReading, ...]
    next: str | None

"""The records of fitting: what taught documents say about the weights of the layout rules, as facts only, and weights
that were fitted to an owner's documents.

A lesson holds numbers and the SHA-256 of its PDF, no text and no picture.
"""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from swatchbook.records.record import Record, Sha256

Number = Annotated[float, Field(allow_inf_nan=False, ge=-1e6, le=1e6)]
WeightsId = Annotated[str, Field(pattern=r"^([0-9a-f]{16})?$")]
"""The first 16 hex digits of the SHA-256 of fitted weights; empty for those that the package ships."""


class GroupFacts(Record):
    """A group of texts that could name the products: its features, how like names of products its meaning is (its share
    of the shipped score), and the F1 of the products that it would name.

    `names` has a row for each text: 1 if it names a product, else 0, and the measures of its lesson's `oddities`.
    """

    features: Mapping[str, Number]
    like: Number
    f1: Annotated[float, Field(ge=0, le=1)]
    names: tuple[tuple[Number, ...], ...]


class LessonFacts(Record):
    """What a document says whose names a person taught or corrected. `content`: the SHA-256 of its PDF."""

    content: Sha256
    oddities: tuple[str, ...]
    groups: tuple[GroupFacts, ...]


class LessonFile(Record):
    """Lessons as a file, for `python -m devtools.fit_products --lessons FILE`."""

    format: Annotated[int, Field(ge=1, le=1)] = 1
    lessons: tuple[LessonFacts, ...]


class LeftOut(Record):
    """The F1 of a taught document's names by the shipped weights, and by weights that were fitted to the other ones.

    `expected_…`: the F1 to expect by their probabilities, which tells them apart where both choose the same names.
    """

    document: str
    shipped: float
    fitted: float
    expected_shipped: float
    expected_fitted: float


class FittedWeights(Record):
    """Weights that were fitted to an owner's documents: who did so and when (Unix seconds), and how they do.

    `id` names them in the options of documents. New documents are read by the latest ones that are not turned off.
    """

    owner: str
    id: WeightsId
    lessons: int
    left_out: tuple[LeftOut, ...]
    by: str
    at: float
    off_by: str | None = None
    off_at: float | None = None
    in_use: bool = False

"""What both indexes must agree on, so that a search finds the same in either."""

import unicodedata
from collections.abc import Iterable, Sequence
from uuid import UUID

import numpy as np
from pydantic_core import PydanticSerializationError

from swatchbook.errors import Configuration, Failure, InvalidModelOutput, InvalidReference
from swatchbook.index.base import IndexObject, Space, Vector

FOLDED = ("category", "material", "colors")
"""Fields of words: compared whole, whatever their case. Each has a folded twin in the index."""

EXACT = ("documents", "products")
"""Fields of ids, compared as they are; so is the owner, for "Ann" may not see what "ann" owns."""

SMALLEST_NORM = 1e-12
"""Below it a vector counts as zero: float32 squares would underflow, and its cosine be NaN."""


def fold_word(text: str) -> str:
    """Canonical caseless form (Unicode 3.13, D145), trimmed: how words compare."""
    return unicodedata.normalize("NFD", unicodedata.normalize("NFD", text).casefold()).strip()


def fold_words(words: Iterable[str]) -> list[str]:
    """Each word folded, in order, without repetition."""
    return list(dict.fromkeys(map(fold_word, words)))


def admit(space: Space, objects: Sequence[IndexObject]) -> tuple[list[IndexObject], dict[str, Failure]]:
    """What may be sent, the last of each id, and the others' failures by id. Nothing here asks a server."""
    latest = {each.id: each for each in objects}
    failures = {each.id: flaw for each in latest.values() if (flaw := _flaw(space, each))}
    return [each for each in latest.values() if each.id not in failures], failures


def check_query(space: Space, vector: Vector) -> None:
    """Raises InvalidModelOutput for a query that no index could answer."""
    if reason := _unusable(space, vector):
        raise InvalidModelOutput(f"The query for space {space.name} is {reason}.")


def missing_space(space: Space) -> Configuration:
    """The failure of whatever asks a space that is not there."""
    return Configuration(
        f"The index has no space {space.name}.", advice="`swatchbook rebuild-index` fills it again from the ledger."
    )


def foreign_space(space: Space, difference: str) -> Configuration:
    """The failure of a space that something else has made, or made otherwise."""
    return Configuration(
        f"The index has a space {space.name} that is not as expected: {difference}.",
        advice="Point SWATCHBOOK_HOME or SWATCHBOOK_WEAVIATE_URL at an index of Swatchbook's own, "
        "or drop the space and run `swatchbook rebuild-index`.",
    )


def _flaw(space: Space, each: IndexObject) -> Failure | None:
    if not is_uuid(each.id):
        return InvalidReference(f"{each.id!r} is no UUID.")
    if reason := _unusable(space, each.vector):
        return InvalidModelOutput(f"The {space.role.value} vector of {each.id} is {reason}.")
    try:
        each.payload.model_dump_json()
    except PydanticSerializationError as error:  # a lone surrogate: neither index can store it
        return InvalidModelOutput(f"The text of {each.id} is not Unicode: {error}")
    return None


def _unusable(space: Space, vector: Vector) -> str | None:
    if vector.shape != (space.dimension,):
        return f"of shape {vector.shape} in a space of {space.dimension} dimensions"
    if not np.isfinite(vector).all():
        return "not finite"
    if np.linalg.norm(vector.astype(np.float64)) < SMALLEST_NORM:
        return "zero"
    return None


def is_uuid(text: str) -> bool:
    """Whether it is a UUID as `str(UUID)` writes it; another spelling would come back changed."""
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False

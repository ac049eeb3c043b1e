"""What both indexes must agree on, so that a search finds the same in either."""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

import numpy as np
from pydantic_core import PydanticSerializationError

from swatchbook.errors import Configuration, Failure, InvalidModelOutput, InvalidReference
from swatchbook.index.base import IndexObject, Space, Vector, Where

WORDS = ("category", "material", "colors", "names")
"""Fields of words. Each has a twin in the index, `<name>_words`, in which `word_keys` has written its values."""

EXACT = ("documents", "products")
"""Fields of ids, compared as they are; so is the owner, for "Ann" may not see what "ann" owns."""

SMALLEST_NORM = 1e-12
"""Below it a vector counts as zero: float32 squares would underflow, and its cosine be NaN."""


def fold_words(text: str) -> list[str]:
    """The words of a text as they compare: letters and digits, caseless, without accents; each once, sorted."""
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return sorted(set(re.findall(r"\w+", "".join(c for c in plain if not unicodedata.combining(c)))))


def word_keys(values: Iterable[str]) -> list[str]:
    """A field's values as its twin holds them: "Oak, brushed" is "<brushed><oak>". One without words is left out."""
    keys = ("".join(f"<{word}>" for word in fold_words(value)) for value in values)
    return [key for key in dict.fromkeys(keys) if key]


def word_pattern(asked: str, anything: str) -> str:
    """What to find in the key of any value that has all the words asked for; `anything` stands for any text.

    Both are sorted, so the words come in order. Beside words it has no signs but `<` and `>`. Where no word is asked
    for it is "<>", which is in no key.
    """
    return anything.join(f"<{word}>" for word in fold_words(asked)) or "<>"


class Condition(NamedTuple):
    """Column -> values, of which any is to be found: an id as it is, a text by all its words in one of the values."""

    ids: Mapping[str, Sequence[str]]
    texts: Mapping[str, Sequence[str]]


def conditions(where: Where) -> list[Condition]:
    """The filters by id and by words, all of which must hold. A product is asked for by id or by name."""
    ids = [each for each in where.products if is_uuid(each)]
    names = [each for each in where.products if not is_uuid(each)]
    asked = (
        Condition({"documents": where.documents}, {}),
        Condition({"products": ids}, {"names_words": names}),
        Condition({}, {"category_words": where.category}),
        Condition({}, {"material_words": where.material}),
        Condition({}, {"colors_words": where.colors}),
    )
    return [each for each in asked if any([*each.ids.values(), *each.texts.values()])]


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
        "or, if it is one of an earlier version, let `swatchbook rebuild-index` drop the space and make it anew.",
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

"""How filters match in both indexes: all words in one value, in any order, without case and accents; ids and owners
exactly. Also which objects and query vectors are refused (NaN, zero, wrong length), and the errors of a missing or
foreign space.
"""

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
"""Fields that filters match by words. For each the index has a second column, `<name>_words`, filled by `word_keys`."""

EXACT = ("documents", "products")
"""Fields of ids, which must be equal. So must the owner: "Ann" may not see what "ann" owns."""

SMALLEST_NORM = 1e-12
"""A shorter vector counts as zero: its squares would underflow in float32, and its cosine be NaN."""


def fold_words(text: str) -> list[str]:
    """Return a text's distinct words (letters and digits) without case and accents, sorted."""
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return sorted(set(re.findall(r"\w+", "".join(c for c in plain if not unicodedata.combining(c)))))


def word_keys(values: Iterable[str]) -> list[str]:
    """Return a field's values for its words column: "<brushed><oak>" for "Oak, brushed". Empty ones are left out."""
    keys = ("".join(f"<{word}>" for word in fold_words(value)) for value in values)
    return [key for key in dict.fromkeys(keys) if key]


def word_pattern(text: str, wildcard: str) -> str:
    """Return a pattern that matches the key of every value with all words of the text; `wildcard` matches any text.

    Keys and patterns are sorted, so the words are in the same order. Besides words it contains only `<` and `>`. For a
    text without words it is "<>", which no key contains.
    """
    return wildcard.join(f"<{word}>" for word in fold_words(text)) or "<>"


class Condition(NamedTuple):
    """Column -> values; one of them must match: an id exactly, a text by all its words in one value."""

    ids: Mapping[str, Sequence[str]]
    texts: Mapping[str, Sequence[str]]


def conditions(where: Where) -> list[Condition]:
    """Return the filters by id and by words, all of which must hold. A product is given by id or name."""
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
    """Return the valid objects (the last of each id), and id -> failure of the invalid ones. No server is called."""
    latest = {each.id: each for each in objects}
    failures = {each.id: failure for each in latest.values() if (failure := _validate(space, each))}
    return [each for each in latest.values() if each.id not in failures], failures


def check_query(space: Space, vector: Vector) -> None:
    """Raise InvalidModelOutput for an invalid query vector (NaN, zero or wrong length)."""
    if reason := _invalid(space, vector):
        raise InvalidModelOutput(f"The query for space {space.name} is {reason}.")


def missing_space(space: Space) -> Configuration:
    """Return the failure of an operation on a missing space."""
    return Configuration(
        f"The index has no space {space.name}.", advice="Run `swatchbook rebuild-index`: it fills it from the ledger."
    )


def foreign_space(space: Space, difference: str) -> Configuration:
    """Return the failure of a space whose schema is not ours."""
    return Configuration(
        f"The index has a space {space.name} with an unexpected schema: {difference}.",
        advice="Set SWATCHBOOK_HOME or SWATCHBOOK_WEAVIATE_URL to an index that only Swatchbook uses. "
        "If an earlier version created the space, run `swatchbook rebuild-index`: it drops it and creates it again.",
    )


def _validate(space: Space, each: IndexObject) -> Failure | None:
    if not is_uuid(each.id):
        return InvalidReference(f"{each.id!r} is not a UUID.")
    if reason := _invalid(space, each.vector):
        return InvalidModelOutput(f"The {space.role.value} vector of {each.id} is {reason}.")
    try:
        each.payload.model_dump_json()
    except PydanticSerializationError as error:  # a lone surrogate, which neither index can store
        return InvalidModelOutput(f"The text of {each.id} is not valid Unicode: {error}")
    return None


def _invalid(space: Space, vector: Vector) -> str | None:
    if vector.shape != (space.dimension,):
        return f"of shape {vector.shape} in a space of {space.dimension} dimensions"
    if not np.isfinite(vector).all():
        return "not finite"
    if np.linalg.norm(vector.astype(np.float64)) < SMALLEST_NORM:
        return "zero"
    return None


def is_uuid(text: str) -> bool:
    """Return whether this is a UUID as `str(UUID)` writes it; the index would change another spelling."""
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False

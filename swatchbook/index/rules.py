"""Translate filters into conditions on the columns of both indexes, and refuse invalid objects and query vectors.

Ids and owners match exactly, texts by the words in `words.py`. NaN, zero and wrong length are refused. Also here: the
errors of a missing or foreign space.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from pydantic_core import PydanticSerializationError, to_json

from swatchbook.domain.errors import Configuration, Failure, InvalidModelOutput, InvalidReference
from swatchbook.index.contract import Filter, IndexObject, Kind, Payload, Space, Vector, Where, columns_of
from swatchbook.index.matching import is_uuid, split_products
from swatchbook.index.terms import VERSION, text_terms
from swatchbook.index.words import Words, asked_words, word_keys

WORDS = (*columns_of(Kind.WORDS, Kind.TERMS), *columns_of(Kind.PRODUCTS))
"""Fields that filters match by words; for each of them the index has a second column, `<name>_words`."""

KEYWORDS = f"terms_{VERSION}"
"""The column that keyword search reads. A space with other terms lacks it and is refused as another schema."""

EXACT = (*columns_of(Kind.IDS), "products")
"""Fields of ids, which must be equal, as the owner must: "Ann" may not see what "ann" owns."""

NUMBERS, AMOUNTS = columns_of(Kind.NUMBERS), columns_of(Kind.AT_LEAST, Kind.AT_MOST)
"""Fields with several whole numbers, and fields with one number or none."""

SMALLEST_NORM = 1e-12
"""A shorter vector counts as zero: its squares would underflow in float32, and its cosine be NaN."""


class Condition(NamedTuple):
    """A condition on a column: alternatives, one of which must match, or the least or highest amount.

    Ids and numbers match exactly, words if one value has all of them.
    """

    exact: Mapping[str, Sequence[str] | Sequence[int]] = {}
    words: Mapping[str, Sequence[Words]] = {}
    at_least: Mapping[str, float] = {}
    at_most: Mapping[str, float] = {}


def conditions(where: Where) -> list[Condition]:
    """Return the conditions of the filters, all of which must hold, without those on owners and editions."""
    return [_condition(each, asked) for each, asked in where.asked()]


def _condition(each: Filter, asked: Any) -> Condition:
    match each.kind:
        case Kind.IDS | Kind.NUMBERS:
            return Condition(exact={each.column: list(asked)})
        case Kind.PRODUCTS:  # by id or name
            ids, names = split_products(asked)
            return Condition(exact={"products": ids}, words={f"{each.column}_words": asked_words(each.column, names)})
        case Kind.WORDS | Kind.TERMS:
            return Condition(words={f"{each.column}_words": asked_words(each.column, asked)})
        case Kind.AT_LEAST:
            return Condition(at_least={each.column: asked})
        case Kind.AT_MOST:
            return Condition(at_most={each.column: asked})


@lru_cache(maxsize=4_096)  # most objects of a batch share their values
def words_column(name: str, values: tuple[str, ...]) -> Sequence[str]:
    """Return the content of a field's words column."""
    return word_keys(name, values)


def keywords_column(payload: Payload) -> str:
    """Return the content of the column of keyword search."""
    return _keywords((*payload.names, payload.text), payload.languages)


@lru_cache(maxsize=1_024)  # more than are published together: an object has the same in each of its spaces
def _keywords(texts: tuple[str, ...], languages: tuple[str, ...]) -> str:
    return text_terms(texts, languages)


def admit(space: Space, objects: Sequence[IndexObject]) -> tuple[list[IndexObject], dict[str, Failure]]:
    """Return the valid objects (the last of each id), and id -> failure for the invalid ones. No server is called."""
    latest = {each.id: each for each in objects}
    if _are_valid(space, [*latest.values()]):
        return [*latest.values()], {}
    failures = {each.id: failure for each in latest.values() if (failure := _validate(space, each))}
    return [each for each in latest.values() if each.id not in failures], failures


def check_query(space: Space, vector: Vector) -> None:
    """Raise InvalidModelOutput for an invalid query vector (NaN, zero or wrong length)."""
    if reason := _invalid(space, vector):
        raise InvalidModelOutput(f"The query for space {space.name} is {reason}.")


def missing_space(space: Space) -> Configuration:
    """Return the failure of an operation on a missing space."""
    return Configuration(
        f"The index has no space {space.name}.",
        advice="Run `swatchbook upkeep rebuild-index`: it fills it from the ledger.",
    )


def foreign_space(space: Space, difference: str) -> Configuration:
    """Return the failure of a space whose schema is not ours."""
    return Configuration(
        f"The index has a space {space.name} with an unexpected schema: {difference}.",
        advice="Set SWATCHBOOK_HOME or SWATCHBOOK_WEAVIATE__URL to an index that only Swatchbook uses. "
        "If an earlier version created the space, run `swatchbook upkeep rebuild-index`: it creates it again.",
    )


def _are_valid(space: Space, objects: Sequence[IndexObject]) -> bool:
    """Return whether all objects are valid, in less than half of the time that testing each takes."""
    if not objects or any(each.vector.shape != (space.dimension,) or not is_uuid(each.id) for each in objects):
        return False
    stacked = np.stack([each.vector for each in objects])
    squares = np.einsum("ij,ij->i", stacked, stacked)  # not finite with NaN or infinity
    if not (np.isfinite(squares).all() and (squares >= (2 * SMALLEST_NORM) ** 2).all()):
        return False
    return _is_unicode([each.payload for each in objects])


def _validate(space: Space, each: IndexObject) -> Failure | None:
    """Return the failure of an object that is refused, else None."""
    if not is_uuid(each.id):
        return InvalidReference(f"{each.id!r} is not a UUID.")
    if reason := _invalid(space, each.vector):
        return InvalidModelOutput(f"The {space.role.value} vector of {each.id} is {reason}.")
    if not _is_unicode([each.payload]):
        return InvalidModelOutput(f"The text of {each.id} is not valid Unicode.")
    return None


def _is_unicode(payloads: Sequence[Payload]) -> bool:
    """Return whether no text has a lone surrogate, which neither index can store."""
    try:
        to_json(payloads)
    except PydanticSerializationError:
        return False
    return True


def _invalid(space: Space, vector: Vector) -> str | None:
    if vector.shape != (space.dimension,):
        return f"of shape {vector.shape} in a space of {space.dimension} dimensions"
    if not np.isfinite(vector).all():
        return "not finite"
    if np.linalg.norm(vector.astype(np.float64)) < SMALLEST_NORM:
        return "zero"
    return None

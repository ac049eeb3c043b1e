"""Decide in Python, from the payload, whether an image, a product or a chunk satisfies search filters.

The conditions are those that the indexes get from `rules.py`. They are tested for results before these are shown, and
for facets. A filter gives products by id or name.
"""

from collections.abc import Callable, Iterable
from functools import cache
from operator import attrgetter
from typing import Any

from swatchbook.domain.records import ID
from swatchbook.index.contract import SUPERSEDED, Filter, Kind, Payload, Where
from swatchbook.index.words import asked_words, words_of

Test = Callable[[Payload], bool]
"""A function that returns whether an image, a product or a chunk, given by its payload, satisfies the filters."""


def satisfies(where: Where) -> Test:
    """Return the test of these filters. The words of the filters are looked up once, for any number of payloads.

    An image of several products or documents satisfies the filters if one of these does: never by the price of one and
    the brand of another.
    """
    tests: list[Test] = [_test(each, asked) for each, asked in where.asked()]
    if where.whose:
        tests.append(lambda payload: payload.owner in where.whose)
    if where.newest_only:
        tests.append(lambda payload: payload.kind != SUPERSEDED)
    return lambda payload: any(all(test(part) for test in tests) for part in payload.parts or (payload,))


def _test(each: Filter, asked: Any) -> Test:
    """Return the test of one filter, which decides like the condition of `rules.py`."""
    stored: Callable[[Payload], Any] = attrgetter(each.column)
    match each.kind:
        case Kind.IDS | Kind.NUMBERS:
            wanted = frozenset(asked)
            return lambda payload: not wanted.isdisjoint(stored(payload))
        case Kind.PRODUCTS:
            ids, names = map(frozenset, split_products(asked))
            named = _any_has(each.column, names)
            return lambda payload: not ids.isdisjoint(payload.products) or named(stored(payload))
        case Kind.WORDS | Kind.TERMS:
            has = _any_has(each.column, asked)
            return lambda payload: has(stored(payload))
        case Kind.AT_LEAST:
            return lambda payload: (own := stored(payload)) is not None and bool(own >= asked)
        case Kind.AT_MOST:
            return lambda payload: (own := stored(payload)) is not None and bool(own <= asked)


def _any_has(column: str, asked: Iterable[str]) -> Callable[[Iterable[str]], bool]:
    """Return the test whether a value of a column has all words of one of the given texts.

    Each value is compared once: many payloads have the same.
    """
    alternatives = asked_words(column, asked)

    @cache
    def matches(value: str) -> bool:
        present = {*words_of(column, value)}
        return any(words and present.issuperset(words) for words in alternatives)

    return lambda values: any(map(matches, values))


def split_products(products: Iterable[str]) -> tuple[list[str], list[str]]:
    """Return the ids and the names among the products of a filter."""
    ids, names = list[str](), list[str]()
    for each in products:
        (ids if is_uuid(each) else names).append(each)
    return ids, names


def is_uuid(text: str) -> bool:
    """Return whether this is a UUID as `str(UUID)` writes it; the index would change another spelling."""
    return ID.fullmatch(text) is not None

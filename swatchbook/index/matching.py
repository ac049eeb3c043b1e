"""Whether an image, a product or a chunk satisfies search filters, decided in Python from its payload, by the same
conditions that the indexes get from `rules.py`: for results before they are shown, and for facets. A product is given
by id or name.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import cache, partial

from swatchbook.index.base import BY_WORDS, SUPERSEDED, TERMS, Payload, Where
from swatchbook.index.words import Words, asked_words, fold_words, ways, words_of
from swatchbook.records import ID

Test = Callable[[Payload], bool]
"""Whether an image, a product or a chunk, given by its payload, satisfies the filters."""


def satisfies(where: Where) -> Test:
    """Return the test of these filters. The words of the filters are looked up once, for any number of payloads.

    An image that several products or documents show satisfies them as one of these does: never by the price of one and
    the brand of another.
    """
    ids, names = split_products(where.products)
    named = _any_has(fold_words, list(map(fold_words, names)))
    tests: list[Test] = []
    if where.whose:
        tests.append(lambda payload: payload.owner in where.whose)
    if where.newest_only:
        tests.append(lambda payload: payload.kind != SUPERSEDED)
    if where.documents:
        tests.append(lambda payload: not {*where.documents}.isdisjoint(payload.documents))
    if where.products:
        tests.append(lambda payload: not {*ids}.isdisjoint(payload.products) or named(payload.names))
    tests += [_test_words(name, asked) for name in BY_WORDS if (asked := getattr(where, name))]
    tests += [_test_terms(name, asked) for name in TERMS if (asked := getattr(where, name))]
    if where.pages:
        tests.append(lambda payload: not {*where.pages}.isdisjoint(payload.pages))
    if (lowest := where.price_min) is not None:
        tests.append(lambda payload: payload.price is not None and payload.price >= lowest)
    if (highest := where.price_max) is not None:
        tests.append(lambda payload: payload.price is not None and payload.price <= highest)
    return lambda payload: any(all(test(part) for test in tests) for part in payload.parts or (payload,))


def _test_words(field: str, asked: Iterable[str]) -> Test:
    has = _any_has(partial(words_of, field), asked_words(field, asked))
    return lambda payload: has(getattr(payload, field))


def _test_terms(field: str, asked: Iterable[str]) -> Test:
    has = _any_has(partial(words_of, field), [words for text in asked for words in ways(text)])
    return lambda payload: has(getattr(payload, field))


def _any_has(read: Callable[[str], Words], alternatives: Sequence[Words]) -> Callable[[Iterable[str]], bool]:
    """Return the test whether one of some values has all words of an alternative.

    Each value is compared once: many payloads have the same.
    """

    @cache
    def matches(value: str) -> bool:
        present = {*read(value)}
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

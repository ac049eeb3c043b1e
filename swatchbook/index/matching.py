"""Whether an image, a product or a chunk satisfies search filters, decided in Python from its payload, by the same
conditions that the indexes get from `rules.py`: for results before they are shown, and for facets. A product is given
by id or name.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import cache
from uuid import UUID

from swatchbook.index.base import Payload, Where
from swatchbook.index.words import Words, fold_words, ways, words_and_terms

Test = Callable[[Payload], bool]
"""Whether an image, a product or a chunk, given by its payload, satisfies the filters."""


def satisfies(where: Where) -> Test:
    """Return the test of these filters. The words of the filters are looked up once, for any number of payloads."""
    ids, names = split_products(where.products)
    named = _test_words(names)
    tests: list[Test] = []
    if where.owner is not None:
        tests.append(lambda payload: payload.owner == where.owner)
    if where.documents:
        tests.append(lambda payload: not {*where.documents}.isdisjoint(payload.documents))
    if where.products:
        tests.append(lambda payload: not {*ids}.isdisjoint(payload.products) or named(payload.names))
    if where.category:
        in_category = _test_words(where.category)
        tests.append(lambda payload: in_category(payload.category))
    if where.material:
        of_material = _test_terms(where.material)
        tests.append(lambda payload: of_material(payload.material))
    if where.colors:
        of_color = _test_terms(where.colors)
        tests.append(lambda payload: of_color(payload.colors))
    if where.pages:
        tests.append(lambda payload: not {*where.pages}.isdisjoint(payload.pages))
    if (lowest := where.price_min) is not None:
        tests.append(lambda payload: payload.price is not None and payload.price >= lowest)
    if (highest := where.price_max) is not None:
        tests.append(lambda payload: payload.price is not None and payload.price <= highest)
    return lambda payload: all(test(payload) for test in tests)


def _test_words(asked: Iterable[str]) -> Callable[[Iterable[str]], bool]:
    return _any_has(fold_words, [fold_words(text) for text in asked])


def _test_terms(asked: Iterable[str]) -> Callable[[Iterable[str]], bool]:
    return _any_has(words_and_terms, [words for text in asked for words in ways(text)])


def _any_has(words_of: Callable[[str], Words], alternatives: Sequence[Words]) -> Callable[[Iterable[str]], bool]:
    """Return the test whether one of some values has all words of an alternative.

    Each value is compared once: many payloads have the same.
    """

    @cache
    def matches(value: str) -> bool:
        present = {*words_of(value)}
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
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False

"""Compare two editions of a catalogue: match their products, then compare names, prices (as numbers) and sizes.

Products are matched by code, then by name, then by a picture that only this product has in both editions.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Literal, NamedTuple

from swatchbook.domain.records import (
    ComparedDocument,
    Difference,
    Edition,
    EditionDiff,
    EditionProduct,
    PrintedPrice,
    ProductChange,
    fold,
)

By = Literal["code", "name", "picture"]


class Pair(NamedTuple):
    """The same product in the older and the newer edition, and the kind of key that matched them."""

    before: EditionProduct
    after: EditionProduct
    by: By


def compare(older: Edition, newer: Edition) -> EditionDiff:
    """Return the differences between the products of two editions, in the order of their pages."""
    pairs = match(older.products, newer.products)
    changes = [change for change in map(_change, pairs) if change.differences]
    renamed = tuple(each for each in changes if any(one.field == "name" for one in each.differences))
    old_ids, new_ids = {pair.before.listed.id for pair in pairs}, {pair.after.listed.id for pair in pairs}
    return EditionDiff(
        before=ComparedDocument(id=older.id, name=older.name),
        after=ComparedDocument(id=newer.id, name=newer.name),
        added=tuple(each.listed for each in newer.products if each.listed.id not in new_ids),
        removed=tuple(each.listed for each in older.products if each.listed.id not in old_ids),
        renamed=renamed,
        changed=tuple(each for each in changes if each not in renamed),
        unchanged=len(pairs) - len(changes),
        pictures=len(newer.pictures),
        pictures_unchanged=len(newer.pictures & older.pictures),
    )


# --- matching ---------------------------------------------------------------------------------------------------------


def match(older: Sequence[EditionProduct], newer: Sequence[EditionProduct]) -> list[Pair]:
    """Return the products that both editions have, in the order of the newer one. Each is matched once at most."""
    pairs = list[Pair]()
    for by, find in _MATCHERS:
        old_ids, new_ids = {pair.before.listed.id for pair in pairs}, {pair.after.listed.id for pair in pairs}
        left = [each for each in older if each.listed.id not in old_ids]
        right = [each for each in newer if each.listed.id not in new_ids]
        pairs += [Pair(before, after, by) for before, after in find(left, right)]
    position = {each.listed.id: number for number, each in enumerate(newer)}
    return sorted(pairs, key=lambda pair: position[pair.after.listed.id])


Found = Iterator[tuple[EditionProduct, EditionProduct]]


def _by_key(
    older: Iterable[EditionProduct],
    newer: Iterable[EditionProduct],
    key_of: Callable[[EditionProduct], Hashable | None],
) -> Found:
    """Yield products with the same key; several with one key are paired in order, if both editions have as many."""
    groups = defaultdict[Hashable, tuple[list[EditionProduct], list[EditionProduct]]](lambda: ([], []))
    for side, products in enumerate((older, newer)):
        for product in products:
            if key := key_of(product):
                groups[key][side].append(product)
    for before, after in groups.values():
        if len(before) == len(after):
            yield from zip(before, after, strict=True)


def _by_picture(older: Sequence[EditionProduct], newer: Sequence[EditionProduct]) -> Found:
    """Yield products that share the most pictures of no other product; on a tie, those with most at the same place."""
    only_before, only_after = _only_of_one(older), _only_of_one(newer)
    votes = Counter[tuple[int, int]]()
    for key in only_before.keys() & only_after.keys():
        before, after = only_before[key], only_after[key]
        if not (older[before].listed.code and newer[after].listed.code):
            votes[before, after] += 1
    places = [[{(p.page, p.box) for p in product.pictures} for product in side] for side in (older, newer)]
    best = sorted(votes, key=lambda pair: (-votes[pair], -len(places[0][pair[0]] & places[1][pair[1]]), pair))
    taken_before, taken_after = set[int](), set[int]()
    for before, after in best:
        if before not in taken_before and after not in taken_after:
            taken_before.add(before)
            taken_after.add(after)
            yield older[before], newer[after]


def _only_of_one(products: Sequence[EditionProduct]) -> dict[str, int]:
    """Return picture -> the number of its product, for pictures of one product only."""
    numbers = defaultdict[str, set[int]](set)
    for number, product in enumerate(products):
        for picture in product.pictures:
            numbers[picture.key].add(number)
    return {key: next(iter(of)) for key, of in numbers.items() if len(of) == 1}


_MATCHERS: Sequence[tuple[By, Callable[[Sequence[EditionProduct], Sequence[EditionProduct]], Found]]] = (
    ("code", partial(_by_key, key_of=lambda product: fold(product.listed.code or "") or None)),
    ("name", partial(_by_key, key_of=lambda product: (fold(product.listed.name), fold(product.category or "")))),
    ("name", partial(_by_key, key_of=lambda product: fold(product.listed.name))),
    ("picture", _by_picture),
)


# --- differences ------------------------------------------------------------------------------------------------------


def _change(pair: Pair) -> ProductChange:
    before, after, by = pair
    differences = [*_name(pair), *_prices(before.prices, after.prices), *_sizes(before.sizes, after.sizes)]
    return ProductChange(before=before.listed, after=after.listed, by=by, differences=tuple(differences))


def _name(pair: Pair) -> Iterator[Difference]:
    before, after = pair.before.listed.name, pair.after.listed.name
    if fold(before) != fold(after):
        yield Difference(field="name", before=before, after=after)


def _prices(before: Mapping[str, PrintedPrice], after: Mapping[str, PrintedPrice]) -> Iterator[Difference]:
    for variant in _variants(before, after):
        old, new = before.get(variant), after.get(variant)
        if old is None or new is None or not _is_same_price(old, new):
            yield Difference(
                field="price",
                variant=variant or None,
                before=old.text if old else None,
                after=new.text if new else None,
            )


def _is_same_price(one: PrintedPrice, other: PrintedPrice) -> bool:
    """Return whether two printed prices are equal; a currency that one of them does not name is that of the other.

    Prices without a number, such as "on request", are equal if their texts are.
    """
    if not (one.amounts or other.amounts):
        return fold(one.text) == fold(other.text)
    named = not one.currencies or not other.currencies or one.currencies == other.currencies
    return named and one.amounts == other.amounts


def _sizes(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[Difference]:
    for variant in _variants(before, after):
        old, new = before.get(variant), after.get(variant)
        if _size_key(old) != _size_key(new):
            yield Difference(field="size", variant=variant or None, before=old, after=new)


def _size_key(printed: str | None) -> str:
    """Return a size without spaces and with one sign for times: "60 × 120 cm" is "60x120cm"."""
    return "".join((printed or "").casefold().replace("×", "x").split())


def _variants(before: Mapping[str, object], after: Mapping[str, object]) -> list[str]:
    """Return "" for the product itself if either edition has a value for it, and the variants with values in both."""
    own = [""] if "" in before or "" in after else []
    return [*own, *(name for name in after if name and name in before)]

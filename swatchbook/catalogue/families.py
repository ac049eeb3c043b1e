"""Find families: two products or more with the same beginning of their names ("Door 1", "Door 2") or category."""

import re
from collections import Counter
from collections.abc import Sequence

from swatchbook.catalogue.attributes import code_of
from swatchbook.records import FoundProduct, fold

FEWEST_PRODUCTS = 2
"""The fewest products of a family."""
_NUMBER = re.compile(r"[\s.,:·№#-]+(?:no\.?\s*)?\d[\w.,/×*-]*$", re.IGNORECASE)
"""A number or a size at the end of a name, with the signs before it."""


def with_families(products: Sequence[FoundProduct]) -> list[FoundProduct]:
    """Return the products with the names of their families.

    The beginning of a name counts if it distinguishes some products of a category from others.
    """
    heads = [_head(p.name) for p in products]
    alike = Counter((p.category, fold(head)) for p, head in zip(products, heads, strict=True))
    below = Counter(p.category for p in products)
    found = []
    for product, head in zip(products, heads, strict=True):
        shared = alike[product.category, fold(head)]
        if shared >= FEWEST_PRODUCTS and (product.category is None or shared < below[product.category]):
            family: str | None = head
        else:
            family = product.category if below[product.category] >= FEWEST_PRODUCTS else None
        found.append(product.model_copy(update={"family": family}))
    return found


def _head(name: str) -> str:
    """Return a name without the number or size at its end; a code is one word."""
    return name if code_of(name) else _NUMBER.sub("", name).rstrip(" -–—") or name

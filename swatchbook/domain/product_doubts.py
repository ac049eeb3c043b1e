"""Why a person should look at a product that was found, or at a whole document: the one place for these reasons. Pages
list such products first, `swatchbook products` and `GET /products/{id}` name the reasons.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from swatchbook.domain.product_edits import BY_HAND
from swatchbook.domain.records import DISAGREEMENT, Product, Variant, fold
from swatchbook_base.one_line import one_line, shorten
from swatchbook_base.printed_prices import is_unclear
from swatchbook_base.truncate import truncate

UNLIKELY: Final = 0.7
"""Names with a lower fitted probability are wrong in every second case: of 498 on twelve catalogues that nothing was
fitted on, 129 had less, and 61 of the 80 wrong ones were among these; under 0.5 it is 23 (docs/quality.md#look-at)."""

DOUBTFUL: Final = 0.5
"""Documents of whose products the discovery is less sure are read badly in five of six cases, others well in four of
five: 40 of 48 and 82 of 103, left out with their sets; on thirty documents aside 12 of 12 and 13 of 18."""


NO_PRODUCTS: Final = "No products found. This may be wrong."
_MOST_PRICES = 5  # that are named
_SHOWN = 100  # characters of each


def is_doubtful(sure: float | None) -> bool:
    """Return whether the products of a document are rather bad than good (`Discovery.sure`)."""
    return sure is not None and sure < DOUBTFUL


def reasons_to_look(product: Product) -> tuple[str, ...]:
    """Return the reasons in words; none for a product that a person has edited.

    Of the item of a source only its prices are doubtful.
    """
    if any(each.rule == BY_HAND for each in product.evidence):
        return ()
    unclear = unclear_prices(product.metadata, product.variants)
    return (*(_reasons(product) if product.pages else ()), *([tell_unclear(unclear)] if unclear else []))


def unclear_prices(metadata: Mapping[str, str], variants: Sequence[Variant]) -> tuple[str, ...]:
    """Return the prices of a product and its variants that can be read in two ways."""
    prices = (metadata.get("price"), *(variant.price for variant in variants))
    return tuple(dict.fromkeys(price for price in prices if price and is_unclear(price)))


def tell_unclear(prices: Sequence[str]) -> str:
    shown = ", ".join(truncate([shorten(one_line(price), _SHOWN) for price in prices], _MOST_PRICES))
    return f"Prices that can be read in two ways: {shown}."


def _reasons(product: Product) -> Iterator[str]:
    if product.confidence < UNLIKELY:
        yield f"Is this a product? ({100 * product.confidence:.0f} % likely)"
    groups = {fold(each) for each in (product.category, product.family) if each}
    if fold(product.name) in groups or product.name.rstrip().endswith(":"):
        yield "Its name reads like a heading."
    yield from (each.text for each in product.evidence if each.rule == DISAGREEMENT and each.text)

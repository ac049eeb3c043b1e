"""How far the account of a document can be trusted, as one number."""

from collections.abc import Sequence


def confidence(products: Sequence[float], *, planned: int, lost: int, complete: int, found: int) -> float:
    """Mean of the products' confidences × share of planned pages not lost × images complete / found (1 if none).

    Between 0 and 1; 0 without products, for nothing was said that could be trusted.
    """
    if not products:
        return 0.0
    said = sum(products) / len(products)
    pages = 1 - lost / planned if planned else 1.0
    images = complete / found if found else 1.0
    return said * pages * images

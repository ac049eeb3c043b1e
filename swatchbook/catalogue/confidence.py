"""Compute the `confidence_score` of a document from its products' confidences, lost pages and complete images.

`analysis.py` computes the score of an analysis.
"""

from collections.abc import Sequence


def confidence(products: Sequence[float], *, planned: int, lost: int, complete: int, found: int) -> float:
    """Return the confidence in a document's result, 0 to 1; 0 without products.

    It is the mean of the products' confidences × the share of planned pages that were not lost × the share of found
    images that are complete (1 where no page was planned or no image found).
    """
    if not products:
        return 0.0
    mean = sum(products) / len(products)
    pages = 1 - lost / planned if planned else 1.0
    images = complete / found if found else 1.0
    return mean * pages * images

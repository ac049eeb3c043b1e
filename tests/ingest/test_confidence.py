"""The confidence of a document is a product of three shares."""

import pytest

from swatchbook.ingest.finish_run import confidence


def test_confidence_multiplies_products_pages_and_images():
    assert confidence([0.8, 0.6], planned=10, lost=1, complete=45, found=50) == pytest.approx(0.7 * 0.9 * 0.9)
    assert confidence([0.5], planned=2, lost=0, complete=0, found=0) == 0.5
    assert confidence([], planned=2, lost=0, complete=9, found=9) == 0.0

"""Where the region below a name begins and ends."""

import pytest

from swatchbook.catalogue.discover import lay_out
from swatchbook.catalogue.sections import find_sections
from swatchbook.records import Block, Box
from tests.catalogue import layouts
from tests.catalogue.layouts import Document, page, text


def regions(*blocks: Block, names: tuple[str, ...]) -> dict[str, Box]:
    own = [text(60, 700 + 14 * n, "Words of the text of the page, as long as others are here") for n in range(8)]
    shown = page(1, [*blocks, *own])
    document, _ = lay_out(layouts.reading(Document([shown], [])), [shown])
    (layout,) = document.layouts
    heads = [each for each in layout.texts if each.text in names]
    styles = {document.family[each.style] for each in heads}
    found = find_sections(document, styles, {(1, each.box): each.text for each in heads})
    return {section.name: box for section in found for _, box in section.regions}


@pytest.mark.parametrize("large", ["Rp149.000", "Valor unitário:"])
def test_large_price_does_not_end_a_section(large: str) -> None:
    blocks = [text(60, 100, "Oslo", 16), text(60, 200, large, 18), text(60, 400, "Bergen", 16)]
    assert regions(*blocks, names=("Oslo", "Bergen"))["Oslo"][3] == pytest.approx(400, abs=2)


def test_heading_right_above_a_name_is_not_beside_it() -> None:
    blocks = [text(64, 100, "Chrysanthemums", 20), text(60, 124, "Oslo", 16), text(300, 124, "Bergen", 16)]
    found = regions(*blocks, names=("Oslo", "Bergen"))
    assert found["Oslo"][2] == pytest.approx(292, abs=2)
    assert found["Bergen"][0] == pytest.approx(292, abs=2)

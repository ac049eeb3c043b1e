"""Labels before names: known ones of names and codes, and those that all names of one document have."""

import pytest
from test_discover import found_in

from swatchbook.domain.records import Block, Page
from swatchbook_catalogue.name_candidates import product_name
from swatchbook_catalogue.name_labels import without_label
from swatchbook_catalogue.page_layout import Text, summarise_page
from swatchbook_catalogue.table_rows import ALL_NAME_HEADS, DESCRIPTIONS
from tests.catalogue import layouts
from tests.catalogue.layouts import Document
from tests.tables import check_rows

NAME_SIZE = 11  # points


def test_only_labels_before_a_name_are_cut() -> None:
    check_rows(__file__, "names", lambda text: product_name(Text(1, (0, 0, 100, 10), (text,), 10, False)))
    check_rows(__file__, "without_label", without_label)
    for label in ALL_NAME_HEADS - DESCRIPTIONS:
        assert without_label(f"{label.upper()}: Alder") == without_label(f"{label} : Alder") == "Alder", label


def labelled(document: Document, label: str) -> Document:
    """The document with a label before each name."""

    def with_label(block: Block) -> Block:
        span = block.lines[0].spans[0]
        return layouts.text(*block.bbox[:2], f"{label} {span.text}", NAME_SIZE) if span.size == NAME_SIZE else block

    def with_labels(page: Page) -> Page:
        return page.model_copy(update={"blocks": tuple(map(with_label, page.blocks))})

    return document._replace(pages=[*map(with_labels, document.pages)])


@pytest.mark.parametrize("label", ["Art.", "Название:", "Our choice :"])
def test_products_are_named_without_the_label_that_all_have(label: str) -> None:
    document = layouts.card_grid()
    found = found_in(labelled(document, label))
    assert [p.name for p in found.products] == [p.name for p in document.products]


def test_words_before_a_colon_that_only_some_names_have_stay() -> None:
    document = layouts.card_grid()
    first = labelled(document._replace(pages=document.pages[:3]), "Limited:")
    names = {p.name for p in found_in(document._replace(pages=[*first.pages, *document.pages[3:]])).products}
    expected = {f"Limited: {p.name}" if p.first <= 3 else p.name for p in document.products}
    assert names == expected


def test_words_behind_the_label_of_a_code_stay_a_text() -> None:
    lines = ["REF: POLO B", "REF: HFE", "REF: AB-1234", "Size: 30 x 40 cm"]
    page = layouts.page(1, [layouts.text(60, 60 + 50 * n, line) for n, line in enumerate(lines)])
    layout = summarise_page(page)
    assert [t.text for t in layout.texts] == ["REF: POLO B"]
    assert [a.value for a in layout.attributes] == ["POLO B", "HFE", "AB-1234", "30 x 40 cm"]

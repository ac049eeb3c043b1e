"""Labels before names: known ones of names and codes, and those that all names of one document have."""

from swatchbook_catalogue.name_candidates import product_name
from swatchbook_catalogue.name_labels import without_label
from swatchbook_catalogue.page_layout import Text, summarise_page
from swatchbook_catalogue.table_rows import ALL_NAME_HEADS, DESCRIPTIONS
from tests.catalogue import layouts
from tests.tables import check_rows

NAME_SIZE = 11  # points


def test_only_labels_before_a_name_are_cut() -> None:
    check_rows(__file__, "names", lambda text: product_name(Text(1, (0, 0, 100, 10), (text,), 10, False)))
    check_rows(__file__, "without_label", without_label)
    for label in ALL_NAME_HEADS - DESCRIPTIONS:
        assert without_label(f"{label.upper()}: Alder") == without_label(f"{label} : Alder") == "Alder", label


def test_words_behind_a_code_label_stay_a_text() -> None:
    lines = ["REF: POLO B", "REF: HFE", "REF: AB-1234", "Size: 30 x 40 cm"]
    page = layouts.page(1, [layouts.text(60, 60 + 50 * n, line) for n, line in enumerate(lines)])
    layout = summarise_page(page)
    assert [t.text for t in layout.texts] == ["REF: POLO B"]
    assert [a.value for a in layout.attributes] == ["POLO B", "HFE", "AB-1234", "30 x 40 cm"]

"""What is printed of materials, as values to filter by."""

from swatchbook.index.printed_materials import materials_in
from swatchbook.index.words import read_vocabulary
from tests.tables import check_rows


def test_materials_of_a_list_are_values() -> None:
    check_rows(__file__, "lists", materials_in)


def test_top_terms_are_colours_or_materials() -> None:
    terms = read_vocabulary()
    assert not [name for name, term in terms.items() if term.is_color and term.broader]
    materials = {name for name, term in terms.items() if not term.broader and not term.is_color}
    assert materials >= {"stone", "wood", "metal", "textile", "plastic", "glass"}
    assert materials.isdisjoint(("white", "black", "grey", "multicoloured"))

"""What is printed of materials, as values to filter by."""

from swatchbook.index.printed_materials import materials_in
from swatchbook.index.words import read_vocabulary

LISTS = {
    "Porcelain stoneware, glazed": ["Porcelain stoneware, glazed"], "100 % new wool, jute back": ["new wool", "jute"],
    "Brass, copper or stainless steel": ["Brass", "copper", "stainless steel"],
    "80% cotton 20% polyester": ["cotton", "polyester"], "ALGODÓN 80-86%, NYLON 15-12%": ["ALGODÓN", "NYLON"],
    "100 % linen, 420 g/m2": ["linen"], "European oak on spruce core": ["European oak on spruce core"],
    "хлопок 80%, эластан 20%": ["хлопок", "эластан"], "gres porcellanato, cotto": ["gres porcellanato", "cotto"],
    "Zamak, Brass": ["Zamak", "Brass"], "": [],
}  # fmt: skip


def test_materials_of_a_list_are_values() -> None:
    assert {printed: materials_in(printed) for printed in LISTS} == LISTS


def test_top_terms_are_colours_or_materials() -> None:
    terms = read_vocabulary()
    assert not [name for name, term in terms.items() if term.is_color and term.broader]
    materials = {name for name, term in terms.items() if not term.broader and not term.is_color}
    assert materials >= {"stone", "wood", "metal", "textile", "plastic", "glass"}
    assert materials.isdisjoint(("white", "black", "grey", "multicoloured"))

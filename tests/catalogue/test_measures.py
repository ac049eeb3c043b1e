"""What a short line says without a label."""

import pytest

from swatchbook.catalogue.attributes import code_of, labels_within
from swatchbook.catalogue.measures import composition_in, facts_in_text, kind_of, size_in, values_in, values_in_name


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("€ 64.00 per m²", {"price": "€ 64.00 per m²"}),
        ("R$ 1.299,00/m²", {"price": "R$ 1.299,00/m²"}),
        ("MP 7.470,00 RSD", {"price": "7.470,00 RSD"}),
        ("15,90 KM", {"price": "15,90 KM"}),
        ("120.000 đ", {"price": "120.000 đ"}),
        ("10 KM", {}),  # a distance
        ("Precio 12.50", {"price": "12.50"}),
        ("1.234,50 EUR", {"price": "1.234,50 EUR"}),
        ("60 x 120 cm", {"dimensions": "60 x 120 cm"}),
        ("L40 × W30 × H12 cm", {"dimensions": "L40 × W30 × H12 cm"}),
        ("305 x 125", {"dimensions": "305 x 125"}),
        ("H 75 cm", {"dimensions": "H 75 cm"}),
        ("25 cm x 25 cm e 8 cm de altura.", {"dimensions": "25 cm x 25 cm e 8 cm de altura"}),
        ("40 x 30 cm, 5 cm thick", {"dimensions": "40 x 30 cm, 5 cm thick"}),
        ("40 x 30 cm and 5 cm more", {"dimensions": "40 x 30 cm"}),
        ("Ш: 350", {"dimensions": "Ш: 350"}),
        ("A: 350", {}),
        ("• 1.227 gr", {"weight": "1.227 gr"}),
        ("200 – 300 g", {"weight": "200 – 300 g"}),
        ("W60 D40 H75 cm", {"dimensions": "W60 D40 H75 cm"}),
        ("L 40 41 42 43", {}),  # sizes of socks
        ("Ref. 10-445", {"code": "10-445"}),
        ("Арт. 12345", {"code": "12345"}),
        ("HS Code 6907", {}),  # of the customs
        ("Modell 120 cm", {}),
        ("3165140853675", {"ean": "3165140853675"}),
        ("3165140853674", {}),  # its check digit is wrong
        ("light grey", {"color": "light grey"}),
        ("Black/Nature", {"color": "Black/Nature"}),
        ("RAL 7016", {"color": "RAL 7016"}),
        ("Orange", {}),  # it is a fruit, too
        ("White Rhino", {}),
        ("бел/роз", {"color": "бел/роз"}),
        ("букет роз", {}),
        ("R10 B", {"slip_rating": "R10 B"}),
        ("2,5 kg", {"weight": "2,5 kg"}),
        ("750 ml", {"capacity": "750 ml"}),
        ("5 planks / carton = 2.2 m²", {"packaging": "5 planks / carton = 2.2 m²"}),
        ("12 шт в упаковке", {"packaging": "12 шт в упаковке"}),
        ("Poche 150 g/300 g", {"packaging": "Poche 150 g/300 g"}),
        ("Tubo de 70 g", {"packaging": "Tubo de 70 g"}),
        ("ПЭТ-бутылка 5 л", {"packaging": "ПЭТ-бутылка 5 л"}),
        ("CARTON ×108", {"packaging": "CARTON ×108"}),
        ("Roll 0,53 x 10 m", {"dimensions": "0,53 x 10 m"}),
        ("Box spring bed 200", {}),
        ("S, M, L, XL", {"size": "S, M, L, XL"}),
        ("36, 37, 38, 39", {"size": "36, 37, 38, 39"}),
        ("80% cotton 20% polyester", {"material": "80% cotton 20% polyester"}),
        ("algodón 75%, poliamida 25%", {"material": "algodón 75%, poliamida 25%"}),
        ("Weight 400 Gms", {"weight": "400 Gms"}),
        ("Width 40 cm", {"width": "40 cm"}),
        ("Weight of 400 stars", {}),
        ("100% cotton", {"material": "100% cotton"}),
        ("It keeps 100% of the light out", {}),  # praise
        ("80% cotton", {}),  # of what is the rest?
        ("39, 38, 37, 36", {}),  # a list of sizes rises
        ("120 cm", {}),  # of any side or part
        ("The table is 120 x 60 cm and stands in any room of your house", {}),  # prose
        ("page 12", {}),
    ],
)
def test_short_line_says_what_its_signs_and_units_say(text: str, values: dict[str, str]) -> None:
    assert dict(values_in(text)) == values


def test_size_without_a_unit_counts_alone_and_in_a_name() -> None:
    assert size_in("600 x 600") == "600 x 600"
    assert size_in("in 600 x 600 pieces") is None
    assert dict(values_in_name("Paving 30x30")) == {"dimensions": "30x30"}
    assert dict(values_in_name("Kerb 0.5 m")) == {"dimensions": "0.5 m"}
    assert dict(values_in_name("Alder")) == {}


def test_code_in_a_name_has_three_digits() -> None:
    assert dict(values_in_name("T7086 squares")) == {"code": "T7086"}
    assert dict(values_in_name("Squares 86607-1")) == {"code": "86607-1"}
    for name in ("RK100", "Model A12", "The T7086 squares"):
        assert dict(values_in_name(name)) == {}


def test_colour_that_ends_a_name_is_the_products() -> None:
    assert dict(values_in_name("T7086 beige")) == {"code": "T7086", "color": "beige"}
    assert dict(values_in_name("Tabouret (bleu clair)")) == {"color": "bleu clair"}
    for name in ("Green tea", "Red", "Vaso Orange"):
        assert "color" not in dict(values_in_name(name))


def test_listed_colours_are_single_values() -> None:
    assert list(values_in("Cru, Areia e Cinza Claro")) == [("color", name) for name in ("Cru", "Areia", "Cinza Claro")]


def test_price_is_no_code() -> None:
    assert [code_of(text) for text in ("170.52EUR", "170.52A", "T7086")] == [None, "170.52A", "T7086"]


def test_value_of_one_unit_tells_its_key() -> None:
    assert [kind_of(text) for text in ("3 kg", "0.5 l", "40 mm", "3 kg each", "")] == [
        "weight", "capacity", "dimensions", None, None,
    ]  # fmt: skip


def test_colours_that_goods_are_available_in_are_read_from_a_text() -> None:
    assert list(facts_in_text("Disponible en negro, blanco y marrón.")) == [
        ("color", "negro"),
        ("color", "blanco"),
        ("color", "marrón"),
    ]
    assert not list(facts_in_text("Available in three sizes"))


def test_shares_make_a_composition_only_if_they_add_up_to_the_whole() -> None:
    assert composition_in("Shell: wool 60 %, linen 40 %, woven") == "wool 60 %, linen 40 %"
    assert composition_in("wool 60 %, linen 30 %") is None


def test_labels_within_a_line_begin_behind_a_sign_or_a_number() -> None:
    assert [found[1:] for found in labels_within("Polo 12 - Size: 23 x 18; Weight: 2 kg")] == [
        ("size", "Size", "23 x 18"), ("weight", "Weight", "2 kg"),
    ]  # fmt: skip
    assert not list(labels_within("Shatter pack: 23 x 18"))

"""Metadata comes from a product's own labels, tables and patterns, verbatim."""

import pytest

from swatchbook.catalogue.attributes import key_of
from swatchbook.catalogue.describe import assemble_products, describe
from swatchbook.catalogue.discover import discover
from swatchbook.records import Description, Discovery, FoundProduct, Occurrence, Table
from tests.catalogue import layouts
from tests.catalogue.layouts import page, text


def product(*, pages=(1,), occurrences=()):
    return FoundProduct(
        name="Alder",
        raw_name="Alder",
        first_page=pages[0],
        last_page=pages[-1],
        pages=pages,
        occurrences=occurrences,
        confidence=0.7,
    )


def test_labels_of_several_languages_become_the_same_keys():
    blocks = [
        text(60, 100, "Maße: 60 x 120 cm"), text(60, 120, "Matériau : chêne massif"), text(60, 140, "Acabado: mate"),
        text(60, 160, "Цвет: белый"), text(60, 180, "Peso: 12 kg"), text(60, 200, "Prezzo: € 120,00"),
    ]  # fmt: skip
    assert describe(product(), [page(1, blocks)], []).metadata == {
        "dimensions": "60 x 120 cm", "material": "chêne massif", "finish": "mate", "color": "белый", "weight": "12 kg",
        "price": "€ 120,00",
    }  # fmt: skip


def test_values_stand_right_of_their_labels_or_below():
    beside = [text(60, 100, "Size:"), text(150, 100, "60 x 60 cm"), text(60, 120, "Finish:"), text(150, 120, "matt")]
    below = [text(60, 200, "Colour"), text(60, 213, "sand"), text(200, 200, "Weight"), text(200, 213, "4 kg")]
    metadata = describe(product(), [page(1, [*beside, *below])], []).metadata
    assert metadata == {"size": "60 x 60 cm", "finish": "matt", "color": "sand", "weight": "4 kg"}


def test_labels_side_by_side_head_columns():
    row = [text(60, 100, "Format"), text(200, 100, "Contents"), text(340, 100, "Weight")]
    values = [text(60, 115, "60 x 120 cm"), text(200, 115, "2 pieces"), text(340, 115, "31 kg")]
    assert describe(product(), [page(1, [*row, *values])], []).metadata == {"size": "60 x 120 cm", "weight": "31 kg"}


def test_wrapped_value_is_whole():
    blocks = [text(60, 100, "Material: solid oak and"), text(60, 112, "recycled steel"), text(60, 124, "Price: 30 €")]
    metadata = describe(product(), [page(1, blocks)], []).metadata
    assert metadata == {"material": "solid oak and recycled steel", "price": "30 €"}


def test_several_values_of_a_key_are_kept_in_order():
    blocks = [text(60, 100, "Colour: sand"), text(60, 200, "Colour: slate"), text(60, 300, "Colour: sand")]
    assert describe(product(), [page(1, blocks)], []).metadata == {"color": "sand; slate"}


def test_tables_give_rows_of_label_and_value_and_columns_under_headings():
    side = Table(page=1, bbox=(50, 90, 400, 200), rows=(("Thickness", "9 mm"), ("Slip rating", "R10 B")), header=False)
    top = Table(page=1, bbox=(50, 300, 400, 400), rows=(("Code", "Size"), ("AB-1", "30 x 60"), ("AB-2", "60 x 60")))
    foreign = Table(page=2, bbox=None, rows=(("Material", "wool"), ("Weight", "1 kg")))
    described = describe(product(), [page(1, [])], [side, top, foreign])
    assert described.metadata == {
        "thickness": "9 mm", "slip_rating": "R10 B", "code": "AB-1; AB-2", "size": "30 x 60; 60 x 60",
    }  # fmt: skip
    assert described.tables == (side, top)


def test_heads_of_tables_are_no_values():
    rows = (("Format", "Contents", "Weight"), ("60 x 120", "2 pcs", "33 kg"))
    blocks = [text(60, 305, "Format"), text(200, 305, "Contents"), text(300, 305, "Weight")]
    described = describe(product(), [page(1, blocks)], [Table(page=1, bbox=(50, 300, 400, 400), rows=rows)])
    assert described.metadata == {"size": "60 x 120", "weight": "33 kg"}


def test_unlabelled_price_and_size_in_short_lines_are_found():
    blocks = [
        text(60, 100, "80 x 80 x 74 cm"),
        text(60, 120, "€ 449,-"),
        text(60, 140, "it is 12 x 3 m says a long sentence of it here"),
    ]
    metadata = describe(product(), [page(1, blocks)], []).metadata
    assert metadata["dimensions"] == "80 x 80 x 74 cm"
    assert metadata["price"].startswith("€ 449")


def test_amount_with_its_currency_is_a_price_behind_any_label():
    blocks = [text(60, 100, "Custo final: R$3,65"), text(60, 140, "Data: 3,65")]
    assert describe(product(), [page(1, blocks)], []).metadata == {"price": "R$3,65", "data": "3,65"}


@pytest.mark.parametrize(
    ("lines", "price", "regular"),
    [
        (("statt 699,00 € nur 629,00 €",), "629,00 €", "699,00 €"),
        (("Preis: statt 699,00 € nur 629,00 €",), "629,00 €", "699,00 €"),
        (("629,00 € (UVP 699,00 €)",), "629,00 €", "699,00 €"),
        (("statt 699,00 €", "629,00 €"), "629,00 €", "699,00 €"),
        (("RRP: £99.00", "Price: £79.00"), "£79.00", "£99.00"),
        (("Was £99.00 Now £79.00",), "£79.00", "£99.00"),
        (("au lieu de 99,00 € : 79,00 €",), "79,00 €", "99,00 €"),
        (("UVP 699,00 €",), "699,00 €", None),
        (("statt 59,00 € nur 69,00 €",), "69,00 €", None),
        (("statt 99 € nur 79 €", "statt 89 € nur 69 €"), "79 €; 69 €", None),  # of which article?
    ],
)
def test_price_is_that_of_today_beside_the_former(lines, price, regular):
    blocks = [text(60, 100 + 40 * n, line) for n, line in enumerate(lines)]
    found = describe(product(), [page(1, blocks)], []).metadata
    assert (found["price"], found.get("regular_price")) == (price, regular)


def test_sign_of_a_currency_may_be_a_line_of_its_own():
    beside = [text(60, 100, "Rp", 8), text(75, 104, "149.000", 24), text(300, 300, "27.500", 24)]
    assert describe(product(), [page(1, beside)], []).metadata == {"price": "Rp 149.000"}
    apart = [text(60, 100, "Rp", 8), text(300, 104, "149.000", 24)]
    assert describe(product(), [page(1, apart)], []).metadata == {}


def test_product_of_a_shared_page_takes_only_its_region():
    left, right = (0.0, 0.0, 290.0, 842.0), (300.0, 0.0, 595.0, 842.0)
    blocks = [text(60, 100, "Material: oak"), text(340, 100, "Material: beech")]
    for region, material in ((left, "oak"), (right, "beech")):
        own = product(occurrences=(Occurrence(page=1, bbox=region, region=region, text="Alder"),))
        assert describe(own, [page(1, blocks)], []).metadata == {"material": material}


def test_every_value_is_text_of_the_products_pages():
    for make in (layouts.heading_and_specification, layouts.german, layouts.mid_page_starts, layouts.spreads):
        document = make()
        for found in discover(layouts.reading(document), document.pages).products:
            page_text = " ".join(p.text for p in document.pages if p.number in found.pages)
            metadata = describe(found, document.pages, []).metadata
            assert metadata["material"] == "porcelain stoneware"
            assert all(value in page_text for values in metadata.values() for value in values.split("; "))


def test_equal_products_get_different_ids_that_do_not_depend_on_the_rest():
    third = FoundProduct(
        name="Birke",
        raw_name="Birke",
        category="Tables",
        first_page=3,
        last_page=3,
        pages=(3,),
        family="Tables",
        confidence=0.5,
    )
    twins = [product(pages=(1,)), product(pages=(2,)), third]
    discovery = Discovery(products=tuple(twins))
    nothing = Description(metadata={})
    a, b, c = assemble_products("document", discovery, [nothing, Description(metadata={"code": "A-1"}), nothing])
    alone = assemble_products("document", Discovery(products=(twins[0],)), [nothing])
    assert len({a.id, b.id, c.id}) == 3
    assert alone[0].id == a.id
    assert (b.code, c.family, c.category) == ("A-1", "Tables", "Tables")


def test_more_labels_count_for_metadata_than_for_names():
    blocks = [text(60, 100, "Rozměry: 60 x 120 cm"), text(60, 120, "색상: 화이트"), text(60, 140, "Boja: crvena")]
    described = describe(product(), [page(1, blocks)], []).metadata
    assert described == {"dimensions": "60 x 120 cm", "color": "화이트; crvena"}
    assert key_of("Rozměry") is None


def test_choices_of_which_one_is_surely_a_colour_are_colours():
    blocks = [
        text(60, 100, "Style: Off White/Deck"),
        text(60, 120, "Style: Cacau"),
        text(60, 140, "Pattern: herringbone"),
    ]
    assert describe(product(), [page(1, blocks)], []).metadata == {
        "color": "Off White/Deck; Cacau", "pattern": "herringbone",
    }  # fmt: skip


def named(name: str, x: float, y: float) -> Occurrence:
    return Occurrence(page=1, bbox=(x, y, x + 60, y + 12), region=(x, y, x + 200, y + 100), text=name)


def test_end_of_a_name_is_a_colour_where_that_of_its_twin_is():
    own = product(occurrences=(named("T10 limón", 60, 100),)).model_copy(update={"name": "T10 limón"})
    for twin, expected in (("T10 negro", {"color": "limón"}), ("T11 negro", {}), ("T10 wide", {})):
        assert describe(own, [page(1, [])], [], [named(twin, 300, 100)]).metadata == expected


def test_price_goes_on_with_its_currency_and_free_labels_with_short_values_count():
    blocks = [
        text(60, 100, "Precio Inc IVA : 155"),
        text(60, 112, "EUR (25,870 Pta.)"),
        text(60, 300, "Mood: calm"),
    ]
    assert describe(product(), [page(1, blocks)], []).metadata == {
        "price": "155 EUR (25,870 Pta.)", "mood": "calm",
    }  # fmt: skip


def test_type_is_a_code_if_it_looks_like_one():
    assert describe(product(), [page(1, [text(60, 100, "Type: BIS-SB2")])], []).metadata == {"code": "BIS-SB2"}
    assert describe(product(), [page(1, [text(60, 100, "Type: indoor")])], []).metadata == {"type": "indoor"}


def test_table_head_gives_label_and_unit():
    rows = (
        ("Typ", "VonkajšierozmeryAxBxC", "Vnútorné rozmery A1 x B1 x C1", "Hmotnosť (cca. kg)", "Počet dverí (ks)"),
        ("EK 4310", "830 x 600 x 550", "680 x 480 x 420", "95", "1"),
    )
    described = describe(product(), [page(1, [])], [Table(page=1, bbox=(50, 300, 400, 400), rows=rows)])
    assert described.metadata["weight"] == "95 kg"
    assert described.metadata["dimensions"] == "830 x 600 x 550; 680 x 480 x 420"


def test_unit_behind_a_comma_is_that_of_its_column():
    rows = (("Расчетная масса m, кг", "Цена с НДС"), ("140,0", "27 500,00р."))
    described = describe(product(), [page(1, [])], [Table(page=1, bbox=(50, 300, 400, 400), rows=rows)])
    assert described.metadata == {"weight": "140,0 кг", "price": "27 500,00р."}


TABLE_HEADS = ("CAT. NO.", "CAP ML", "PACKING", "PRICE/EACH")
TABLE_ROWS = (("1120/15", "15", "36", "₹ 350"), ("1120/25", "25", "30", "₹ 380"))
OF_ALL_ROWS = {"code": "1120/15; 1120/25", "capacity": "15 ML; 25 ML", "packaging": "36; 30", "price": "₹ 350; ₹ 380"}


def test_table_below_a_name_gives_the_values_of_all_its_rows():
    blocks = [text(60, 100, "Alder")]
    blocks += [text(60 + 100 * n, 120, head) for n, head in enumerate(TABLE_HEADS)]
    blocks += [text(60 + 100 * n, 136 + 16 * row, cell) for row in (0, 1) for n, cell in enumerate(TABLE_ROWS[row])]
    blocks += [text(60, 300, "9999/99"), text(360, 300, "₹ 1")]  # another table's, without heads
    own = product(occurrences=(named("Alder", 60, 100).model_copy(update={"region": (50, 90, 550, 400)}),))
    assert describe(own, [page(1, blocks)], []).metadata == OF_ALL_ROWS


def test_rows_of_a_table_belong_to_the_title_above_them():
    rows = (("Oslo", "", "", ""), TABLE_HEADS, ("1", "1", "1", "₹ 1"), ("Alder", "", "", ""), TABLE_HEADS, *TABLE_ROWS)
    table = Table(
        page=1, bbox=(50, 100, 400, 400), rows=(*rows, ("Bergen", "", "", ""), TABLE_HEADS, ("2", "2", "2", "₹ 2"))
    )
    others = [named("Oslo", 60, 100), named("Bergen", 60, 300)]
    assert describe(product(), [page(1, [])], [table], others).metadata == OF_ALL_ROWS


def test_size_continues_in_the_next_line():
    blocks = [
        text(60, 100, "Características:"),
        text(60, 112, "39 cm x 19 cm e 9"),
        text(60, 124, "cm de profundidade."),
        text(60, 136, "Quantidade para 1 m2: 14 unidades"),
        text(60, 148, "Intensidade: alta"),
    ]
    assert describe(product(), [page(1, blocks)], []).metadata == {
        "dimensions": "39 cm x 19 cm e 9 cm de profundidade", "quantity": "14 unidades", "intensity": "alta",
    }  # fmt: skip


def test_size_behind_a_free_label_is_one():
    blocks = [text(60, 100, "Características: 25 cm x 25 cm e 8 cm de altura. ")]
    assert (
        describe(product(), [page(1, blocks)], []).metadata["dimensions"].startswith("25 cm x 25 cm e 8 cm de altura")
    )


def test_pack_size_of_a_page_holds_for_all():
    blocks = [text(60, 80, "5 planks / carton"), text(60, 100, "Alder", 16), text(300, 100, "Bergen", 16)]
    blocks += [text(60, 60, "Tubo de 70 g")]
    own = product(occurrences=(named("Alder", 60, 100),))
    assert describe(own, [page(1, blocks)], [], [named("Bergen", 300, 100)]).metadata == {
        "packaging": "5 planks / carton"
    }


def test_misread_unit_of_grams_is_one():
    heads = [text(60, 100, "Наименование"), text(220, 100, "Вес"), text(320, 100, "Цена")]
    row = [text(60, 120, "Alder"), text(220, 120, "420r"), text(320, 120, "90 ₽")]
    own = product(occurrences=(named("Alder", 60, 120).model_copy(update={"region": (50, 118, 400, 134)}),))
    assert describe(own, [page(1, [*heads, *row])], []).metadata["weight"] == "420г"

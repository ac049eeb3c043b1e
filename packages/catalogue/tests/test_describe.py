"""Metadata comes from a product's own labels, tables and patterns, verbatim."""

from swatchbook.domain.records import Description, Discovery, Occurrence, Table
from swatchbook_catalogue.attributes import key_of
from swatchbook_catalogue.describe import assemble_products, describe_all
from swatchbook_catalogue.discover import discover
from tests.catalogue import layouts
from tests.catalogue.layouts import found_product, page, read_facts, text
from tests.tables import check_rows


def test_texts_and_tables_give_their_metadata():
    def read(_, lines, tables):
        known = [Table(page=number, bbox=box, rows=rows, header=header) for number, box, rows, header in tables]
        described = read_facts(found_product("Alder"), [page(1, [text(*line) for line in lines])], known)
        assert described.tables == tuple(table for table in known if table.page == 1)
        return described.metadata

    check_rows(__file__, "metadata", read)
    assert key_of("Rozměry") is None, "fewer labels count for names"


def test_product_reads_only_its_region_of_a_page():
    left, right = (0.0, 0.0, 290.0, 842.0), (300.0, 0.0, 595.0, 842.0)
    blocks = [text(60, 100, "Material: oak"), text(340, 100, "Material: beech")]
    for region, material in ((left, "oak"), (right, "beech")):
        own = found_product("Alder", occurrences=(Occurrence(page=1, bbox=region, region=region, text="Alder"),))
        assert read_facts(own, [page(1, blocks)], []).metadata == {"material": material}


def test_every_value_is_text_of_the_products_pages():
    for make in (layouts.heading_and_specification, layouts.german, layouts.mid_page_starts, layouts.spreads):
        document = make()
        for found in discover(layouts.reading(document), document.pages).products:
            page_text = " ".join(p.text for p in document.pages if p.number in found.pages)
            metadata = read_facts(found, document.pages, []).metadata
            assert metadata["material"] == "porcelain stoneware"
            assert all(value in page_text for values in metadata.values() for value in values.split("; "))


def test_equal_products_have_different_ids_independent_of_others():
    third = found_product("Birke", 3, category="Tables", family="Tables")
    twins = (found_product("Alder", 1), found_product("Alder", 2))
    nothing = Description(metadata={})
    described = [nothing, Description(metadata={"code": "A-1"}), nothing]
    a, b, c = assemble_products("document", Discovery(products=(*twins, third)), described)
    alone = assemble_products("document", Discovery(products=twins[:1]), [nothing])
    assert len({a.id, b.id, c.id}) == 3
    assert alone[0].id == a.id
    assert (b.code, c.family, c.category) == ("A-1", "Tables", "Tables")


def named(name: str, x: float, y: float) -> Occurrence:
    return Occurrence(page=1, bbox=(x, y, x + 60, y + 12), region=(x, y, x + 200, y + 100), text=name)


TABLE_HEADS = ("CAT. NO.", "CAP ML", "PACKING", "PRICE/EACH")
TABLE_ROWS = (("1120/15", "15", "36", "₹ 350"), ("1120/25", "25", "30", "₹ 380"))
OF_ALL_ROWS = {"code": "1120/15; 1120/25", "capacity": "15 ML; 25 ML", "packaging": "36; 30", "price": "₹ 350; ₹ 380"}


def test_table_below_a_name_gives_its_shared_values():
    blocks = [text(60, 100, "Alder")]
    blocks += [text(60 + 100 * n, 120, head) for n, head in enumerate(TABLE_HEADS)]
    blocks += [text(60 + 100 * n, 136 + 16 * row, cell) for row in (0, 1) for n, cell in enumerate(TABLE_ROWS[row])]
    blocks += [text(60, 300, "9999/99"), text(360, 300, "₹ 1")]  # another table's, without heads
    own = found_product(
        "Alder", occurrences=(named("Alder", 60, 100).model_copy(update={"region": (50, 90, 550, 400)}),)
    )
    of_all = {key: value for key, value in OF_ALL_ROWS.items() if key not in ("code", "price")}
    assert read_facts(own, [page(1, blocks)], []).metadata == of_all
    cells = [text(60, 100, "Наименование"), text(220, 100, "Вес"), text(320, 100, "Цена")]
    cells += [text(60, 120, "Alder"), text(220, 120, "420r"), text(320, 120, "90 ₽")]
    own = found_product(
        "Alder", occurrences=(named("Alder", 60, 120).model_copy(update={"region": (50, 118, 400, 134)}),)
    )
    assert read_facts(own, [page(1, cells)], []).metadata["weight"] == "420г", "a letter that was misread"


def test_pack_size_of_a_page_holds_for_all():
    blocks = [text(60, 80, "5 planks / carton"), text(60, 100, "Alder", 16), text(300, 100, "Bergen", 16)]
    blocks += [text(60, 60, "Tubo de 70 g")]
    own = found_product("Alder", occurrences=(named("Alder", 60, 100),))
    assert read_facts(own, [page(1, blocks)], [], [named("Bergen", 300, 100)]).metadata == {
        "packaging": "5 planks / carton"
    }


def test_unclear_code_or_price_is_reported_not_taken():
    """Another catalogue says elsewhere: All plants 3 €."""
    plants = [found_product(f"Plant {n}", occurrences=(named(f"Plant {n}", 60, 100 * n),)) for n in range(1, 6)]
    codes = [text(60, 100, "Code: AB-12"), text(60, 300, "Code: AB-13")]
    for products, blocks, said in (
        (plants, [text(60, 530, "3 €")], "Its price is unclear: 3 €."),
        ([found_product("Alder")], codes, "Its code is unclear: AB-12; AB-13."),
    ):
        last = describe_all(Discovery(products=tuple(products)), [page(1, blocks)], [])[-1]
        assert (last.metadata, last.evidence[0].text) == ({}, said)
    own, model = found_product("Alder", code="AB-12"), text(60, 300, "Model: Level 360")
    assert read_facts(own, [page(1, [codes[0], model])], []).metadata == {"code": "AB-12"}

"""Pages are skipped for a reason; an unclear page is kept."""

from swatchbook.catalogue.discover import discover
from swatchbook.catalogue.plan import make_plan
from swatchbook.records import Discovery, Plan
from tests.catalogue import layouts
from tests.catalogue.layouts import Document, page, prose, text


def planned(document: Document, *, focus: bool = True) -> Plan:
    reading = layouts.reading(document)
    return make_plan(reading, document.pages, discover(reading, document.pages), focus)


def test_cover_index_and_contacts_are_skipped_and_product_pages_kept():
    plan = planned(layouts.long_sections())
    skipped = {p.number: p.reason for p in plan.pages if p.kind == "skipped"}
    assert skipped == {1: "cover", 2: "index", 18: "contacts"}
    assert plan.shown == tuple(range(3, 18))


def test_divider_listed_in_the_outline_is_skipped_and_an_opener_is_not():
    plan = planned(layouts.coded_colours())
    assert {p.number: p.reason for p in plan.pages if p.kind == "skipped" and 1 < p.number < 29} == {
        2: "section divider", 11: "section divider", 20: "section divider",
    }  # fmt: skip


def test_without_focus_only_pages_without_content_are_skipped():
    document = layouts.long_sections()
    blank = Document([*document.pages, page(19, [])], document.products, document.outline)
    assert [p.number for p in planned(blank, focus=False).pages if p.kind == "skipped"] == [19]


def test_certificates_and_specifications_outside_products_are_entity_pages():
    pages = [
        layouts.cover(),
        page(2, [text(60, 60, "Certificates", 28), text(60, 120, "ISO 9001, FSC"), *prose(60, 150, layouts.WORDS)]),
        page(3, [text(60, 60, "Sizes of all boards", 18), *layouts.specification(120)]),
        page(4, prose(60, 60, layouts.WORDS * 3), [(60, 300, 500, 600)]),
        layouts.contacts(5),
    ]
    plan = make_plan(layouts.reading(Document(pages, [])), pages, Discovery(products=()), True)
    assert [p.kind for p in plan.pages] == ["skipped", "entity", "entity", "product", "skipped"]
    assert "ISO 9001" in plan.pages[1].reason
    assert plan.pages[3].reason.startswith("kept")


def test_document_of_a_single_page_has_no_skipped_page():
    pages = [page(1, [text(60, 60, "Alder", 30)], [(60, 100, 500, 600)])]
    assert make_plan(layouts.reading(Document(pages, [])), pages, Discovery(products=()), True).shown == (1,)

"""Pages are skipped on evidence of what they are; any other page is kept."""

from swatchbook.domain.records import Block, Discovery, Page, Plan
from swatchbook_catalogue.discover import discover
from swatchbook_catalogue.plan import make_plan
from tests.catalogue import layouts
from tests.catalogue.layouts import Document, page, prose, text


def planned(document: Document, *, focus: bool = True, taken: tuple[int, ...] = ()) -> Plan:
    reading = layouts.reading(document)
    return make_plan(reading, document.pages, discover(reading, document.pages), focus, taken=taken)


def without_products(pages: list[Page]) -> Plan:
    return make_plan(layouts.reading(Document(pages, [])), pages, Discovery(products=()), True)


def test_only_cover_index_contacts_and_blanks_are_skipped():
    document = layouts.long_sections()
    plan = planned(document)
    skipped = {p.number: p.reason for p in plan.pages if p.kind == "skipped"}
    assert skipped == {1: "cover", 2: "index", 18: "contacts"}
    assert plan.shown == tuple(range(3, 18))
    blank = document._replace(pages=[*document.pages, page(19, [])])
    assert [p.number for p in planned(blank, focus=False).pages if p.kind == "skipped"] == [19], "without content"


def test_dividers_in_outline_are_skipped_and_openers_kept():
    plan = planned(layouts.coded_colours())
    assert {p.number: p.reason for p in plan.pages if p.kind == "skipped" and 1 < p.number < 29} == {
        2: "section divider", 11: "section divider", 20: "section divider",
    }  # fmt: skip


def test_certificates_and_specifications_outside_products_are_entity_pages():
    pages = [
        layouts.cover(),
        page(2, [text(60, 60, "Certificates", 28), text(60, 120, "ISO 9001, FSC"), *prose(60, 150, layouts.WORDS)]),
        page(3, [text(60, 60, "Sizes of all boards", 18), *layouts.specification(120)]),
        page(4, prose(60, 60, layouts.WORDS * 3), [(60, 300, 500, 600)]),
        layouts.contacts(5),
    ]
    plan = without_products(pages)
    assert [p.kind for p in plan.pages] == ["skipped", "entity", "entity", "product", "skipped"]
    assert "ISO 9001" in plan.pages[1].reason
    assert plan.pages[3].reason.startswith("Kept")


def test_first_and_last_page_are_kept_unless_identified():
    photo = [(60, 100, 500, 600)]
    middle = [page(n, prose(60, 60, layouts.WORDS * 3), photo) for n in (2, 3)]

    def kinds(first: list[Block], last: list[Block]) -> list[str]:
        pages = [page(1, first, photo), *middle, page(4, last, photo)]
        plan = without_products(pages)
        return [plan.pages[0].reason, plan.pages[3].reason]

    slogan, kept = [text(60, 700, "The art of sitting", 30)], "Kept: this page may show a product."
    assert kinds(slogan, slogan) == [kept, kept]
    assert kinds([], []) == [kept, kept]
    assert kinds([text(60, 700, "C A T A L O G U E  2 0 2 6", 30)], slogan) == ["cover", kept]
    assert kinds([text(60, 700, "Material Book 2026", 30)], slogan) == ["cover", kept]
    assert kinds(slogan, [*slogan, text(60, 740, "mail@maker.example, www.maker.example")]) == [kept, "contacts"]


def test_heading_skips_no_page_of_priced_pictures():
    grid = [(60, 100, 160, 200), (200, 100, 300, 200)]
    heading = [text(60, 40, "Vision", 28)]
    names = [text(60, 205, "Alder"), text(200, 205, "Birch")]
    price = [text(60, 205, "€ 12.50")]
    for lines, kind in ((heading, "skipped"), ([*heading, *names], "product"), ([*heading, *price], "product")):
        pages = [layouts.cover(), page(2, lines, grid), layouts.contacts(3)]
        plan = without_products(pages)
        assert plan.pages[1].kind == kind, lines


def test_only_rising_page_numbers_make_an_index():
    def table(numbers: list[int]) -> Page:
        rows = [
            (text(60, 60 + 20 * n, f"Board {'ABCDEF'[n]}"), text(300, 60 + 20 * n, str(p)))
            for n, p in enumerate(numbers)
        ]
        return page(2, [line for row in rows for line in row])

    for numbers, kind in (
        ([18, 75, 45, 55, 13, 75], "product"),  # weights
        ([180, 240, 260, 310, 380, 450], "product"),  # prices, cheapest first
        ([1, 2, 3, 4, 5, 9], "skipped"),
    ):
        pages = [layouts.cover(), table(numbers), layouts.contacts(3)]
        plan = without_products(pages)
        assert plan.pages[1].kind == kind
    assert plan.searched == (1, 3), "an index repeats what stands on other pages"


def test_skipped_pages_list_pictures_and_taken_ones_stay():
    document = layouts.long_sections()
    photo = (60.0, 100.0, 500.0, 600.0)
    pages = [page(1, [text(60, 40, "Catalogue", 30)], [photo]), *document.pages[1:]]
    plain, again = (planned(document._replace(pages=pages), taken=taken) for taken in ((), (1, 5)))
    first = plain.pages[0]
    assert (first.kind, [picture.bbox for picture in first.pictures]) == ("skipped", [photo])
    assert (again.pages[0].kind, again.pages[0].reason, again.pages[0].pictures) == ("product", "taken in: cover", ())
    assert again.pages[1:] == plain.pages[1:]

"""Names that are told by their place or their rows, and signs that a document offers goods."""

from collections.abc import Callable, Iterable, Sequence
from statistics import mean

import pytest
from test_discover import found_in, score

from swatchbook.domain.records import Block, Page
from swatchbook_catalogue.attributes import is_code
from swatchbook_catalogue.choose_names import Weights, choose_names
from swatchbook_catalogue.discover import lay_out
from swatchbook_catalogue.kinds import says_catalogue
from swatchbook_catalogue.measures import says_measure
from swatchbook_catalogue.name_groups import NameGroup, find_name_groups, find_oddities
from swatchbook_catalogue.page_layout import Text, is_name, summarise_page
from tests.catalogue import layouts, plain
from tests.catalogue.layouts import Document


def test_catalogues_with_descriptions_only_have_their_products() -> None:
    """These catalogues were not fitted on."""
    unseen = [plain.described(number) for number in range(100, 120)]
    scores = [score(document, found_in(document))[0] for document in unseen]
    assert mean(scores) >= 0.75, scores


def test_brochures_without_goods_have_few_products() -> None:
    """These brochures were not fitted on."""
    silent = [not found_in(plain.brochure(number)).products for number in range(100, 120)]
    assert sum(silent) >= 18, silent


def groups_of(pages: list[Page]) -> Sequence[NameGroup]:
    return find_name_groups(*lay_out(layouts.reading(Document(pages, [])), pages))


def names_of(groups: Iterable[NameGroup]) -> list[tuple[str, ...]]:
    return [tuple(candidate.name for candidate in group.candidates) for group in groups]


def test_texts_at_one_place_group_whatever_their_style() -> None:
    """A line above them that comes again is no page's own title."""
    names = ("Alder", "Birke", "Cedro", "Dune")
    for heads in (
        lambda n, name: [layouts.text(60, 60, name, 14 + 9 * n)],
        lambda n, name: [
            layouts.text(60, 60, ("Indoor series", "Outdoor series")[n % 2], 30), layouts.text(60, 200, name, 14 + n),
        ],
    ):  # fmt: skip
        pages = [
            layouts.page(n, [*heads(n, name), *layouts.prose(60, 300, "calm " * 40)]) for n, name in enumerate(names, 2)
        ]
        groups = groups_of([layouts.cover(), *pages, layouts.contacts(6)])
        assert names in names_of(group for group in groups if group.role)


def test_lines_of_a_table_are_separate_texts() -> None:
    right_to_left = [(300, "نخود ممتاز"), (200, "900")]
    for cells in ([(60, "СП-300-8,5/10,5"), (200, "375,0"), (300, "9 200")], right_to_left):
        blocks = [layouts.text(x, 100 + 12 * row, words, 9) for row in range(4) for x, words in cells]
        assert [t.text for t in summarise_page(layouts.page(1, blocks)).texts].count(cells[0][1]) == 4


def test_short_name_next_to_long_descriptions_is_found() -> None:
    cells = [(60, "Alder", 14), (200, "a late grape of dark colour", 9), (420, "375,0", 9), (480, "9 200", 9)]
    rows = [layouts.text(x, 100 + 80 * row, words, size) for row in range(4) for x, words, size in cells]
    pages = [layouts.page(1, rows)]
    assert ("Alder",) * 4 in names_of(groups_of(pages))


def test_first_texts_of_priced_rows_are_a_group() -> None:
    names = [("Alder", "Birke"), ("Cedro", "Dunes"), ("Elmen", "Fichte")]
    rows = [
        layouts.text(x, 100 + 60 * row, words, size)
        for row, pair in enumerate(names)
        for left, name in zip((60, 320), pair, strict=True)
        for x, words, size in ((left, name, 11 + 4 * row), (left + 80, "kilo", 9), (left + 150, "1100 din", 9))
    ]
    pages = [layouts.page(1, rows)]
    assert {name for pair in names for name in pair} in map(set, names_of(g for g in groups_of(pages) if g.role))


def test_texts_without_anything_that_products_have_are_bare() -> None:
    page = layouts.page(
        1, [layouts.text(60, 100, "Alder", 20), layouts.text(60, 130, "€ 12,00"), layouts.text(60, 500, "Birke", 20)]
    )
    (group,) = (group for group in groups_of([page]) if names_of([group]) == [("Alder", "Birke")])
    assert group.features["bare"] == pytest.approx(1 / 2)
    assert [odd["bare"] for odd in find_oddities(group)] == [0, 1]


def test_addresses_in_most_footers_make_no_contacts_page() -> None:
    names = tuple(f"Honey {word}" for word in ("Linden", "Acacia", "Oak", "Rose"))
    foot = [layouts.text(60, 780, "www.example.com", 8), layouts.text(300, 780, "+49 30 1234567", 8)]
    pages = [layouts.page(n, [layouts.text(60, 300, name, 20), *foot]) for n, name in enumerate(names, 1)]
    assert names in names_of(groups_of(pages))


def test_names_codes_measures_and_catalogues_are_told() -> None:
    names = ("чай черный Чжень Шань Сяо Чжу", "the best of all our teas")
    assert [is_name(Text(1, (0, 0, 100, 10), (name,), 10, False)) for name in names] == [True, False]
    assert [is_code(text) for text in ("СП-300-8,5/10,5", "A-1", "A - 102", "51.00")] == [True, True, True, False]
    assert [says_measure(text) for text in ("длина 400 мм", "масса, кг", "in 2024 г.")] == [True, True, False]
    titles = ("Каталог 2026", "DANH MỤC SẢN PHẨM", "Brochure 2026")
    assert [bool(says_catalogue(title)) for title in titles] == [True, True, False]


def test_likeliest_of_many_unrelated_groups_names_no_products() -> None:
    """A group that others back is taken although it is no likelier itself."""
    names = ["Alder", "Birke", "Cedro", "Dune", "Elm"]
    pages = [layouts.page(1, [layouts.text(60, 60 + 90 * n, name, 10 + 4 * n) for n, name in enumerate(names)])]
    groups = groups_of(pages)
    apart = [g for g in groups if len(g.candidates) == 1]
    weights = Weights({"few": (0.0, 1.0, 0.0)}, (), -9.0, {}, 5.0)
    assert len(apart) == len(names)
    assert choose_names(apart, weights) is None
    assert choose_names(apart[:1] * len(names), weights) is not None


def with_names_of_size(
    document: Document, size: Callable[[int, str], float], bold: Callable[[str], bool] = lambda _: False
) -> Document:
    """The document with the size and weight of each name, which is 11 points before, by its page and letters."""

    def sized(block: Block, page: int) -> Block:
        (span,) = block.lines[0].spans
        if span.size != 11:
            return block
        changed = span.model_copy(update={"size": size(page, span.text), "bold": bold(span.text)})
        return block.model_copy(update={"lines": (block.lines[0].model_copy(update={"spans": (changed,)}),)})

    pages = [p.model_copy(update={"blocks": tuple(sized(b, p.number) for b in p.blocks)}) for p in document.pages]
    return document._replace(pages=pages)


def test_names_of_nearly_one_size_are_not_split() -> None:
    for size, groups in (
        (lambda _, name: 11.0 if len(name) < 12 else 10.2, 1),  # long names are set smaller
        (lambda _, name: 11.3 if len(name) < 12 else 10.9, 1),
        (lambda page, _: (10.0, 11.0, 12.0)[page % 3], 3),
        (lambda _, name: 11.0 if len(name) < 14 else 9.5, 2),  # of one page, each at its own picture
    ):
        document = with_names_of_size(layouts.card_grid(3, 3), size)
        found = groups_of(document.pages)
        sizes = [len(group.candidates) for group in found if not group.role and group.style[0] < 15]
        assert (len(sizes), sum(sizes)) == (groups, 72)
        assert score(document, found_in(document))[0] == 1.0, "groups of one style join"


def test_smaller_texts_at_pictures_join_no_names() -> None:
    document = layouts.card_grid(3, 3)

    def smaller(block: Block) -> Block:
        words = block.lines[0].text
        made = f"Made by hand in {words.split()[-1]}"
        return layouts.text(*block.bbox[:2], made, 9.5) if words.startswith("a calm") else block

    pages = [page.model_copy(update={"blocks": tuple(map(smaller, page.blocks))}) for page in document.pages]
    names = {product.name for product in document.products}
    assert {p.name for p in found_in(document._replace(pages=pages)).products} == names

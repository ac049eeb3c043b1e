"""Links: scored relations with their reasons."""

from typing import Any

import pytest

from swatchbook.domain.records import (
    Box,
    Chunks,
    Discovery,
    Link,
    LinkKind,
    Page,
    Placement,
    PlacementState,
    Product,
    Traits,
    Variant,
    placement_id,
    text_key,
)
from swatchbook_base.geometry import turn_box
from swatchbook_catalogue.chunk import chunk
from swatchbook_catalogue.describe import assemble_products, describe_all
from swatchbook_catalogue.discover import discover
from swatchbook_catalogue.link import link
from swatchbook_catalogue.link_features import measure, places_of
from swatchbook_catalogue.picture_roles import Shown, roles_of
from swatchbook_catalogue.plan import make_plan
from tests.catalogue import layouts
from tests.catalogue.layouts import Document


def placed(document: Document, **state: object) -> list[Placement]:
    """A placement for each picture of the document."""
    return [
        Placement.model_validate(
            {
                "id": placement_id("document", p.number, "embedded", d.number, d.bbox), "page": p.number,
                "kind": "embedded", "bbox": d.bbox, "xref": d.number, "state": PlacementState.SHOWN,
                "content_key": text_key(f"{p.number} {d.number}"), **state,
            }
        )
        for p in document.pages
        for d in p.drawn
    ]  # fmt: skip


def found_on(document: Document) -> tuple[Discovery, tuple[Product, ...]]:
    discovery = discover(layouts.reading(document), document.pages)
    return discovery, assemble_products("document", discovery, describe_all(discovery, document.pages, []))


def linked(document: Document, placements: list[Placement]) -> tuple[tuple[Product, ...], Chunks, tuple[Link, ...]]:
    reading, (discovery, products) = layouts.reading(document), found_on(document)
    plan = make_plan(reading, document.pages, discovery, True)
    chunks = chunk("document", reading, document.pages, plan, [])
    return products, chunks, link(products, discovery, placements, chunks.chunks, document.pages)


def names_of(links: tuple[Link, ...], products: tuple[Product, ...], placement: Placement) -> list[str]:
    names = {p.id: p.name for p in products}
    return [names[made.target] for made in links if made.kind is LinkKind.IMAGE_PRODUCT and made.source == placement.id]


def test_each_part_of_a_page_gets_its_picture():
    for make in (
        layouts.card_grid, layouts.cards_beside, layouts.code_cards, layouts.spreads, layouts.mid_page_starts,
    ):  # fmt: skip
        document = make()
        products, _, links = linked(document, placed(document))
        named = [p for p in placed(document) if p.page in {t.first for t in document.products}]
        assert [names_of(links, products, p) for p in named] == [[t.name] for t in document.products]


def test_pictures_on_product_pages_are_linked_without_names():
    document = layouts.long_sections()
    placements = placed(document)
    products, _, links = linked(document, placements)
    for placement in placements:
        owner = [t.name for t in document.products if t.first <= placement.page <= t.last]
        assert names_of(links, products, placement) == owner


def test_heading_on_the_next_page_ends_a_product():
    document = layouts.long_sections()
    here, name = [p for p in placed(document) if p.page == 4], document.products[0].name
    discovery, products = found_on(document)
    headed = layouts.text(60, 420, "Quite Another", 26)
    pages = [
        page.model_copy(update={"blocks": (headed, *page.blocks)}) if page.number == 4 else page
        for page in document.pages
    ]
    for shown, names in ((document.pages, [[name], [name]]), (pages, [[], []])):
        links = link(products, discovery, placed(document), (), shown)
        assert [names_of(links, products, p) for p in here] == names


def test_texts_like_names_are_measured_at_unnamed_pictures():
    document = layouts.card_grid()
    discovery, products = found_on(document)
    gone = next(p for p in products if p.first_page == 2)
    left = [n for n, p in enumerate(products) if p is not gone]
    known = discovery.model_copy(update={"products": tuple(discovery.products[n] for n in left)})
    placements = [p for p in placed(document) if p.page == 2]
    pairs = measure(places_of([products[n] for n in left], known, placements, document.pages))
    unnamed = [found for found in pairs.values() if all(pair.features["stranger"] > 0 for pair in found)]
    assert len(unnamed) == 1
    assert max(pair.features["stranger_near"] for pair in unnamed[0]) > 0


def test_hidden_decorative_and_certificate_pictures_are_not_linked():
    document = layouts.card_grid()
    for state in (PlacementState.HIDDEN, PlacementState.DECORATIVE):
        _, _, links = linked(document, placed(document, state=state))
        assert {made.kind for made in links} == {LinkKind.CHUNK_PRODUCT}
    document = layouts.heading_and_specification()
    _, _, links = linked(document, [placed(document, caption="ISO 9001 certificate")[1]])
    assert LinkKind.IMAGE_PRODUCT not in {made.kind for made in links}


def test_caption_raises_the_score_and_is_evidence():
    document = layouts.heading_and_specification()
    plain, captioned = placed(document)[1], placed(document, caption="Alder, laid in a herringbone")[1]
    scores = {}
    for placement in (plain, captioned):
        _, _, links = linked(document, [placement])
        (made,) = [made for made in links if made.kind is LinkKind.IMAGE_PRODUCT]
        scores[placement.caption] = made.score
        assert ("caption" in {e.rule for e in made.evidence}) == bool(placement.caption)
    assert scores["Alder, laid in a herringbone"] > scores[None]


def test_picture_over_several_cards_is_linked_to_each():
    document = layouts.card_grid()
    whole = placed(document)[1].model_copy(update={"bbox": (0.0, 150.0, 595.0, 842.0)})
    products, _, links = linked(document, [whole])
    assert sorted(names_of(links, products, whole)) == sorted(
        t.name for t in document.products if t.first == whole.page
    )
    of_products = [made for made in links if made.kind is LinkKind.IMAGE_PRODUCT]
    assert all("shared picture" in {e.rule for e in made.evidence} for made in of_products)


def test_chunks_are_linked_to_the_products_they_describe():
    for make in (layouts.card_grid, layouts.long_sections, layouts.repeated_names):
        products, chunks, links = linked(make(), [])
        of_chunk = {c.id: {made.target for made in links if made.source == c.id} for c in chunks.chunks}
        for product in products:
            named = [c for c in chunks.chunks if c.embed and product.name in c.headings]
            own = [c for c in named if set(c.pages) & set(product.pages)]
            assert own
            assert all(product.id in of_chunk[c.id] for c in own)


def test_pictures_are_linked_to_the_text_beside_them():
    document = layouts.card_grid()
    placements = [p for p in placed(document) if p.page > 1]
    _, chunks, links = linked(document, placements)
    texts = {c.id: c.text for c in chunks.chunks}
    made = {one.source: texts[one.target] for one in links if one.kind is LinkKind.IMAGE_CHUNK}
    for placement, expected in zip(placements, document.products, strict=True):
        assert expected.name in made[placement.id]


def test_running_heads_are_linked_to_nothing() -> None:
    document = layouts.heading_and_specification()
    _, chunks, links = linked(document, placed(document, caption="Lumen & Oak · www.lumen.example"))
    (running,) = [c for c in chunks.chunks if c.kind == "running"]
    assert "www.lumen.example" in running.text
    assert not [made for made in links if running.id in (made.source, made.target)]


def test_link_by_page_only_without_a_place():
    document = layouts.long_sections()
    found, products = found_on(document)
    unplaced = tuple(p.model_copy(update={"occurrences": ()}) for p in found.products)
    elsewhere = found.model_copy(update={"products": unplaced})
    later = {n for p in products for n in p.pages[1:]} - {p.first_page for p in products}
    placements = [p for p in placed(document) if p.page in later]
    assert placements
    for discovery, rule in ((found, "section goes on"), (elsewhere, "page alone")):
        links = link(products, discovery, placements, (), document.pages)
        assert [made.evidence[0].rule for made in links] == [rule] * len(placements)


@pytest.mark.parametrize("turn", [90, 180])
def test_sideways_page_has_the_links_of_an_upright(turn: int) -> None:
    document = layouts.card_grid()
    found, products = found_on(document)
    boxes = {page.number: page.box for page in document.pages}

    def turned(made: Any, box: Box) -> Any:
        """A record with its boxes as they lie on the page before it is turned."""
        names = [name for name in ("bbox", "region", "box") if hasattr(made, name)]
        return made.model_copy(update={name: turn_box(getattr(made, name), box, 360 - turn) for name in names})

    def turned_page(page: Page) -> Page:
        blocks = (b.model_copy(update={"lines": tuple(turned(n, page.box) for n in b.lines)}) for b in page.blocks)
        return turned(page.model_copy(update={"turn": turn, "blocks": tuple(blocks)}), page.box)

    placements, sideways = placed(document), [turned_page(page) for page in document.pages]
    upright = link(products, found, placements, (), document.pages)
    moved = (
        p.model_copy(update={"occurrences": tuple(turned(o, boxes[o.page]) for o in p.occurrences)})
        for p in found.products
    )
    discovery = found.model_copy(update={"products": tuple(moved)})
    links = link(products, discovery, [turned(p, boxes[p.page]) for p in placements], (), sideways)
    assert [(m.source, m.target, m.score) for m in links] == [(m.source, m.target, m.score) for m in upright]


def look(**fields: float) -> Traits:
    """The traits of a photograph that fills its frame, but for these."""
    usual = {"ground": 0.3, "edge": 0.4, "light": 0.6, "chroma": 0.1, "contrast": 0.6, "solid": 0.2, "uneven": 0.15}
    return Traits.model_validate(usual | fields)


LINES = look(ground=0.95, edge=1.0, light=0.97, chroma=0.0, solid=0.0, uneven=0.02)
SWATCH = look(ground=0.95, edge=0.95, uneven=0.02, contrast=0.1)
WHITE_GOODS = look(ground=0.9, edge=0.97, light=0.91, chroma=0.017, solid=0.0, uneven=0.02)


def test_role_follows_from_pixels_and_other_pictures() -> None:
    document = layouts.heading_and_specification()
    product = found_on(document)[1][0].model_copy(update={"variants": (Variant(name="white"),)})
    base = placed(document)[1]
    for traits, caption, others, role in (
        (look(), None, [], "photo"),
        (LINES, None, [], "drawing"),
        (WHITE_GOODS, None, [], "photo"),
        (look(), None, [SWATCH], "scene"),
        (SWATCH, None, [look()], "photo"),
        (look(), "Detail of the edge", [SWATCH], "detail"),
        (look(), "Alder in white", [look()], "variant"),
        (None, None, [], "photo"),
    ):
        shown = [
            Shown(base.model_copy(update={"id": f"{n}", "caption": text}), 0.3, each, found_here=True)
            for n, (each, text) in enumerate([(traits, caption), *((other, None) for other in others)])
        ]
        assert roles_of(product, shown)["0"] == role, (caption, role)

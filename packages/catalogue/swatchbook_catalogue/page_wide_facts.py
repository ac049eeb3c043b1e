"""Read the facts that a page gives once for all its products: above them, or on the page before in a long section."""

from collections.abc import Iterator, Sequence

from swatchbook_base.records import Fact, Occurrence, fold
from swatchbook_catalogue.line_facts import labelled_facts, unlabelled_facts
from swatchbook_catalogue.measures import says_pack
from swatchbook_catalogue.placed_lines import PlacedLines

PAGE_WIDE = frozenset({"dimensions", "size", "thickness", "packaging", "material", "finish", "weight", "slip_rating"})
"""Keys that a page may give for all its products; a price or a code belongs to one."""
ONE_OF = frozenset({"weight", "capacity"})
"""Keys with one value per product: several values without labels belong to ingredients or parts."""


def shared_facts(
    own: Sequence[Occurrence], page: PlacedLines, before: PlacedLines | None, own_before: Sequence[Occurrence]
) -> Sequence[Fact]:
    """Return the facts that a page gives for all its products; if it continues a section, those of the page before.

    `own` are a product's places on the page, `own_before` those on the page before.
    """
    if not own or not page.names.has_others({place.bbox for place in own}):
        return ()
    products = page.names.with_own(own)
    if facts := _said_above(page, own, products):
        return facts
    places_before = before.names.without({place.bbox for place in own_before}) if before else ()
    if before is None or not places_before or _has_heading(page, before, own, products):
        return ()
    cards = [other for other in places_before if not before.spans(other.region)]
    return _said_above(before, cards or places_before, places_before)


def _said_above(page: PlacedLines, below: Sequence[Occurrence], products: Sequence[Occurrence]) -> Sequence[Fact]:
    """Return the facts outside the regions of all products and above the lowest name of `below`."""
    is_card = not any(page.spans(place.region) for place in below)
    numbers = page.outside(products, max(place.bbox[1] for place in below), cards=is_card)
    if numbers not in page.facts_above:
        page.facts_above[numbers] = [*_facts_of_all(page, numbers)]
    return page.facts_above[numbers]


def _facts_of_all(page: PlacedLines, numbers: Sequence[int]) -> Iterator[Fact]:
    lines = page.by_number(numbers)
    for fact in (*labelled_facts(lines, page.number, page.width), *unlabelled_facts(lines, page.number)):
        is_of_one = fact.key in ONE_OF or (fact.key == "packaging" and not says_pack(fact.value))
        if fact.key in PAGE_WIDE and (fact.rule == "label" or not is_of_one):
            yield fact.model_copy(update={"rule": "above all"})


def _has_heading(
    page: PlacedLines, before: PlacedLines, own: Sequence[Occurrence], products: Sequence[Occurrence]
) -> bool:
    """Whether a heading above a name begins a section: it is larger, names no product and is not on the page before."""
    size = 1.1 * max(page.sizes_in(place.bbox for place in own), default=0.0)
    above = page.by_number(page.outside(products, max(place.bbox[1] for place in own), cards=False))
    larger = [folded for line in above if line.size > size and (folded := fold(line.text)) not in before.folded]
    return not {*larger} <= page.names.folded

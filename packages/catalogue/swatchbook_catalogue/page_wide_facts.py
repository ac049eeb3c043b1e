"""Read the facts that a page gives once for all its products, above them."""

from collections.abc import Iterator, Sequence

from swatchbook_base.records import Fact, Occurrence
from swatchbook_catalogue.line_facts import labelled_facts, unlabelled_facts
from swatchbook_catalogue.measures import says_pack
from swatchbook_catalogue.placed_lines import PlacedLines

PAGE_WIDE = frozenset({"dimensions", "size", "thickness", "packaging", "material", "finish", "weight", "slip_rating"})
"""Keys that a page may give for all its products; a price or a code belongs to one."""
ONE_OF = frozenset({"weight", "capacity"})
"""Keys with one value per product: several values without labels belong to ingredients or parts."""


def shared_facts(own: Sequence[Occurrence], page: PlacedLines) -> Sequence[Fact]:
    """Return the facts outside the regions of all products and above the lowest name of `own`, if others are there."""
    if not own or not page.has_others([place.bbox for place in own]):
        return ()
    is_card = not any(page.spans(place.region) for place in own)
    numbers = page.outside(max(place.bbox[1] for place in own), cards=is_card)
    if numbers not in page.facts_above:
        page.facts_above[numbers] = [*_facts_of_all(page, numbers)]
    return page.facts_above[numbers]


def _facts_of_all(page: PlacedLines, numbers: Sequence[int]) -> Iterator[Fact]:
    lines = [page.all_lines[i] for i in numbers]
    for fact in (*labelled_facts(lines, page.number, page.width), *unlabelled_facts(lines, page.number)):
        is_of_one = fact.key in ONE_OF or (fact.key == "packaging" and not says_pack(fact.value))
        if fact.key in PAGE_WIDE and (fact.rule == "label" or not is_of_one):
            yield fact.model_copy(update={"rule": "above all"})

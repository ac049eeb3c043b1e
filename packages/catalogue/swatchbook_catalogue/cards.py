"""Find cards: pairs of a name and its picture, one to one; a page's cards share one text style and one relation.

`discover.py` decides when cards are products.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from swatchbook_base.geometry import area, bounding_box
from swatchbook_base.records import Box, fold
from swatchbook_catalogue.attributes import code_of
from swatchbook_catalogue.kinds import heading_kind, is_label
from swatchbook_catalogue.page_layout import PageLayout, Style, Text, is_name
from swatchbook_catalogue.running_text import TextPlace, text_place

Relation = Literal["below", "above", "right", "left"]

NAME_DISTANCE = 60.0  # the longest distance of a name below or above its picture, in points
BESIDE = 0.34  # the longest distance of a name to the left or right of its picture, as a share of the page's width
OVERLAP = 25.0  # points that a name may reach into the picture's box: pictures are placed larger than their clip
WHOLE_PAGE = 0.6  # the largest share of the page that a card's picture covers; larger pictures are backgrounds


@dataclass(frozen=True, slots=True)
class Card:
    """A name with its picture. `region` covers both, and the texts below the name."""

    text: Text
    picture: Box
    relation: Relation
    region: Box


def find_cards(
    layouts: Sequence[PageLayout],
    family: Mapping[Style, Style],
    repeated_places: Collection[TextPlace],
    names: Collection[tuple[int, Box]] | None = None,
) -> dict[int, tuple[Card, ...]]:
    """Return page -> its cards in reading order.

    `names` are page and box of the texts that may be names; without it, all texts that look like names may be. A
    (style, relation) pair that is used on many pages is preferred to one of a single page.
    """
    pairings = {layout.number: _pairings(layout, family, repeated_places, names) for layout in layouts}
    total: Counter[tuple[Style, Relation]] = Counter()
    for pairings_of_page in pairings.values():
        for key, pairs in pairings_of_page.items():
            total[key] += len(pairs)
    widest = max(total.values(), default=1)
    cards: dict[int, tuple[Card, ...]] = {}
    for layout in layouts:
        pairings_of_page = pairings[layout.number]
        if pairings_of_page:
            key = max(pairings_of_page, key=lambda k: (_score(pairings_of_page[k]) * (1 + total[k] / widest), k[0]))
            cards[layout.number] = _with_regions(layout, [(t, p) for t, p, _ in pairings_of_page[key]], key[1])
    # A single card on a page counts only if another page has several of its style and relation.
    grids = {(family[c.text.style], c.relation) for on_page in cards.values() if len(on_page) > 1 for c in on_page}
    return {
        n: on_page for n, on_page in cards.items() if any((family[c.text.style], c.relation) in grids for c in on_page)
    }


def named_pictures(layout: PageLayout, family: Mapping[Style, Style], repeated_places: Collection[TextPlace]) -> int:
    """Return the number of a page's pictures that have different names of one style in one relation."""
    pairings = _pairings(layout, family, repeated_places).values()
    return max((len({fold(text.text) for text, _, _ in pairs}) for pairs in pairings), default=0)


def _score(pairs: Sequence[tuple[Text, Box, float]]) -> float:
    """Return the score of a pairing: more and nearer pairs score higher, names that are only codes count half."""
    return sum((1 - 0.6 * distance) * (0.5 if code_of(text.text) else 1) for text, _, distance in pairs)


def _pairings(
    layout: PageLayout,
    family: Mapping[Style, Style],
    repeated_places: Collection[TextPlace],
    chosen: Collection[tuple[int, Box]] | None = None,
) -> dict[tuple[Style, Relation], list[tuple[Text, Box, float]]]:
    """Return (style, relation) -> pairs of name and picture, with their distance as a share of the longest allowed."""
    page = area(layout.box)
    pictures = [p for p in layout.pictures if area(p) < WHOLE_PAGE * page]
    names: dict[Style, list[Text]] = defaultdict(list)
    for text in layout.texts if pictures else ():
        if _looks_like_name(text, layout, repeated_places) if chosen is None else (text.page, text.box) in chosen:
            names[family[text.style]].append(text)
    relations: tuple[Relation, ...] = ("below", "above", "right", "left")
    pairings = {
        (style, relation): _one_to_one(texts, pictures, relation, layout.width)
        for style, texts in names.items()
        for relation in relations
    }
    return {key: pairs for key, pairs in pairings.items() if pairs}


def _looks_like_name(text: Text, layout: PageLayout, repeated_places: Collection[TextPlace]) -> bool:
    if not is_name(text) or is_label(text.text) or heading_kind(text.text):
        return False
    return text_place(text, layout) not in repeated_places


def _one_to_one(
    texts: Sequence[Text], pictures: Sequence[Box], relation: Relation, width: float
) -> list[tuple[Text, Box, float]]:
    near = [
        (distance, t.box[1], i, k)
        for i, t in enumerate(texts)
        for k, p in enumerate(pictures)
        if (distance := _distance(t.box, p, relation, width)) is not None
    ]
    pairs, used_texts, used_pictures = [], set(), set()
    for distance, _, i, k in sorted(near):
        if i not in used_texts and k not in used_pictures:
            used_texts.add(i)
            used_pictures.add(k)
            pairs.append((texts[i], pictures[k], distance))
    return pairs


def _distance(text: Box, picture: Box, relation: Relation, width: float) -> float | None:
    """Return the distance, 0 (touching) to 1 (the longest allowed); None if the text has another relation."""
    x0, y0, x1, y1 = text
    px0, py0, px1, py1 = picture
    across = min(x1, px1) - max(x0, px0)
    middle = (y0 + y1) / 2
    if relation in ("below", "above"):
        apart = y0 - py1 if relation == "below" else py0 - y1
        if (
            across < 0.5 * min(x1 - x0, px1 - px0)
            or not -OVERLAP <= apart <= NAME_DISTANCE
            or apart < -0.4 * (py1 - py0)
        ):
            return None
        return max(0.0, apart) / NAME_DISTANCE
    apart = x0 - px1 if relation == "right" else px0 - x1
    if not py0 - 5 <= middle <= py1 + 5 or not -5 <= apart <= BESIDE * width:
        return None
    return max(0.0, apart) / (BESIDE * width)


def _with_regions(layout: PageLayout, pairs: Sequence[tuple[Text, Box]], relation: Relation) -> tuple[Card, ...]:
    """Return a card for each pair; its region includes the texts down to the next card in the column."""
    cores = [bounding_box([text.box, picture]) for text, picture in pairs]
    cards = []
    for (text, picture), core in zip(pairs, cores, strict=True):
        floor = min(
            (c[1] for c in cores if c[1] > text.box[1] and _overlaps_across(c, text.box)), default=layout.box[3]
        )
        below = [
            box
            for box in (*(t.box for t in layout.texts), *(a.box for a in layout.attributes), *layout.prices)
            if text.box[1] <= box[1]
            and box[3] <= floor
            and abs(box[0] - text.box[0]) < 0.5 * (core[2] - core[0])
            and _overlaps_across(box, text.box)
            and box[1] - core[3] < 0.25 * layout.height
        ]
        cards.append(Card(text, picture, relation, bounding_box([core, *below])))
    return tuple(sorted(cards, key=lambda c: (round(c.text.box[1] / 20), c.text.box[0])))


def _overlaps_across(a: Box, b: Box) -> bool:
    return min(a[2], b[2]) > max(a[0], b[0])

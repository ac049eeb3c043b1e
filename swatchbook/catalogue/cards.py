"""Cards: names paired one to one with the pictures that they stand below, above or beside.

A page's cards share one text style and one relation; the pairing that explains most pictures wins.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from swatchbook.catalogue.attributes import code_of, union
from swatchbook.catalogue.kinds import heading_kind, is_label
from swatchbook.catalogue.layout import Mark, PageLayout, Style, Text, is_name
from swatchbook.geometry import area
from swatchbook.records import Box

Relation = Literal["below", "above", "right", "left"]

NEAR = 60.0
"""A caption stands at most so far below or above its picture, in points."""
BESIDE = 0.34
"""A caption beside its picture stands within this share of the page's width."""
OVERLAP = 25.0
"""Pictures are placed larger than their clip: a caption may reach so far into the box, in points."""
WHOLE_PAGE = 0.6
"""A picture over this share of the page is a ground, not a card's."""


@dataclass(frozen=True, slots=True)
class Caption:
    """A name with its picture, and the region that both and the texts below the name cover."""

    text: Text
    picture: Box
    relation: Relation
    region: Box


def find_cards(
    sheets: Sequence[PageLayout], family: Mapping[Style, Style], shunned: Collection[Mark]
) -> dict[int, tuple[Caption, ...]]:
    """Page -> its captions in reading order. (style, relation) pairs that serve many pages win over local ones."""
    pairings = {sheet.number: _pairings(sheet, family, shunned) for sheet in sheets}
    total: Counter[tuple[Style, Relation]] = Counter()
    for by in pairings.values():
        for key, pairs in by.items():
            total[key] += len(pairs)
    widest = max(total.values(), default=1)
    found: dict[int, tuple[Caption, ...]] = {}
    for sheet in sheets:
        by = pairings[sheet.number]
        if by:
            key = max(by, key=lambda k: (_worth(by[k]) * (1 + total[k] / widest), k[0]))
            found[sheet.number] = _with_regions(sheet, [(t, p) for t, p, _ in by[key]], key[1])
    return _established(found, family)


def _established(
    found: Mapping[int, tuple[Caption, ...]], family: Mapping[Style, Style]
) -> dict[int, tuple[Caption, ...]]:
    """A page with a single caption counts only where another page has two or more of its style and relation."""
    grids = {(family[c.text.style], c.relation) for cards in found.values() if len(cards) > 1 for c in cards}
    return {n: cards for n, cards in found.items() if any((family[c.text.style], c.relation) in grids for c in cards)}


def _worth(pairs: Sequence[tuple[Text, Box, float]]) -> float:
    """Nearer and more is better; bare codes are names only where nothing else is."""
    return sum((1 - 0.6 * distance) * (0.5 if code_of(text.text) else 1) for text, _, distance in pairs)


def _pairings(
    sheet: PageLayout, family: Mapping[Style, Style], shunned: Collection[Mark]
) -> dict[tuple[Style, Relation], list[tuple[Text, Box, float]]]:
    """(style, relation) -> pairs of name and picture with their distance as a share of the farthest allowed."""
    page = area(sheet.box)
    pictures = [p for p in sheet.pictures if area(p) < WHOLE_PAGE * page]
    names: dict[Style, list[Text]] = defaultdict(list)
    for text in sheet.texts if pictures else ():
        if is_name(text, shunned, sheet) and not is_label(text.text) and not heading_kind(text.text):
            names[family[text.style]].append(text)
    relations: tuple[Relation, ...] = ("below", "above", "right", "left")
    made = {
        (style, relation): _one_to_one(texts, pictures, relation, sheet.width)
        for style, texts in names.items()
        for relation in relations
    }
    return {key: pairs for key, pairs in made.items() if pairs}


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
    """0 (touching) to 1 (as far as allowed), None where the text does not stand so to the picture."""
    x0, y0, x1, y1 = text
    px0, py0, px1, py1 = picture
    across = min(x1, px1) - max(x0, px0)
    middle = (y0 + y1) / 2
    if relation in ("below", "above"):
        apart = y0 - py1 if relation == "below" else py0 - y1
        if across < 0.5 * min(x1 - x0, px1 - px0) or not -OVERLAP <= apart <= NEAR or apart < -0.4 * (py1 - py0):
            return None
        return max(0.0, apart) / NEAR
    apart = x0 - px1 if relation == "right" else px0 - x1
    if not py0 - 5 <= middle <= py1 + 5 or not -5 <= apart <= BESIDE * width:
        return None
    return max(0.0, apart) / (BESIDE * width)


def _with_regions(sheet: PageLayout, pairs: Sequence[tuple[Text, Box]], relation: Relation) -> tuple[Caption, ...]:
    """Each pair with the texts that stand below its name and above the next card of its column."""
    cores = [union([text.box, picture]) for text, picture in pairs]
    captions = []
    for (text, picture), core in zip(pairs, cores, strict=True):
        floor = min((c[1] for c in cores if c[1] > text.box[1] and _over(c, text.box)), default=sheet.box[3])
        below = [
            box
            for box in (*(t.box for t in sheet.texts), *(a.box for a in sheet.attributes), *sheet.prices)
            if text.box[1] <= box[1]
            and box[3] <= floor
            and abs(box[0] - text.box[0]) < 0.5 * (core[2] - core[0])
            and _over(box, text.box)
            and box[1] - core[3] < 0.25 * sheet.height
        ]
        captions.append(Caption(text, picture, relation, union([core, *below])))
    return tuple(sorted(captions, key=lambda c: (round(c.text.box[1] / 20), c.text.box[0])))


def _over(a: Box, b: Box) -> bool:
    return min(a[2], b[2]) > max(a[0], b[0])

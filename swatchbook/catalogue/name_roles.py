"""Find texts that may be names of products by their role on the page, whatever their style.

Roles are the largest text of each page, the largest that few other pages repeat, headings of descriptions, the text
nearest to each picture, the name in each row of a table, and the first text of each row that ends with a price. Print
that is read from pixels has no exact sizes, and some catalogues set every page in another style; the place of the name
stays the same.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence

from swatchbook.catalogue.name_candidates import Candidate, is_level, letters_of
from swatchbook.catalogue.page_layout import LARGER, PageLayout, Text
from swatchbook.geometry import gaps
from swatchbook.records import Box

FEWEST_TEXTS = 3
"""The fewest texts of a role."""
SAME_TEXTS = 0.8
"""The least share of common texts from which two groups are the same."""
HEADED = 3.0
"""The longest distance of a description below its heading, as a multiple of the heading's font size."""
DESCRIBED = 0.12
"""The share of the page's height below a heading in which no other text is larger."""
AS_LARGE = 0.93
"""The share of the largest size from which a text counts as equally large: sizes may be measured in pixels."""
OWN_PAGES = 4
"""The most pages, which follow each other, of a text that belongs to one product."""


def by_role(
    pages: Mapping[int, Sequence[tuple[bool, Candidate]]], layouts: Sequence[PageLayout]
) -> Iterator[tuple[bool, list[Candidate]]]:
    """Yield the texts of each role, with whether they are in tables; a role with the same texts as another is skipped.

    `pages` maps each page to its candidates, each with whether it is in a table.
    """
    roles: dict[str, list[Candidate]] = defaultdict(list)
    own = _own_words(layouts, pages)
    for layout in layouts:
        free = [c for in_table, c in pages[layout.number] if not in_table]
        roles["own title"] += _titles([c for c in free if letters_of(c.name) in own], layout)
        roles["row"] += [c for in_table, c in pages[layout.number] if in_table]
        roles["priced row"] += _first_before_prices([c for _, c in pages[layout.number]], layout.prices)
        roles["title"] += _titles(free, layout)
        roles["heading"] += [c for c in free if _heads_description(c.text, layout)]
        roles["card"] += _first_at_pictures(free, lambda c: (-_weight(c.text), c.distance))
        for relation in ("below", "above", "left", "right"):
            beside = [c for c in free if c.relation == relation]
            roles[relation] += _first_at_pictures(beside, lambda c: (c.distance, -_weight(c.text)))
    kept: list[list[Candidate]] = []
    for role, texts in roles.items():
        if len(texts) >= FEWEST_TEXTS and not any(is_same(texts, other) for other in kept):
            kept.append(texts)
            yield role in ("row", "priced row"), texts


def is_same(a: Sequence[Candidate], b: Sequence[Candidate]) -> bool:
    """Whether two groups have most of their texts in common."""
    places, others = ({(c.text.page, c.text.box) for c in group} for group in (a, b))
    return len(places & others) >= SAME_TEXTS * len(places | others)


def _weight(text: Text) -> float:
    """Return the prominence of a text: its size, which counts more if it is bold."""
    return text.size * (LARGER if text.bold else 1.0)


def _titles(found: Sequence[Candidate], layout: PageLayout) -> Iterator[Candidate]:
    """Yield the largest text of a page, or of each half of a spread; the topmost of equally large ones."""
    middle = layout.fold_at
    halves: dict[bool, list[Candidate]] = defaultdict(list)
    for c in found:
        halves[middle is not None and c.text.box[0] >= middle].append(c)
    yield from map(_largest, halves.values())


def _largest(found: Sequence[Candidate]) -> Candidate:
    """Return the topmost of the texts that are about as large as the largest one."""
    largest = max(c.text.size for c in found)
    return min((c for c in found if c.text.size >= AS_LARGE * largest), key=lambda c: c.text.box[1])


def _first_before_prices(found: Sequence[Candidate], prices: Sequence[Box]) -> Iterator[Candidate]:
    """Yield the first text of each row before its price; rows side by side are divided by their prices."""
    rows: dict[Box, list[Candidate]] = defaultdict(list)
    for c in found:
        behind = [box for box in prices if box[0] >= c.text.box[2] - 2 and is_level(box, c.text)]
        if behind:
            rows[min(behind)].append(c)
    yield from (min(texts, key=lambda c: c.text.box) for texts in rows.values())


def _own_words(layouts: Sequence[PageLayout], pages: Mapping[int, Sequence[tuple[bool, Candidate]]]) -> frozenset[str]:
    """Return the letters of texts that are printed on one page, or on a few that follow each other."""
    found: dict[str, set[int]] = defaultdict(set)
    for layout in layouts:
        for _, candidate in pages[layout.number]:
            found[letters_of(candidate.name)].add(layout.number)
    return frozenset(words for words, on in found.items() if len(on) <= OWN_PAGES and max(on) - min(on) < len(on))


def _heads_description(text: Text, layout: PageLayout) -> bool:
    """Whether a text is right above other text, and no text further down in its part of the column is larger."""
    below = [t for t in layout.texts if t.box[1] > text.box[1] + text.size / 2 and gaps(text.box, t.box)[0] < 0]
    near = [(t, gaps(text.box, t.box)[1]) for t in below]
    if any(apart <= DESCRIBED * layout.height and _weight(t) > AS_LARGE * _weight(text) for t, apart in near):
        return False
    return any(apart <= HEADED * text.size for _, apart in near)


def _first_at_pictures(
    found: Sequence[Candidate], order: Callable[[Candidate], tuple[float, float]]
) -> list[Candidate]:
    """Return for each picture of a page the first text, by `order`, of those that have it as their nearest picture."""
    at: dict[int, list[Candidate]] = defaultdict(list)
    for c in found:
        if c.picture is not None:
            at[c.picture].append(c)
    first = {min(texts, key=order).text.box for texts in at.values()}
    return [c for c in found if c.text.box in first]

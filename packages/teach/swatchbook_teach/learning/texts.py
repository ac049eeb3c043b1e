"""Collect the texts of a document that may be shown as examples, with the traits by which they are alike."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from swatchbook.domain.records import Box, Page, Reading, TraitValue, fold
from swatchbook_base.geometry import area
from swatchbook_base.printed_prices import price_in
from swatchbook_base.records import normalise_line
from swatchbook_catalogue.attributes import code_of
from swatchbook_catalogue.bare_values import is_bare_value
from swatchbook_catalogue.choose_names import Choice, choose_names, judge_groups, shipped_weights, with_coded_names
from swatchbook_catalogue.discover import lay_out
from swatchbook_catalogue.name_candidates import Candidate, house_names, letters_of, product_name, running_texts
from swatchbook_catalogue.name_groups import NameGroup, find_name_groups, is_labelled
from swatchbook_catalogue.page_layout import PageLayout, Text, upright
from swatchbook_catalogue.sections import DocumentLayout
from swatchbook_teach.learning.cuts import with_short_leaders

NEAR: Final = 0.35  # the longest distance of a text to its picture, as a share of the page's height
BACKGROUND: Final = 0.7  # the least share of the page that a background picture covers
ROW: Final = 0.5  # texts are in one row if their middles differ by less than this share of the lower one's height
STACKED: Final = 1.5  # the longest distance between texts above each other, as a multiple of the larger font size
MOST_RANK: Final = 3  # a text that is further down the list of texts at its picture is as far as this one

NEVER_NAMES: Final = ("price", "number", "signs", "prose")
"""Shapes of texts that are names only where a person says so."""

Booleans = NDArray[np.bool_]


class PageText(NamedTuple):
    """A text of a page: a paragraph, heading or caption as the layout joins its lines, or one line of several.

    `name` is what it would call a product, without labels and signs around it. `parent`: of a line, the place of its
    paragraph in the list.
    """

    text: Text
    name: str
    is_line: bool
    parent: int | None

    @property
    def page(self) -> int:
        return self.text.page

    @property
    def box(self) -> Box:
        return self.text.box


@dataclass(frozen=True)
class DocumentTexts:
    """All texts of a document, and of each: its traits, whether it names a product at present, how likely it does.

    `traits` maps a trait to its values, one for each text; `groups` maps a group of likely names to its texts.
    `backing` is the sum of the probabilities of the groups that contain a text, from 0 to 1. `picture` is the number of
    the nearest picture in the document, -1 without one near.
    """

    document: DocumentLayout
    texts: tuple[PageText, ...]
    traits: Mapping[str, Sequence[TraitValue]]
    groups: Mapping[str, Booleans]
    group_probabilities: Mapping[str, float]
    found: Booleans
    backing: NDArray[np.float64]
    running: Booleans
    picture: NDArray[np.int64]
    choice: Choice | None
    announced: frozenset[str]

    @cached_property
    def columns(self) -> Mapping[str, NDArray[Any]]:
        """The traits as arrays; those that are no numbers or truths as text."""
        return {name: np.array(values) for name, values in self.traits.items()}

    @cached_property
    def proposed(self) -> dict[str, Booleans]:
        """What was proposed after some examples; `learn` adds to it, so that each further example costs the same."""
        return {}

    @cached_property
    def named(self) -> Booleans:
        """Which texts have letters or digits, so that they can be names."""
        return np.array([bool(t.name) for t in self.texts], bool)

    @cached_property
    def usual(self) -> Booleans:
        """Which texts can be names and are no prices, quantities, dates, numbers, prose or running heads; present names
        are.
        """
        values: Booleans = np.array([is_bare_value(t.name) or is_bare_value(t.text.text) for t in self.texts], bool)
        return self.named & ((~self.never_names & ~values & ~self.running) | self.found)

    @cached_property
    def never_names(self) -> Booleans:
        """Which texts are prices, numbers, signs or prose by their shape."""
        return np.isin(self.columns["shape"], NEVER_NAMES)

    @cached_property
    def digits(self) -> Booleans:
        """Which texts are codes, or words with digits, by their shape."""
        return np.isin(self.columns["shape"], ("code", "words and digits"))

    @cached_property
    def pages(self) -> NDArray[np.int64]:
        return np.array([t.page for t in self.texts])

    @cached_property
    def parents(self) -> NDArray[np.int64]:
        return np.array([-1 if t.parent is None else t.parent for t in self.texts])

    @cached_property
    def words(self) -> NDArray[np.int64]:
        """The number of words of each name."""
        return np.array([len(t.name.split()) for t in self.texts])

    @cached_property
    def folded(self) -> NDArray[np.str_]:
        return np.array([fold(t.name) for t in self.texts])

    @cached_property
    def same_name(self) -> NDArray[np.int64]:
        """A number for each text that is the same for texts with the same name."""
        return np.unique(self.folded, return_inverse=True)[1]

    @cached_property
    def read(self) -> Booleans:
        """Which texts were read from pixels, so that their sizes are measured."""
        ocr = {layout.number for layout in self.document.layouts if layout.ocr}
        return np.array([t.page in ocr for t in self.texts], bool)


def collect_texts(reading: Reading, pages: Iterable[Page]) -> DocumentTexts:
    """Return the texts of a document. The pages are read once, in order."""
    kept = list(pages)
    document, announced = lay_out(reading, kept)  # which turns sideways pages itself
    kept = list(map(upright, kept))
    groups = find_name_groups(document, announced)
    choice = choose_names(groups)
    choice = choice and with_coded_names(choice, document)
    candidates = {(c.text.page, c.text.box): c for group in groups for c in group.candidates}
    texts: list[PageText] = []
    traits: dict[str, list[TraitValue]] = defaultdict(list)
    picture: list[int] = []
    pictures = 0
    for page, layout in zip(kept, document.layouts, strict=True):
        of_page = list(_texts_of(page, layout, candidates, len(texts)))
        texts += of_page
        found, nearest = traits_of_page(of_page, page, layout)
        for name, values in found.items():
            traits[name] += values
        picture += [pictures + n if n >= 0 else -1 for n in nearest]
        pictures += len(layout.pictures)
    places = {(t.page, t.box): n for n, t in reversed([*enumerate(texts)])}
    named = _mask(len(texts), (places[c.text.page, c.text.box] for c in (choice.candidates if choice else ())))
    of_groups = _groups(groups, places, len(texts))
    running, house = running_texts(document), house_names(document)
    return DocumentTexts(
        document=document,
        texts=tuple(texts),
        traits=dict(traits),
        groups={name: mask for name, (mask, _) in of_groups.items()},
        group_probabilities={name: p for name, (_, p) in of_groups.items()},
        found=named,
        backing=np.sum([mask * p for mask, p in of_groups.values()], axis=0) if of_groups else np.zeros(len(texts)),
        running=np.array([(t.page, t.box) in running or letters_of(t.text.text) in house for t in texts], bool),
        picture=np.array(picture, np.int64),
        choice=choice,
        announced=announced,
    )


def _mask(size: int, places: Iterable[int]) -> Booleans:
    mask = np.zeros(size, bool)
    mask[list(places)] = True
    return mask


def _groups(
    groups: Sequence[NameGroup], places: Mapping[tuple[int, Box], int], size: int
) -> dict[str, tuple[Booleans, float]]:
    """Return name -> texts and probability of each group of likely names."""
    probabilities = judge_groups([g.features for g in groups], [g.meaning for g in groups], shipped_weights())
    found: dict[str, tuple[Booleans, float]] = {}
    for group, probability in zip(groups, probabilities, strict=False):
        mask = _mask(size, (places[c.text.page, c.text.box] for c in group.candidates))
        found.setdefault(_name_of(group), (mask, probability))
    return found


def _name_of(group: NameGroup) -> str:
    """Return what a group of likely names is known by in other documents, too: its role or style, and what it holds."""
    size, bold = group.style
    where = group.role or f"{size:.0f} points{' bold' if bold else ''}{' in tables' if group.in_table else ''}"
    codes = 2 * sum(code_of(c.name) is not None for c in group.candidates) > len(group.candidates)
    labelled = 2 * sum(map(is_labelled, group.candidates)) > len(group.candidates)
    return where + (" codes" if codes else "") + (" labelled" if labelled else "")


def _texts_of(
    page: Page, layout: PageLayout, candidates: Mapping[tuple[int, Box], Candidate], first: int
) -> Iterable[PageText]:
    """Yield the texts of a page, then the lines that are not texts of their own, in the order of the page."""
    number = layout.number
    whole = {}
    for n, text in enumerate(layout.texts):
        whole[text.box] = first + n
        candidate = candidates.get((number, text.box))
        yield PageText(text, candidate.name if candidate else product_name(text), is_line=False, parent=None)
    boxes = np.array([text.box for text in layout.texts]).reshape(-1, 4)
    for line in page.lines:
        words = normalise_line(line.text)
        if not words or line.bbox in whole:
            continue
        x, y = (line.bbox[0] + line.bbox[2]) / 2, (line.bbox[1] + line.bbox[3]) / 2
        inside = np.flatnonzero((boxes[:, 0] <= x) & (x <= boxes[:, 2]) & (boxes[:, 1] <= y) & (y <= boxes[:, 3]))
        parent = next((first + int(n) for n in inside if words in layout.texts[n].lines), None)
        text = Text(number, line.bbox, (words,), round(line.size, 1), line.bold)
        yield PageText(text, product_name(text), is_line=True, parent=parent)


# --- traits -----------------------------------------------------------------------------------------------------------


def traits_of_page(
    texts: Sequence[PageText], page: Page, layout: PageLayout
) -> tuple[dict[str, list[TraitValue]], list[int]]:
    """Return trait -> its value of each text of a page, and for each text the nearest picture of the page, or -1.

    `size` is in points, `left`, `right` and `middle` in points from the left of the page or of the half of a spread.
    """
    boxes = np.array([t.box for t in texts], float).reshape(-1, 4)
    spans = [_first_span(t, page) for t in texts]
    origin = np.array(
        [layout.fold_at if layout.fold_at and (b[0] + b[2]) / 2 > layout.fold_at else layout.box[0] for b in boxes]
    )
    relation, rank, nearest = _at_pictures(boxes, layout)
    above, below, row, column = _neighbours(texts, boxes)
    largest = max((t.text.size for t in texts), default=0.0)
    prices = np.array(layout.prices, float).reshape(-1, 4)
    traits: dict[str, list[TraitValue]] = {
        "line": [t.is_line for t in texts],
        "size": [t.text.size for t in texts],
        "bold": [t.text.bold for t in texts],
        "italic": [italic for _, _, italic in spans],
        "font": [font for font, _, _ in spans],
        "color": [color for _, color, _ in spans],
        "case": [case_of(t.text.text) for t in texts],
        "shape": [shape_of(t.text.text) for t in texts],
        "label": [label_of(t.text.text) for t in texts],
        "left": list(map(float, (boxes[:, 0] - origin).round(1))),
        "right": list(map(float, (boxes[:, 2] - origin).round(1))),
        "middle": list(map(float, ((boxes[:, 0] + boxes[:, 2]) / 2 - origin).round(1))),
        "relation": relation,
        "rank": rank,
        "above": above,
        "below": below,
        "row": row,
        "column": column,
        "row_price": [
            bool(((prices[:, 1] < (b[1] + b[3]) / 2) & ((b[1] + b[3]) / 2 < prices[:, 3])).any()) for b in boxes
        ],
        "largest": [t.text.size >= largest - 0.05 for t in texts],
    }
    return traits, nearest


def _first_span(shown: PageText, page: Page) -> tuple[str, str, bool]:
    """Return font (without the prefix of a subset), colour and italic of the first line of a text."""
    x0, y0, x1, _ = shown.box
    for line in page.lines:
        if x0 - 1 <= line.bbox[0] and line.bbox[2] <= x1 + 1 and abs(line.bbox[1] - y0) < 1 and line.spans:
            span = max(line.spans, key=lambda s: len(s.text))
            return _SUBSET.sub("", span.font), f"{span.color:06x}", span.italic
    return "", "", False


_SUBSET = re.compile(r"^[A-Z]{6}\+")


def case_of(text: str) -> str:
    """Return how a text uses capitals: upper, lower, title, sentence or none."""
    letters = [c for c in text if c.isalpha()]
    if not letters:
        return "none"
    if all(not c.islower() for c in letters):
        return "upper"
    if all(not c.isupper() for c in letters):
        return "lower"
    words = [w for w in text.split() if any(map(str.isalpha, w)) and len(w) > 3]
    return "title" if words and all(next(c for c in w if c.isalpha()).isupper() for w in words) else "sentence"


_WITH_CENTS = re.compile(r"\d[\d.,' ]*[.,]\d\d")


def shape_of(text: str) -> str:
    """Return what a text looks like: price, code, number, words, words with digits, or prose."""
    text = with_short_leaders(text)
    if price_in(text):
        return "price"
    if code_of(text) and not _WITH_CENTS.fullmatch(text):
        return "code"
    letters, digits = sum(map(str.isalpha, text)), sum(map(str.isdigit, text))
    if not letters:
        return "number" if digits else "signs"
    if len(text) > 100:
        return "prose"
    return "words and digits" if digits else "words"


_LABEL = re.compile(r"^\s*([^\W\d][^:：]{0,24}?)\s*[:：]")


def label_of(text: str) -> str:
    """Return the label that a text begins with, in small letters ("ref" of "REF: POLO B"), or nothing."""
    match = _LABEL.match(text)
    return match[1].casefold() if match else ""


def _at_pictures(
    boxes: NDArray[np.float64], layout: PageLayout
) -> tuple[list[TraitValue], list[TraitValue], list[int]]:
    """Return for each box its place at the nearest picture, its rank among the boxes at this place, and the picture."""
    pictures = np.array([p for p in layout.pictures if area(p) < BACKGROUND * area(layout.box)], float).reshape(-1, 4)
    if not len(pictures) or not len(boxes):
        return ["none"] * len(boxes), [0] * len(boxes), [-1] * len(boxes)
    x0, y0, x1, y1 = (boxes[:, n, None] for n in range(4))
    a0, b0, a1, b1 = (pictures[None, :, n] for n in range(4))
    x, y = (x0 + x1) / 2, (y0 + y1) / 2
    inside = (a0 <= x) & (x <= a1) & (b0 + 3 <= y) & (y <= b1 - 3)
    across = np.minimum(x1, a1) - np.maximum(x0, a0) >= 0.3 * np.minimum(x1 - x0, a1 - a0)
    level = np.minimum(y1, b1) > np.maximum(y0, b0)
    under, right = y > (b0 + b1) / 2, x > (a0 + a1) / 2
    down = np.where(under, np.maximum(0, y0 - b1), np.maximum(0, b0 - y1)) / layout.height
    aside = np.where(right, np.maximum(0, x0 - a1), np.maximum(0, a0 - x1)) / layout.width
    distance = np.where(inside, 0.0, np.where(across, down, np.where(level, aside, np.inf)))
    kind = np.where(inside, 0, np.where(across, np.where(under, 1, 2), np.where(right, 3, 4)))
    nearest = distance.argmin(axis=1)
    rows = np.arange(len(boxes))
    far = distance[rows, nearest] > NEAR
    names = np.array(["inside", "below", "above", "right", "left"])
    relation = [("none" if no else str(names[kind[n, k]])) for n, k, no in zip(rows, nearest, far, strict=True)]
    at: dict[tuple[int, str], list[tuple[float, int]]] = defaultdict(list)
    for n, k in zip(rows, nearest, strict=True):
        order = distance[n, k] if relation[n] != "inside" else boxes[n, 1]
        at[int(k), relation[n]].append((float(order), int(n)))
    rank: list[TraitValue] = [0] * len(boxes)
    for (_, where), there in at.items():
        for place, (_, text) in enumerate(sorted(there)):
            rank[text] = 0 if where == "none" else min(place, MOST_RANK)
    return list(relation), rank, [-1 if no else int(k) for k, no in zip(nearest, far, strict=True)]


def _neighbours(
    texts: Sequence[PageText], boxes: NDArray[np.float64]
) -> tuple[list[TraitValue], list[TraitValue], list[TraitValue], list[TraitValue]]:
    """Return for each text the styles of the texts right above and below it, how many are in its row, and its place
    among them.

    Lines of a paragraph are compared with lines, paragraphs with paragraphs.
    """
    total = len(texts)
    if not total:
        return [], [], [], []
    lines = np.array([t.is_line for t in texts])
    parent = np.array([-1 if t.parent is None else t.parent for t in texts])
    x0, y0, x1, y1 = (boxes[:, n] for n in range(4))
    middle, height = (y0 + y1) / 2, np.maximum(y1 - y0, 0.1)
    free = ~lines | (parent < 0)
    other = free[None, :] & ~np.eye(total, dtype=bool)
    same_row = (np.abs(middle[:, None] - middle[None, :]) < ROW * np.minimum(height[:, None], height[None, :])) & other
    overlaps = (np.minimum(x1[:, None], x1[None, :]) > np.maximum(x0[:, None], x0[None, :])) & other & ~same_row
    reach = STACKED * np.maximum([t.text.size for t in texts], 1.0)
    gap_above = np.where(overlaps & (middle[None, :] < middle[:, None]), y0[:, None] - y1[None, :], np.inf)
    gap_below = np.where(overlaps & (middle[None, :] > middle[:, None]), y0[None, :] - y1[:, None], np.inf)

    def style(gap: NDArray[np.float64]) -> list[TraitValue]:
        nearest = gap.argmin(axis=1)
        return [
            f"{texts[k].text.size:.0f}{' bold' if texts[k].text.bold else ''}" if gap[n, k] <= reach[n] else ""
            for n, k in enumerate(nearest)
        ]

    before = same_row & (x0[None, :] < x0[:, None])
    row: list[TraitValue] = [int(n) for n in np.minimum(same_row.sum(axis=1), 2)]
    column: list[TraitValue] = [int(n) for n in np.minimum(before.sum(axis=1), 4)]
    return style(gap_above), style(gap_below), row, column

"""The score of a catalogue's result against its labels: when a product is found, and at which grain. When a
picture is linked rightly: `links.py`.

A product is found when its name agrees with a label's and their pages meet; pairs are taken best name first, each once.
When names agree: `likeness.py`; a label's name also counts joined to its category or code, and as its code or any other
accepted form. What is left over is wrong, unless it names an accepted family or a part.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from devtools.evaluation.facts import FactScore, score_facts
from devtools.evaluation.grain import GrainScore, score_grain
from devtools.evaluation.likeness import likeness
from devtools.evaluation.links import LinkScore, Placed, SaidLink, score_links
from devtools.evaluation.truth import LabelledProduct, Truth
from swatchbook.domain.records import Product, Record
from swatchbook_base.geometry import Box
from swatchbook_catalogue.judge_document import GOOD

OTHER_NAME, JOINED_NAME = 0.98, 0.97
"""How much an agreement counts with another form of the label's name, and if the said category stands before the said
name. It is less than with the name itself, so that of two labels the right one is taken.
"""


class Answer(NamedTuple):
    """A catalogue's result: products, placement id -> place, links of pictures, page -> its box, how sure it is."""

    products: Sequence[Product]
    placements: Mapping[str, Placed]
    links: Collection[SaidLink]
    page_boxes: Mapping[int, Box]
    sure: float | None = None


class Score(Record):
    """The score of one document. `neutral`: products that are said at another accepted grain.

    `exact_pages` and `right_category` are shares of the products found, the second of those whose category is printed.
    """

    slug: str
    sha256: str
    products: int
    said: int
    neutral: int
    precision: float
    recall: float
    f1: float
    family_f1: float | None
    exact_pages: float
    right_category: float | None
    found: tuple[str, ...]
    missed: tuple[str, ...]
    wrong: tuple[str, ...]
    links: LinkScore
    facts: FactScore
    grain: GrainScore
    sure: float | None = None

    @property
    def is_catalogue(self) -> bool:
        return self.products > 0

    @property
    def is_good(self) -> bool:
        """Whether it is what the probability `sure` is of: a good F1, or nothing said of what offers nothing."""
        return self.f1 >= GOOD if self.is_catalogue else not self.said


def score(truth: Truth, answer: Answer) -> Score:
    """Return the score of an answer. Without labelled products, an answer without products scores 1."""
    said = answer.products
    found = match_products(truth.products, said)
    used = set(found.values())
    neutral = {i for i, product in enumerate(said) if i not in used and _is_accepted(product, truth)}
    precision, recall, f1 = _rates(len(found), len(said) - len(neutral), len(truth.products))
    pairs = [(label, said[found[label.id]]) for label in truth.products if label.id in found]
    printed = [(label, p) for label, p in pairs if label.category and "not printed" not in label.category]
    return Score(
        slug=truth.slug,
        sha256=truth.sha256,
        products=len(truth.products),
        said=len(said),
        neutral=len(neutral),
        precision=precision,
        recall=recall,
        f1=f1,
        family_f1=_family_f1(truth, said, found, wrong=len(said) - len(used) - len(neutral)),
        exact_pages=_share((p.first_page, p.last_page) == (label.first_page, label.last_page) for label, p in pairs)
        or 0.0,
        right_category=_share(likeness(p.category or "", label.category or "") > 0 for label, p in printed),
        found=tuple(_listed(label) for label, _ in pairs),
        missed=tuple(_listed(label) for label in truth.products if label.id not in found),
        wrong=tuple(_listed(p) for i, p in enumerate(said) if i not in used and i not in neutral),
        facts=score_facts(truth.products, pairs),
        grain=score_grain(truth, pairs),
        sure=answer.sure,
        links=score_links(
            truth,
            answer.links,
            answer.placements,
            answer.page_boxes,
            {said[i].id: label for label, i in found.items()},
        ),
    )


# --- names ------------------------------------------------------------------------------------------------------------


def _other_names(label: LabelledProduct) -> Iterator[str]:
    for beside in filter(None, (label.category, label.code)):
        yield from (f"{beside} {label.name}", f"{label.name} {beside}")
    yield from filter(None, (label.code, label.caption))
    yield from (*label.also, *label.accept)


def _agreement(said: Product, label: LabelledProduct) -> float:
    others = list(_other_names(label))
    values = [likeness(said.name, label.name), *(OTHER_NAME * likeness(said.name, other) for other in others)]
    if said.category:
        joined = f"{said.category} {said.name}"
        values += [JOINED_NAME * likeness(joined, other) for other in others]
    return max(values)


def _meet(said: Product, first_page: int, last_page: int) -> bool:
    return said.first_page <= last_page and first_page <= said.last_page


def _listed(product: Product | LabelledProduct) -> str:
    return f"{product.first_page} {product.name}"


# --- products ---------------------------------------------------------------------------------------------------------


def match_products(labels: Sequence[LabelledProduct], said: Sequence[Product]) -> dict[str, int]:
    """Return label id -> index of the product that is it: best name first, then nearest pages, each once."""
    pairs = []
    for label in labels:
        for i, product in enumerate(said):
            if _meet(product, label.first_page, label.last_page) and (value := _agreement(product, label)):
                far = abs(product.first_page - label.first_page) + abs(product.last_page - label.last_page)
                pairs.append((-value, far, i, label.id))
    found: dict[str, int] = {}
    used: set[int] = set()
    for _, _, i, label_id in sorted(pairs):
        if label_id not in found and i not in used:
            found[label_id] = i
            used.add(i)
    return found


def _is_accepted(product: Product, truth: Truth) -> bool:
    """Whether a product names a family of its pages, or a part of a product of its pages. Numbers before it are cut."""
    accepted = [(family.name, family.pages[0], family.pages[-1]) for family in truth.families]
    accepted += [
        (re.sub(r"^\d+\.", "", part).strip(), label.first_page, label.last_page)
        for label in truth.products
        for part in label.parts
    ]
    name = re.sub(r"^\d+[.)]\s*", "", product.name)
    return any(_meet(product, first, last) and likeness(name, other) for other, first, last in accepted)


def _family_f1(truth: Truth, said: Sequence[Product], found: Mapping[str, int], *, wrong: int) -> float | None:
    """Return F1 over families: one is found when it is said, or if products are found, when one of its is."""
    if not truth.families:
        return None
    hits = 0
    for family in truth.families:
        first, last = family.pages[0], family.pages[-1]
        is_said = any(_meet(p, first, last) and likeness(p.name, family.name) for p in said)
        has_product = any(
            label.id in found
            and label.first_page <= last
            and first <= label.last_page
            and likeness(label.category or "", family.name)
            for label in truth.products
        )
        hits += is_said or has_product
    return _rates(hits, hits + wrong, len(truth.families))[2]


def _rates(right: int, said: int, labelled: int) -> tuple[float, float, float]:
    """Return precision, recall and F1; all 1 if nothing is said where nothing is labelled."""
    if not said and not labelled:
        return 1.0, 1.0, 1.0
    precision = right / said if said else 0.0
    recall = right / labelled if labelled else 1.0
    return precision, recall, 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def _share(holds: Iterable[bool]) -> float | None:
    values = list(holds)
    return sum(values) / len(values) if values else None

"""Measure what a document with known products says about the weights: its groups of texts, as facts only."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from operator import mul

from swatchbook.catalogue.choose_names import LEAST_LIKELY, UNLIKELY, Weights
from swatchbook.catalogue.discover import AGAIN, without_repeats
from swatchbook.catalogue.name_groups import NameGroup, find_oddities
from swatchbook.records import FoundProduct, GroupFacts, LessonFacts, fold

NOTHING = 0.15
"""A group with a lower F1 is no answer."""

Known = Mapping[str, Sequence[frozenset[int]]]
"""Folded name of a product -> the pages of each product of this name."""


def known_names(products: Iterable[tuple[str, Collection[int]]]) -> Known:
    """Return the names of products with their pages, to look them up."""
    known: dict[str, list[frozenset[int]]] = defaultdict(list)
    for name, pages in products:
        known[fold(name)].append(frozenset(pages))
    return known


def measure_lesson(content: str, groups: Sequence[NameGroup], known: Known, weights: Weights) -> LessonFacts:
    """Return what a document says whose products are known. `weights` say how like names a group's meaning is."""
    odd = [find_oddities(group) for group in groups]
    order = tuple(sorted({name for of_group in odd for each in of_group for name in each}))
    facts = [
        GroupFacts(
            features={name: round(value, 4) for name, value in group.features.items()},
            like=round(sum(map(mul, group.meaning, weights.meaning)), 4),
            f1=round(_f1(group, known), 4),
            names=tuple(
                (float(right), *(round(each[name], 2) for name in order))
                for right, each in zip(_are_right(group, known), of_group, strict=True)
            ),
        )
        for group, of_group in zip(groups, odd, strict=True)
    ]
    return LessonFacts(content=content, oddities=order, groups=tuple(facts))


def says_something(lesson: LessonFacts) -> bool:
    """Return whether one of a document's groups names its products: else it says nothing about the choice of them."""
    return max((group.f1 for group in lesson.groups), default=0.0) > NOTHING


def products_named(group: NameGroup) -> list[FoundProduct]:
    """Return the products that a group's texts would name, without those that are repeated on near pages."""
    return without_repeats(
        FoundProduct(
            name=c.name, raw_name=c.text.text, first_page=c.text.page, last_page=c.text.page, pages=(c.text.page,),
            confidence=1.0,
        )
        for c in group.candidates
    )  # fmt: skip


def _f1(group: NameGroup, known: Known) -> float:
    found = products_named(group)
    open_names = {name: list(pages) for name, pages in known.items()}
    right = 0
    for product in found:
        left = open_names.get(fold(product.name), [])
        same = next((pages for pages in left if not pages.isdisjoint(product.pages)), None)
        if same is not None:
            left.remove(same)
            right += 1
    return 2 * right / (len(found) + sum(map(len, known.values())))


def _are_right(group: NameGroup, known: Known) -> list[bool]:
    """Return whether each text names a product of its page; one that repeats the name of a page before is as right."""
    last: dict[str, tuple[int, bool]] = {}
    found = []
    for c in group.candidates:
        key, page = fold(c.name), c.text.page
        before = last.get(key)
        right = before[1] if before and page - before[0] <= AGAIN else any(page in p for p in known.get(key, ()))
        last[key] = page, right
        found.append(right)
    return found


# --- what weights would say -------------------------------------------------------------------------------------------


def f1_of_likely(f1: float, names: Sequence[tuple[float, bool]]) -> float:
    """Return the F1 of the likely names of a group. `names`: the probability of each, and whether it is right.

    The number of products follows from the group's F1.
    """
    if is_silent([p for p, _ in names]):
        return 0.0
    right = sum(is_right for _, is_right in names)
    if not right or not f1:  # names of families are right, too, and no products
        return f1
    products = max(right, 2 * right / f1 - len(names))
    likely = [is_right for p, is_right in names if p >= UNLIKELY]
    return 2 * sum(likely) / (len(likely) + products)


def is_silent(names: Sequence[float]) -> bool:
    """Return whether nothing is said where the names of the chosen group have these probabilities."""
    return not names or sum(p >= UNLIKELY for p in names) < LEAST_LIKELY * len(names)

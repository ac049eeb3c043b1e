"""The score of families and variants, over the products that were found.

A family is right when it is the labelled category of the product, or a labelled family on its pages; it is judged where
the label has one of them. Variants and parts are judged where the label lists them: the names that agree, each once.
"""

from collections.abc import Iterable, Sequence

from devtools.evaluation.likeness import likeness
from devtools.evaluation.truth import LabelledProduct, Truth
from swatchbook.domain.records import Product, Record

NOT_PRINTED = "not printed"
"""The category of a label where none is printed."""


class GrainScore(Record):
    """Found products: how many stand under a labelled family (`in_family`), how many of these say a family, and the
    right one. Variants and parts of those whose label lists them: how many are labelled, said, and right.
    """

    in_family: int = 0
    families_said: int = 0
    families_right: int = 0
    variants: int = 0
    variants_said: int = 0
    variants_right: int = 0


def score_grain(truth: Truth, pairs: Iterable[tuple[LabelledProduct, Product]]) -> GrainScore:
    """Return the score. `pairs`: the labels that were found, each with its product."""
    found = list(pairs)
    families = [(accepted, product.family) for label, product in found if (accepted := _families(label, truth))]
    listed = [(_listed(label), [v.name for v in product.variants]) for label, product in found if _listed(label)]
    return GrainScore(
        in_family=len(families),
        families_said=sum(said is not None for _, said in families),
        families_right=sum(any(likeness(said or "", name) for name in accepted) for accepted, said in families),
        variants=sum(len(names) for names, _ in listed),
        variants_said=sum(len(said) for _, said in listed),
        variants_right=sum(_agreeing(names, said) for names, said in listed),
    )


def add_grains(scores: Iterable[GrainScore]) -> GrainScore:
    """Return the sum of several scores."""
    each = list(scores)
    return GrainScore(**{name: sum(getattr(score, name) for score in each) for name in GrainScore.model_fields})


def _families(label: LabelledProduct, truth: Truth) -> list[str]:
    """Return the names that a product's family may have."""
    printed = [label.category] if label.category and NOT_PRINTED not in label.category else []
    near = (f for f in truth.families if f.pages[0] <= label.last_page and label.first_page <= f.pages[-1])
    return printed + [name for family in near for name in (family.name, *family.also)]


def _listed(label: LabelledProduct) -> tuple[str, ...]:
    return (*(label.variants or ()), *label.parts)


def _agreeing(labels: Sequence[str], said: Sequence[str]) -> int:
    """Count the labels that are said, each said name once."""
    left = list(said)
    right = 0
    for label in labels:
        same = next((name for name in left if likeness(name, label)), None)
        if same is not None:
            left.remove(same)
            right += 1
    return right

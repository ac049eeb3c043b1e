"""Say what a taught reading would find in a document, before anything changes. `lessons.py` compares that with the
products that it has.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from swatchbook.domain.records import UNTAUGHT, Example, FoundProduct, Reading, Shown, TaughtReading
from swatchbook_teach.learning.learn import Learnt, learn
from swatchbook_teach.learning.learn_facts import with_learnt_facts
from swatchbook_teach.learning.pair_facts import Spot
from swatchbook_teach.learning.taught_products import Named, apply_reading, present_names, read_names
from swatchbook_teach.learning.texts import Booleans, DocumentTexts
from swatchbook_teach.records import Proposal, ProposedName

MOST_UNSURE: Final = 10


def propose(
    texts: DocumentTexts, reading: Reading, examples: Sequence[Example], start: TaughtReading = UNTAUGHT, most: int = 5
) -> list[Proposal]:
    """Return what the likeliest reading would find, and then others that agree with the examples, too, of which one is
    probably better.

    Examples of codes and prices say nothing of names: the first one leaves these as they are found at the start.
    """
    if any(each.what is Shown.NAME for each in examples) and (learnt := learn(texts, examples, start, most=most)):
        return [describe(texts, reading, each, examples) for each in learnt]
    begun = start.model_copy(update={"examples": (*start.examples, *examples)})
    first = preview(texts, reading, begun, examples)
    others = learn(texts, examples, start, most=most, besides=_texts_of(texts, begun)) if most > 1 else []
    return [first, *(describe(texts, reading, each, examples) for each in others)]


def _texts_of(texts: DocumentTexts, taught: TaughtReading) -> Booleans:
    """Return the texts that a reading takes for names."""
    named = read_names(texts, taught) if taught.names_are_taught else present_names(texts)
    found = np.zeros(len(texts.texts), bool)
    found[[each.number for each in named if each.number is not None]] = True
    return found


def preview(
    texts: DocumentTexts, reading: Reading, taught: TaughtReading, examples: Sequence[Example] = ()
) -> Proposal:
    """Return what a reading would find, such as one that is imported or was taught on another document.

    `examples`: those of codes and prices whose rules it lacks.
    """
    named = read_names(texts, taught) if taught.names_are_taught else present_names(texts)
    return _proposal(texts, reading, taught, examples, 1.0, named, np.maximum(texts.backing, 0.5))


def describe(texts: DocumentTexts, reading: Reading, learnt: Learnt, examples: Sequence[Example] = ()) -> Proposal:
    """Return what a learnt reading would find, with the rules that examples of codes and prices show."""
    named = read_names(texts, learnt.reading, learnt.texts)
    return _proposal(texts, reading, learnt.reading, examples, learnt.probability, named, learnt.likely)


def _proposal(
    texts: DocumentTexts,
    reading: Reading,
    taught: TaughtReading,
    examples: Sequence[Example],
    probability: float,
    named: Sequence[Named],
    likely: NDArray[np.float64],
) -> Proposal:
    taught = with_learnt_facts(texts, taught, examples, [Spot(each.text.page, each.text.box) for each in named])
    found, values = apply_reading(texts, reading, named, taught)
    names = tuple(
        ProposedName(
            page=each.text.page,
            box=each.text.box,
            name=each.name,
            probability=1.0 if each.shown or each.number is None else round(min(float(likely[each.number]), 1.0), 3),
            new=True,
            **values.get((each.text.page, each.text.box), {}),
        )
        for each in named
    )
    return Proposal(
        reading=taught,
        probability=round(probability, 3),
        names=names,
        products=len(found),
        pages=tuple(sorted({page for product in found for page in product.pages})),
        unsure=tuple(sorted(names, key=lambda each: each.probability)[:MOST_UNSURE]),
        lost=(),
        coded=_count(found, Shown.CODE),
        priced=_count(found, Shown.PRICE),
    )


def _count(products: Sequence[FoundProduct], what: Shown) -> int:
    """Return how many products have a taught code or price."""
    return sum(any(fact.key == what for fact in product.taught) for product in products)

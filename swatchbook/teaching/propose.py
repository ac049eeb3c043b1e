"""Say what a taught reading would find in a document and what it would lose, before anything changes."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from swatchbook.records import UNTAUGHT, Example, FoundProduct, Proposal, ProposedName, Reading, TaughtReading, fold
from swatchbook.teaching.learn import Learnt, learn
from swatchbook.teaching.taught_products import Named, products_of, read_names
from swatchbook.teaching.texts import DocumentTexts

MOST_UNSURE: Final = 10


def propose(
    texts: DocumentTexts, reading: Reading, examples: Sequence[Example], start: TaughtReading = UNTAUGHT
) -> Proposal:
    """Return what the likeliest reading that agrees with the examples would find."""
    learnt = learn(texts, examples, start)
    if not learnt:
        return preview(texts, reading, start.model_copy(update={"examples": (*start.examples, *examples)}))
    return describe(texts, reading, learnt[0])


def preview(texts: DocumentTexts, reading: Reading, taught: TaughtReading) -> Proposal:
    """Return what a reading would find, such as one that is imported or was taught on another document."""
    likely = np.maximum(texts.backing, 0.5)
    return _proposal(texts, reading, taught, 1.0, read_names(texts, taught), likely)


def describe(texts: DocumentTexts, reading: Reading, learnt: Learnt) -> Proposal:
    """Return what a learnt reading would find."""
    named = read_names(texts, learnt.reading, learnt.texts)
    return _proposal(texts, reading, learnt.reading, learnt.probability, named, learnt.likely)


def _proposal(
    texts: DocumentTexts,
    reading: Reading,
    taught: TaughtReading,
    probability: float,
    named: Sequence[Named],
    likely: NDArray[np.float64],
) -> Proposal:
    names = tuple(
        ProposedName(
            page=each.text.page,
            box=each.text.box,
            name=each.name,
            probability=1.0 if each.shown or each.number is None else round(min(float(likely[each.number]), 1.0), 3),
            new=each.number is None or not texts.found[each.number],
        )
        for each in named
    )
    found = products_of(texts, reading, named).products
    return Proposal(
        reading=taught,
        probability=round(probability, 3),
        names=names,
        products=len(found),
        pages=tuple(sorted({page for product in found for page in product.pages})),
        unsure=tuple(sorted(names, key=lambda each: each.probability)[:MOST_UNSURE]),
        lost=_lost(texts, found),
    )


def _lost(texts: DocumentTexts, found: Sequence[FoundProduct]) -> tuple[tuple[str, int], ...]:
    """Return names and pages of the present products that are not among those found."""
    kept = {(fold(product.name), page) for product in found for page in product.pages}
    present = texts.choice.candidates if texts.choice else ()
    return tuple((c.name, c.text.page) for c in present if (fold(c.name), c.text.page) not in kept)

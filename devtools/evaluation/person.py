"""A simulated person who corrects what is proposed for a labelled catalogue, one click at a time.

The person takes one of the five alternatives that the page shows if it is clearly better. Else the person sees which
products are missed and which names are wrong by the labels, and clicks on one of these at random. One click in twenty
is a mistake: any text is called a name, or a right name is called wrong.
"""

import pickle
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from devtools.evaluation.truth import LabelledProduct, Truth
from devtools.score_products import reading_of
from swatchbook.domain.records import UNTAUGHT, Example, fold
from swatchbook_teach.learning.learn import Learnt, learn
from swatchbook_teach.learning.texts import Booleans, DocumentTexts, collect_texts

MISTAKES: Final = 0.05
ALTERNATIVES: Final = 5
CLEARLY: Final = 0.05
"""By how much the F1 of an alternative must be higher for a person to see it."""


class Labelled(NamedTuple):
    """A document's texts: for each product of the labels the texts that name it, and which texts name any."""

    texts: DocumentTexts
    labels: tuple[LabelledProduct, ...]
    naming: tuple[Booleans, ...]
    any_name: Booleans


def read_labelled(truth: Truth, pdf: Path, keep: Path) -> Labelled:
    """Return the texts of a document with its labels; kept for the next time."""
    kept = keep / f"{pdf.stem}.texts.pickle"
    if kept.exists():
        texts = pickle.loads(kept.read_bytes())  # noqa: S301 - written by this program
    else:
        with reading_of(pdf, keep) as (reading, pages):
            texts = collect_texts(reading, pages)
        kept.write_bytes(pickle.dumps(texts))
    return label_texts(truth, texts)


def label_texts(truth: Truth, texts: DocumentTexts) -> Labelled:
    """Return the texts of a document with the products of the labels that they name."""
    naming = tuple(_naming(texts, label) for label in truth.products)
    return Labelled(texts, truth.products, naming, np.any(naming, axis=0))


def _naming(texts: DocumentTexts, label: LabelledProduct) -> Booleans:
    """Return which texts name a product on its pages."""
    forms = {fold(form) for form in _forms(label)} - {""}
    on_pages = (label.first_page <= texts.pages) & (texts.pages <= label.last_page)
    return np.array(
        [bool(on) and _names(str(words), forms) for on, words in zip(on_pages, texts.folded, strict=True)], bool
    )


def _forms(label: LabelledProduct) -> tuple[str, ...]:
    return (label.name, *label.also, *label.accept, label.code or "")


def _names(words: str, forms: set[str]) -> bool:
    """Return whether a text says one of a label's forms, and little else."""
    return any(words == form or (form in words and len(words) <= 2 * len(form)) for form in forms)


def teach(labelled: Labelled, chance: random.Random, actions: int) -> Iterator[Learnt | None]:
    """Yield the reading that is proposed after each action of a person; None if nothing is left to do."""
    texts, shown, start, examples = labelled.texts, labelled.texts.found, UNTAUGHT, list[Example]()
    learnt = learn(texts, [], most=ALTERNATIVES)
    for _ in range(actions):
        best = choose(labelled, shown, learnt)
        if best:
            start, examples, learnt = best.reading, [], []
        elif click := click_on(labelled, shown, chance):
            examples = [*(each for each in examples if not _takes_back(click, each)), click]
            learnt = learn(texts, examples, start, most=ALTERNATIVES)
            best = learnt[0]
        shown = best.texts if best else shown
        yield best


def _takes_back(click: Example, earlier: Example) -> bool:
    """Return whether a click says the opposite of an earlier one, as on the page."""
    return (click.page, click.box) == (earlier.page, earlier.box) and click.right != earlier.right


def click_on(labelled: Labelled, shown: Booleans, chance: random.Random) -> Example | None:
    """Return what a person shows next, who sees the texts `shown` as names; None if no text is left to correct."""
    missed = [n for n, naming in enumerate(labelled.naming) if naming.any() and not (naming & shown).any()]
    wrong = np.flatnonzero(shown & ~labelled.any_name).tolist()
    if chance.random() < MISTAKES:
        if shown.any() and chance.random() < 0.5:
            return _example(labelled, chance.choice(np.flatnonzero(shown).tolist()), right=False)
        return _example(labelled, chance.choice(np.flatnonzero(labelled.texts.named).tolist()))
    if not missed and not wrong:
        return None
    if chance.randrange(len(missed) + len(wrong)) >= len(missed):
        return _example(labelled, chance.choice(wrong), right=False)
    product = chance.choice(missed)
    return _example(labelled, int(np.flatnonzero(labelled.naming[product])[0]), labelled.labels[product])


def choose(labelled: Labelled, shown: Booleans, learnt: Sequence[Learnt]) -> Learnt | None:
    """Return the reading that a person takes of those shown as alternatives: one that is clearly better, if any is."""
    better = f1_of(labelled, shown) + CLEARLY
    best = max(learnt, key=lambda each: f1_of(labelled, each.texts), default=None)
    return best if best and f1_of(labelled, best.texts) > better else None


def _example(labelled: Labelled, number: int, label: LabelledProduct | None = None, *, right: bool = True) -> Example:
    """Return a text as an example; of a text with more words than the label's name, the person marks the name."""
    text = labelled.texts.texts[number]
    name = text.name
    for form in _forms(label) if label else ():
        place = text.text.text.casefold().find(form.casefold())
        if form and place >= 0 and fold(form) != fold(name):
            name = text.text.text[place : place + len(form)]
            break
        if fold(form) == fold(name):
            break
    return Example(page=text.page, box=text.box, text=name or None, right=right)


def f1_of(labelled: Labelled, chosen: Booleans) -> float:
    """Return the F1 of the products that some texts would name; a name that repeats within two pages is one."""
    hits = sum(bool((naming & chosen).any()) for naming in labelled.naming)
    wrong = {(int(page) // 2, words) for page, words in _placed(labelled.texts, chosen & ~labelled.any_name)}
    return 2 * hits / (len(labelled.naming) + hits + len(wrong))


def _placed(texts: DocumentTexts, chosen: Booleans) -> Sequence[tuple[int, str]]:
    return [(int(texts.pages[n]), str(texts.folded[n])) for n in np.flatnonzero(chosen)]

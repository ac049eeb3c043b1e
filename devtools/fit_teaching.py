"""Fit the weights that choose between readings that agree with what a person showed.

    python -m devtools.fit_teaching LABELS PDFS KEEP            fit, write `swatchbook/teaching/weights.json`, print
    python -m devtools.fit_teaching LABELS PDFS KEEP --halves   fit on each half of the documents, try on the other

KEEP is a folder that keeps what was read and measured. On each document a simulated person corrects the present names,
up to four times, six times over; each of these moments is a choice between hypotheses, whose target is their F1. A
hypothesis that is 0.1 worse than another has less than half of its share. Newton's method on the cross entropy, an L2
penalty; the random numbers are seeded by the document's name.
"""

import argparse
import json
import pickle
import random
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from statistics import mean, median
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from devtools.evaluation.truth import LabelledProduct, Truth, read_truths
from devtools.score_products import reading_of
from swatchbook.records import Example, fold
from swatchbook.teaching.learn import hypotheses
from swatchbook.teaching.score import measure, weights
from swatchbook.teaching.texts import Booleans, DocumentTexts, collect_texts

Array = NDArray[np.float64]

WEIGHTS: Final = Path("swatchbook/teaching/weights.json")
ROUNDS: Final = 6
ACTIONS: Final = 4
MISTAKES: Final = 0.05
SHARPNESS: Final = 9.5
"""A hypothesis whose F1 is 0.1 lower has less than half of the target's share: e^(-0.95)."""
PENALTY: Final = 2.0
STEPS: Final = 60


class Moment(NamedTuple):
    """A choice after `action` examples: features of each hypothesis, one row each, and its F1."""

    action: int
    features: Array
    f1: Array


class Labelled(NamedTuple):
    """A document's texts: for each product of the labels the texts that name it, and which texts name any."""

    texts: DocumentTexts
    naming: tuple[Booleans, ...]
    any_name: Booleans


def main() -> None:
    """Measure, fit and print."""
    given = _arguments()
    names = given.names or sorted(path.stem for path in given.pdfs.glob("*.pdf"))
    with ProcessPoolExecutor(given.processes) as processes:
        measured = list(processes.map(partial(_measured, given.labels, given.pdfs, given.keep), names))
    moments = {name: found for name, found in zip(names, measured, strict=True) if found}
    order = sorted(weights())
    if given.halves:
        halves = [list(moments)[n::2] for n in range(2)]
        for fitted_on, other in (halves, halves[::-1]):
            fitted = fit([m for name in fitted_on for m in moments[name]])
            _report(fitted, {name: moments[name] for name in other})
        return
    fitted = fit([m for found in moments.values() for m in found])
    _report(fitted, moments)
    WEIGHTS.write_text(json.dumps(dict(zip(order, map(float, fitted.round(3)), strict=True)), indent=1) + "\n")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(usage=(__doc__ or "").split("\n\n")[1])
    parser.add_argument("labels", type=Path)
    parser.add_argument("pdfs", type=Path)
    parser.add_argument("keep", type=Path)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--halves", action="store_true")
    parser.add_argument("--processes", type=int, default=2)
    return parser.parse_args()


def _report(fitted: Array, moments: dict[str, list[Moment]]) -> None:
    for action in range(1, ACTIONS + 1):
        chosen, best = [], []
        for found in moments.values():
            here = [m for m in found if m.action == action]
            if here:
                chosen.append(mean(float(m.f1[int(np.argmax(m.features @ fitted))]) for m in here))
                best.append(mean(float(m.f1.max()) for m in here))
        sys.stdout.write(
            f"after {action}: mean {mean(chosen):.3f} median {median(chosen):.3f} floor {min(chosen):.3f}; "
            f"the best there is: mean {mean(best):.3f}; {len(chosen)} documents\n"
        )


# --- measure ----------------------------------------------------------------------------------------------------------


def _measured(labels: Path, pdfs: Path, keep: Path, name: str) -> list[Moment]:
    """Return the moments of a document; none without labelled products."""
    (truth,) = read_truths([labels / f"{name}.json"])
    if not truth.products:
        return []
    labelled = read_labelled(truth, pdfs / f"{name}.pdf", keep)
    chance = random.Random(name)  # noqa: S311 - a simulation
    return [moment for _ in range(ROUNDS) for moment in _moments(labelled, chance)]


def read_labelled(truth: Truth, pdf: Path, keep: Path) -> Labelled:
    """Return the texts of a document with its labels; kept for the next time."""
    kept = keep / f"{pdf.stem}.texts.pickle"
    if kept.exists():
        texts = pickle.loads(kept.read_bytes())  # noqa: S301 - written by this program
    else:
        with reading_of(pdf, keep) as (reading, pages):
            texts = collect_texts(reading, pages)
        kept.write_bytes(pickle.dumps(texts))
    naming = tuple(_naming(texts, label) for label in truth.products)
    return Labelled(texts, naming, np.any(naming, axis=0))


def _naming(texts: DocumentTexts, label: LabelledProduct) -> Booleans:
    """Return which texts name a product on its pages."""
    forms = {fold(form) for form in (label.name, *label.also, *label.accept, label.code or "")} - {""}
    on_pages = (label.first_page <= texts.pages) & (texts.pages <= label.last_page)
    return np.array(
        [bool(on) and _names(str(words), forms) for on, words in zip(on_pages, texts.folded, strict=True)], bool
    )


def _names(words: str, forms: set[str]) -> bool:
    """Return whether a text says one of a label's forms, and little else."""
    return any(words == form or (form in words and len(words) <= 2 * len(form)) for form in forms)


def _moments(labelled: Labelled, chance: random.Random) -> list[Moment]:
    """Return the choices that a person's corrections lead to; each corrects what the present weights would propose."""
    texts = labelled.texts
    known = weights()
    order = sorted(known)
    proposed, examples, found = [texts.found], list[Example](), list[Moment]()
    for action in range(1, ACTIONS + 1):
        click = _click(labelled, proposed[-1], chance)
        if click is None:
            break
        examples.append(click)
        choices = hypotheses(texts, examples)
        measured = [measure(texts, h.texts, h.shape, proposed) for h in choices]
        rows = np.array([[each[feature] for feature in order] for each in measured])
        found.append(Moment(action, rows, np.array([f1_of(labelled, h.texts) for h in choices])))
        best = int(np.argmax(rows @ np.array([known[feature] for feature in order])))
        proposed.append(choices[best].texts)
    return found


def _click(labelled: Labelled, shown: Booleans, chance: random.Random) -> Example | None:
    texts = labelled.texts.texts
    missed = [naming for naming in labelled.naming if naming.any() and not (naming & shown).any()]
    wrong = np.flatnonzero(shown & ~labelled.any_name)
    if chance.random() < MISTAKES and len(texts):
        n, right = chance.randrange(len(texts)), not (shown.any() and chance.random() < 0.5)
        n = n if right else int(chance.choice(np.flatnonzero(shown).tolist()))
    elif not missed and not len(wrong):
        return None
    elif right := chance.randrange(len(missed) + len(wrong)) < len(missed):
        n = int(np.flatnonzero(chance.choice(missed))[0])
    else:
        n = int(chance.choice(wrong.tolist()))
    return Example(page=texts[n].page, box=texts[n].box, text=texts[n].name or None, right=right)


def f1_of(labelled: Labelled, chosen: Booleans) -> float:
    """Return the F1 of the products that some texts would name; a name that repeats within two pages is one."""
    hits = sum(bool((naming & chosen).any()) for naming in labelled.naming)
    wrong = {(int(page) // 2, words) for page, words in _placed(labelled.texts, chosen & ~labelled.any_name)}
    return 2 * hits / (len(labelled.naming) + hits + len(wrong))


def _placed(texts: DocumentTexts, chosen: Booleans) -> Sequence[tuple[int, str]]:
    return [(int(texts.pages[n]), str(texts.folded[n])) for n in np.flatnonzero(chosen)]


# --- fit --------------------------------------------------------------------------------------------------------------


def fit(moments: Sequence[Moment]) -> Array:
    """Return the weights in the order of their names."""
    width = moments[0].features.shape[1]
    spread = np.vstack([m.features for m in moments]).std(0) + 1e-3
    scaled = [m.features / spread for m in moments]
    targets = [t / t.sum() for m in moments for t in [np.exp(SHARPNESS * (m.f1 - m.f1.max()))]]
    found = np.zeros(width)
    for _ in range(STEPS):
        gradient, curvature = PENALTY * found, PENALTY * np.eye(width)
        for x, target in zip(scaled, targets, strict=True):
            scores = x @ found
            p = np.exp(scores - scores.max())
            p /= p.sum()
            gradient += x.T @ (p - target)
            expected = x.T @ p
            curvature += (x.T * p) @ x - np.outer(expected, expected)
        step = np.linalg.solve(curvature, gradient)
        found -= step * min(1.0, 2.0 / np.abs(step).max())
        if np.abs(step).max() < 1e-5:
            break
    return np.asarray(found / spread)


if __name__ == "__main__":
    main()

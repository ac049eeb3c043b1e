"""Fit the weights that choose the names of products (`swatchbook/catalogue/name_weights.json`), and measure how they do
on catalogues that they were not fitted on.

    python -m devtools.fit_products                                   fit, write the weights, print the figures
    python -m devtools.fit_products measure LABELS PDFS [NAME…] [--keep READINGS]
                                      measure the features of LABELS/NAME.json and PDFS/NAME.pdf
    python -m tests.catalogue.measure_generated
                                      measure the features of the generated layouts, leaflets, flyers and samples

`tests/truth/features` holds numbers only: for each group of texts of a document its features, what it means, and the F1
of the products that it would name. How like names of products a meaning is, is a ridge regression of the F1 on the real
documents; for each of them by the other sets, as it is one more feature of the groups. Groups that name a tenth as well
as the best share its probability; the target of a document whose groups name nothing is "none". Newton's method on the
cross entropy, an L2 penalty, no random numbers.
"""

import argparse
import base64
import json
import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence
from math import log
from pathlib import Path
from statistics import mean, median
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from devtools.evaluation.score import Answer, Score, score
from devtools.evaluation.truth import Truth, read_truths
from devtools.score_products import reading_of
from swatchbook.catalogue.choose_names import LARGEST_LOG_ODDS, SILENT, UNLIKELY, Weights, judge_groups, judge_names
from swatchbook.catalogue.describe import assemble_products
from swatchbook.catalogue.discover import AGAIN, lay_out, without_repeats
from swatchbook.catalogue.name_groups import NameGroup, find_name_groups, find_oddities
from swatchbook.models.bert_encoder import DIMENSION
from swatchbook.records import Description, Discovery, FoundProduct, Page, Product, Reading, fold

Array = NDArray[np.float64]

FEATURES: Final = Path("tests/truth/features")
WEIGHTS: Final = Path("swatchbook/catalogue/name_weights.json")
CHOSEN: Final = (
    *("few", "count", "pages", "repeated", "larger", "announced", "words", "signs", "uneven", "sizes", "role"),
    *("one_to_one", "follows", "described", "labelled", "measured", "priced", "table_priced", "coded", "refrains"),
    *("document_prose", "document_labels", "document_codes", "document_pictures", "document_measures"),
    *("document_titled", "document_goods", "document_services", "document_occasions", "heads_rows", "numeric"),
    *("distinct", "small_words"),
)
"""The features that carried from 24 catalogues to 16 others and back; more of them made the others worse."""
PENALTY: Final = 8.0
PENALTY_OF_NAMES: Final = 3.0
PENALTY_OF_MEANINGS: Final = 1.0
SETS: Final = ("a-b-c", "d-e", "f", "g", "h", "i", "j", "k")
"""The letters before the names of documents that were labelled together, apart from those of the first set."""
STEP: Final = 1 / 300
"""What a meaning's numbers are rounded to; they are at most 127 steps."""
SHARPNESS: Final = 9.5
"""A group whose F1 is 0.1 lower has less than half of the target's probability: e^(-0.95)."""
NOTHING: Final = 0.15
"""A group with a lower F1 is no answer."""
OF_FAMILIES: Final = 0.6
"""How much the F1 of families counts where a group names no product."""
MADE_ALIKE: Final = tuple(f"generated-{kind}-" for kind in ("leaflet", "described", "price-list"))
MADE: Final = 0.8
"""Weight of a generated document of these kinds: there are many of each, and all have products."""
MADE_ALONE: Final = 1.5
"""Weight of all other generated documents: there are few of a kind. Real ones weigh 1."""
OF_ONE: Final = 40
"""The names of one document weigh as much as so many at most: catalogues with hundreds would decide alone."""
STEPS: Final = 40
SETTLED: Final = 1e-6
"""Steps that are smaller do not change the weights, which have four digits."""


class Named(NamedTuple):
    """A text of a group: how odd it is in it, and whether it names a product."""

    oddities: dict[str, float]
    right: bool


class Measured(NamedTuple):
    """A document's groups: their features, what they mean, (groups, 384), the F1 of the products that each would name,
    and their texts.
    """

    name: str
    features: list[dict[str, float]]
    meanings: Array
    f1: list[float]
    names: list[list[Named]]

    @property
    def generated(self) -> bool:
        return self.name.startswith("generated-")

    @property
    def offers_none(self) -> bool:
        return "neg-" in self.name or (self.generated and max(self.f1, default=0.0) == 0)

    @property
    def share(self) -> float:
        """Its weight in the fit."""
        if not self.generated:
            return 1.0
        return MADE if self.name.startswith(MADE_ALIKE) and not self.offers_none else MADE_ALONE

    @property
    def usable(self) -> bool:
        """Whether a right answer exists among the groups."""
        return bool(self.f1) and (self.offers_none or max(self.f1) > NOTHING)


def load(folder: Path) -> list[Measured]:
    """Return the measured documents of a folder, in order of name."""
    found = []
    for path in sorted(folder.glob("*.json")):
        kept = json.loads(path.read_text(encoding="utf-8"))
        groups, order = kept["groups"], kept["oddities"]
        names = [[Named(dict(zip(order, odd, strict=True)), bool(right)) for right, *odd in g["names"]] for g in groups]
        features, f1 = [g["features"] for g in groups], [g["f1"] for g in groups]
        found.append(Measured(path.stem, features, _meanings(g["meaning"] for g in groups), f1, names))
    return found


def _meanings(kept: Iterable[str]) -> Array:
    rows = [np.frombuffer(base64.b64decode(text), np.int8) for text in kept]
    return np.array(rows, np.float64).reshape(len(rows), DIMENSION) * STEP


class Decision(NamedTuple):
    """The names of the group that was chosen for a document, and the probability of that group."""

    name: str
    f1: float
    chosen: float
    rows: list[Named]


def fit(documents: Sequence[Measured], decisions: Sequence[Decision] = (), chosen: Sequence[str] = CHOSEN) -> Weights:
    """Return the weights for documents that have a right answer. `chosen`: the features.

    `decisions` are those of weights that were fitted on other documents.
    """
    direction, like_names = _like_names(documents)
    raw = [
        np.column_stack(([[group[name] for name in chosen] for group in d.features], like))
        for d, like in zip(documents, like_names, strict=True)
    ]
    stacked = np.vstack(raw)
    centre, spread = stacked.mean(0), np.maximum(stacked.std(0) + 1e-6, 1e-5)
    centre[-1] = 0.0  # as in each document
    rows = np.vstack([_with_none((x - centre) / spread) for x in raw])
    target = np.concatenate([_target(d) for d in documents])
    counts = [len(x) + 1 for x in raw]
    starts = np.cumsum([0, *counts[:-1]])
    shares = np.repeat([d.share for d in documents], counts)
    penalty = np.diag(np.append(np.full(len(centre), PENALTY), 0.01))
    found = np.zeros(len(centre) + 1)
    for _ in range(STEPS):
        scores = rows @ found
        raised = np.exp(scores - np.repeat(np.maximum.reduceat(scores, starts), counts))
        p = raised / np.repeat(np.add.reduceat(raised, starts), counts)
        weighted = rows * p[:, None]
        expected = np.add.reduceat(weighted, starts)
        gradient = penalty @ found + rows.T @ (shares * (p - target))
        curvature = penalty + weighted.T @ (rows * shares[:, None]) - expected.T @ (expected * shares[starts][:, None])
        step = np.linalg.solve(curvature, gradient)
        found -= step * min(1.0, 2.0 / np.abs(step).max())
        if np.abs(step).max() < SETTLED:
            break
    features = {
        name: (round(float(m), 5), round(float(s), 5), round(float(w), 4))
        for name, m, s, w in zip(chosen, centre, spread, found, strict=False)
    }
    meaning = tuple(round(float(number), 4) for number in direction * found[-2] / spread[-1])
    return Weights(features, meaning, round(float(found[-1]), 4), *_fit_right(decisions))


def _like_names(documents: Sequence[Measured]) -> tuple[Array, list[Array]]:
    """Return the direction of meanings that names of products have, and how far the groups of each document go in it.

    The direction for a real document is that of the other sets: else it would know the answer.
    """
    real: dict[str, list[Measured]] = defaultdict(list)
    for document in documents:
        if not document.generated:
            real[set_of(document.name)].append(document)
    sums = {name: _sums(of_set) for name, of_set in real.items()}
    none = np.zeros((DIMENSION, DIMENSION)), np.zeros(DIMENSION)

    def without(left_out: str | None) -> Array:
        squares, products = map(sum, zip(none, *(both for name, both in sums.items() if name != left_out), strict=True))
        return np.asarray(np.linalg.solve(squares + PENALTY_OF_MEANINGS * np.eye(DIMENSION), products))

    directions = {name: without(name) for name in real}
    known = without(None)
    return known, [d.meanings @ (known if d.generated else directions[set_of(d.name)]) for d in documents]


def _sums(documents: Sequence[Measured]) -> tuple[Array, Array]:
    """Return the sums that a regression of the F1 on meanings needs. Documents weigh alike."""
    x = np.vstack([d.meanings / len(d.f1) ** 0.5 for d in documents])
    y = np.concatenate([(np.array(d.f1) - mean(d.f1)) / len(d.f1) ** 0.5 for d in documents])
    return x.T @ x, x.T @ y


def set_of(name: str) -> str:
    """Return the letters of the documents that were labelled together with one, nothing for the first."""
    letter = name.removeprefix("neg-").partition("-")[0]
    return next((letters for letters in SETS if letter in letters.split("-")), "")


def _fit_right(decisions: Sequence[Decision]) -> tuple[dict[str, tuple[float, float, float]], float]:
    """Return the weights of the probability that a name is right, and its start: a logistic regression."""
    if not decisions:
        return {}, 0.0
    names = sorted(decisions[0].rows[0].oddities)
    x = np.array([[row.oddities[name] for name in names] for d in decisions for row in d.rows])
    y = np.array([float(row.right) for d in decisions for row in d.rows])
    shares = np.array([min(1.0, OF_ONE / len(d.rows)) for d in decisions for _ in d.rows])
    centre, spread = x.mean(0), x.std(0) + 1e-3
    z = np.hstack([(x - centre) / spread, np.ones((len(x), 1))])
    penalty = np.diag(np.append(np.full(len(names), PENALTY_OF_NAMES), 0.01))
    found = np.zeros(len(names) + 1)
    for _ in range(STEPS):
        p = 1 / (1 + np.exp(-z @ found))
        gradient = penalty @ found + z.T @ (shares * (p - y))
        step = np.linalg.solve(penalty + (z.T * (shares * p * (1 - p))) @ z, gradient)
        found -= step * min(1.0, 2.0 / np.abs(step).max())
        if np.abs(step).max() < SETTLED:
            break
    right = {
        name: (round(float(m), 5), round(float(s), 5), round(float(w), 4))
        for name, m, s, w in zip(names, centre, spread, found, strict=False)
    }
    return right, round(float(found[-1]), 4)


def _with_none(x: Array) -> Array:
    """Return the rows of the groups with a column of zeros, and the row of "none"."""
    width = x.shape[1]
    return np.vstack([np.hstack([x, np.zeros((len(x), 1))]), np.append(np.zeros(width), 1.0)])


def _target(document: Measured) -> Array:
    f1 = np.array(document.f1)
    wanted = np.exp(SHARPNESS * f1) * (f1 > NOTHING)
    y = np.append(wanted, 0.0 if wanted.any() else 1.0)
    return np.asarray(y / y.sum())


def leave_one_out(documents: Sequence[Measured]) -> list[Decision]:
    """Return what is chosen for each real document with weights fitted on the others.

    The F1 is that of the group alone, before other groups join it; 0 where "none" is likely. A document without
    products has 1 where "none" is likely.
    """
    decisions = []
    for left_out in documents:
        if left_out.generated:
            continue
        if not left_out.f1:
            decisions.append(Decision(left_out.name, float(left_out.offers_none), 0.0, []))
            continue
        weights = fit([d for d in documents if d is not left_out and d.usable])
        p = judge_groups(left_out.features, left_out.meanings.tolist(), weights)
        best = int(np.argmax(p[:-1]))
        silent = p[-1] > SILENT
        f1 = float(silent) if left_out.offers_none else 0.0 if silent else left_out.f1[best]
        odds = min(log(p[best] / (1 - p[best])), LARGEST_LOG_ODDS)
        rows = [Named({**row.oddities, "chosen": odds}, row.right) for row in left_out.names[best]]
        decisions.append(Decision(left_out.name, f1, p[best], [] if silent else rows))
    return decisions


def calibrate(decisions: Sequence[Decision]) -> list[tuple[float, bool]]:
    """Return the probability of each name that was said, and whether it is right; the names of each document are judged
    by weights fitted on the others. Unlikely names are left out.
    """
    said = [d for d in decisions if d.rows]
    judged: list[tuple[float, bool]] = []
    for left_out in said:
        right, any_right = _fit_right([d for d in said if d is not left_out])
        weights = Weights({}, (), 0.0, right, any_right)
        rows = left_out.rows
        found = judge_names([row.oddities for row in rows], left_out.chosen, weights)
        judged += [(p, row.right) for p, row in zip(found, rows, strict=True) if p >= UNLIKELY]
    return judged


def calibration_error(judged: Sequence[tuple[float, bool]]) -> float:
    """Return how far probabilities are from the shares that are right, in ten bins, by their counts."""
    bins: dict[int, list[tuple[float, bool]]] = defaultdict(list)
    for p, right in judged:
        bins[min(int(10 * p), 9)].append((p, right))
    return sum(abs(sum(p - right for p, right in found)) for found in bins.values()) / max(1, len(judged))


def write(weights: Weights, path: Path) -> None:
    """Write the weights as JSON."""
    groups, names = (
        ",\n".join("    " + json.dumps([name, *values]) for name, values in rows.items())
        for rows in (weights.features, weights.right)
    )
    text = f'{{\n  "none": {weights.none},\n  "features": [\n{groups}\n  ],\n'
    text += f'  "meaning": {json.dumps(weights.meaning)},\n'
    text += f'  "any_right": {weights.any_right},\n  "right": [\n{names}\n  ]\n}}\n'
    path.write_text(text, encoding="utf-8")


def summarise(decisions: Sequence[Decision]) -> str:
    """Return floor, median and mean over the catalogues, how many other documents yield no product, and how far the
    probabilities of names are from the truth.
    """
    catalogues = [d.f1 for d in decisions if "neg-" not in d.name]
    others = [d.f1 for d in decisions if "neg-" in d.name]
    return (
        f"left out, {len(catalogues)} catalogues: mean {mean(catalogues):.3f} median {median(catalogues):.3f} "
        f"floor {min(catalogues):.3f}; {sum(others):.0f} of {len(others)} other documents yield nothing; "
        f"expected calibration error {calibration_error(calibrate(decisions)):.3f}"
    )


def measure(label: Path, pdf: Path, keep: Path | None) -> Measured:
    """Return the groups of a document with the F1 of the products that they would name. `keep`: see `reading_of`."""
    (truth,) = read_truths([label])
    with reading_of(pdf, keep) as (reading, pages):
        return measured_as(label.stem, truth, reading, pages)


def measured_as(name: str, truth: Truth, reading: Reading, pages: Iterable[Page]) -> Measured:
    """Return the groups of a document that was read, with the F1 of the products that they would name."""
    groups = find_name_groups(*lay_out(reading, pages))
    scores = [score(truth, Answer(_named(group), {}, (), {})) for group in groups]
    f1 = [one.f1 or OF_FAMILIES * (one.family_f1 or 0.0) if truth.products else 0.0 for one in scores]
    names = [
        [Named(odd, right) for odd, right in zip(find_oddities(group), _are_right(group, truth, one), strict=True)]
        for group, one in zip(groups, scores, strict=True)
    ]
    meant = np.array([g.meaning for g in groups]).reshape(len(groups), DIMENSION)
    return Measured(name, [dict(g.features) for g in groups], meant, f1, names)


def _are_right(group: NameGroup, truth: Truth, scored: Score) -> list[bool]:
    """Return whether each text of a group names a product; one that repeats the name of a page before is as right."""
    right: dict[str, bool] = {}
    last: dict[str, int] = {}
    found = []
    for c in group.candidates:
        key = fold(c.name)
        if key not in last or c.text.page - last[key] > AGAIN:
            right[key] = bool(truth.products) and f"{c.text.page} {c.name}" not in scored.wrong
        last[key] = c.text.page
        found.append(right[key])
    return found


def named_f1(group: NameGroup, truth: Truth) -> float:
    """Return the F1 of the products that a group would name."""
    return score(truth, Answer(_named(group), {}, (), {})).f1


def _named(group: NameGroup) -> tuple[Product, ...]:
    found = without_repeats(
        FoundProduct(
            name=c.name, raw_name=c.text.text, first_page=c.text.page, last_page=c.text.page, pages=(c.text.page,),
            confidence=1.0,
        )
        for c in group.candidates
    )  # fmt: skip
    return assemble_products("document", Discovery(products=tuple(found)), [Description(metadata={})] * len(found))


def keep_measured(measured: Measured, folder: Path) -> None:
    """Write the features of a document as JSON."""
    order = sorted({name for group in measured.names for row in group for name in row.oddities})
    rows = [
        json.dumps(
            {
                "f1": round(f1, 3),
                "features": {name: round(features[name], 4) for name in sorted(features)},
                "meaning": base64.b64encode((meaning / STEP).round().clip(-127, 127).astype(np.int8)).decode(),
                "names": [[int(row.right), *(round(row.oddities[name], 2) for name in order)] for row in names],
            }
        )
        for features, meaning, f1, names in zip(
            measured.features, measured.meanings, measured.f1, measured.names, strict=True
        )
    ]
    text = f'{{"oddities": {json.dumps(order)}, "groups": [\n' + ",\n".join(rows) + "\n]}\n"
    (folder / f"{measured.name}.json").write_text(text, encoding="utf-8")


def main() -> None:
    """Fit, or measure."""
    parser = argparse.ArgumentParser(usage=(__doc__ or "").split("\n\n")[1])
    parser.add_argument("--features", type=Path, default=FEATURES)
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    measuring = parser.add_subparsers(dest="do").add_parser("measure")
    measuring.add_argument("labels", type=Path)
    measuring.add_argument("pdfs", type=Path)
    measuring.add_argument("names", nargs="*")
    measuring.add_argument("--keep", type=Path)
    given = parser.parse_args()
    if given.do:
        for name in given.names or sorted(path.stem for path in given.pdfs.glob("*.pdf")):
            measured = measure(given.labels / f"{name}.json", given.pdfs / f"{name}.pdf", given.keep)
            keep_measured(measured, given.features)
            sys.stdout.write(f"{name:28} {len(measured.f1):3} groups, the best F1 {max(measured.f1, default=0):.2f}\n")
        return
    documents = load(given.features)
    decisions = leave_one_out(documents)
    for decision in sorted(decisions, key=lambda d: d.f1):
        sys.stdout.write(f"{decision.name:28} F1 {decision.f1:.2f}  probability {decision.chosen:.2f}\n")
    sys.stdout.write(summarise(decisions) + "\n")
    write(fit([d for d in documents if d.usable], [d for d in decisions if d.rows]), given.weights)


if __name__ == "__main__":
    main()

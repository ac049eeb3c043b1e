"""Fit the weights that tell what a page shows (`swatchbook/catalogue/page_weights.json`), and measure how they do on
sets of documents that they were not fitted on.

    python -m devtools.fit_kinds                                      fit, write the weights, print the figures
    python -m devtools.fit_kinds measure LABELS PDFS [NAME…] [--keep READINGS]
                                      measure the pages of LABELS/NAME.json and PDFS/NAME.pdf

`tests/truth/kinds` holds numbers only: what each page is labelled as, and what is measured of it, once with the
products that weights find which were fitted on the other sets of documents, and once with every third name of them: on
documents that nobody knows fewer products are found. Half of the answer is logistic regression for several kinds with
an L2 penalty, half is a forest of small trees with one seed; each document counts at most as much as `PAGES` pages.
Blank pages, and which products only go on, are known without it.
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean, median
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier

from devtools.fit_links import every_third
from devtools.fit_products import FEATURES as OF_NAMES
from devtools.fit_products import load as load_names
from devtools.fit_products import set_of
from devtools.score_left_out import fit_without_sets
from devtools.score_products import reading_of
from swatchbook.catalogue.choose_names import Weights as NameWeights
from swatchbook.catalogue.choose_names import choose_names
from swatchbook.catalogue.discover import discover
from swatchbook.catalogue.page_contents import FITTED_AS, KINDS, Tree, Weights, likeliest
from swatchbook.catalogue.page_features import measure_pages
from swatchbook.catalogue.plan import facts_of
from swatchbook.evaluation.score import agree
from swatchbook.evaluation.truth import Truth, read_truths

FEATURES: Final = Path("tests/truth/kinds")
WEIGHTS: Final = Path("swatchbook/catalogue/page_weights.json")
PENALTY: Final = 20.0
PAGES: Final = 12
STEPS: Final = 2000
SETTLED: Final = 1e-4
"""Steps that are smaller do not change what is said."""
LEAST_SPREAD: Final = 0.05
"""A feature that is nearly the same everywhere says nothing."""
TREES, LEAVES, FEWEST, TRIED = 40, 40, 4, 0.3
"""Trees, the most leaves of each, the fewest pages in a leaf, and the share of features that a split may use."""

Array = NDArray[np.float64]


class Measured(NamedTuple):
    """The labelled pages of a document: what each shows, and its features with the products that are found, and with a
    third of them. `blank`: further pages that are rightly said to be blank, and all that are said or labelled so.
    """

    name: str
    shows: list[str]
    features: Array
    fewer: Array
    blank: tuple[int, int]


def load(folder: Path) -> tuple[list[str], list[Measured]]:
    """Return the names of the features, and the measured documents of a folder, in order of name."""
    names: list[str] = []
    found = []
    for path in sorted(folder.glob("*.json")):
        data = json.loads(path.read_text(encoding="utf-8"))
        names, rows = data["features"], data["pages"]
        features, fewer = (np.array([row[n] for row in rows], dtype=float).reshape(-1, len(names)) for n in (1, 2))
        found.append(Measured(path.stem, [row[0] for row in rows], features, fewer, (*data["blank"],)))
    return names, found


def fit(names: Sequence[str], documents: Sequence[Measured]) -> Weights:
    """Return the weights for documents: steps against the gradient, each under a bound of the curvature; and trees."""
    raw = np.vstack([each for d in documents for each in (d.features, d.fewer)])
    shown = [KINDS.index(FITTED_AS.get(k, k)) for d in documents for k in (*d.shows, *d.shows)]
    target = np.eye(len(KINDS))[shown]
    shares = np.concatenate([np.full(2 * len(d.shows), min(1.0, PAGES / max(1, len(d.shows))) / 2) for d in documents])
    centre, spread = raw.mean(0), np.maximum(raw.std(0), LEAST_SPREAD)
    x = np.hstack([(raw - centre) / spread, np.ones((len(raw), 1))])
    penalty = np.append(np.full(len(names), PENALTY), 0.01)
    bound = np.linalg.inv((x.T * shares) @ x / 2 + np.diag(penalty))
    found = np.zeros((x.shape[1], len(KINDS)))
    for _ in range(STEPS):
        raised = x @ found
        p = np.exp(raised - raised.max(1, keepdims=True))
        p /= p.sum(1, keepdims=True)
        step = bound @ (x.T @ (shares[:, None] * (p - target)) + penalty[:, None] * found)
        found -= step
        if np.abs(step).max() < SETTLED:
            break
    rounded = [tuple(round(float(w), 3) for w in row) for row in found]
    features = {
        name: (round(float(m), 4), round(float(s), 4), row)
        for name, m, s, row in zip(names, centre, spread, rounded, strict=False)
    }
    return Weights(features, rounded[-1], grow(names, raw, shown, shares))


def grow(names: Sequence[str], raw: Array, shown: Sequence[int], shares: Array) -> tuple[Tree, ...]:
    """Return trees that tell the kinds of pages."""
    forest = RandomForestClassifier(
        TREES, max_leaf_nodes=LEAVES, min_samples_leaf=FEWEST, max_features=TRIED, random_state=0
    ).fit(raw, shown, sample_weight=shares)

    def nested(tree: Any, node: int) -> Tree:
        if tree.children_left[node] < 0:
            found = dict(zip(forest.classes_, tree.value[node][0], strict=True))
            return tuple(round(float(found.get(k, 0.0)), 3) for k in range(len(KINDS)))
        below, above = (nested(tree, side[node]) for side in (tree.children_left, tree.children_right))
        return names[tree.feature[node]], round(float(tree.threshold[node]), 4), below, above

    return tuple(nested(each.tree_, 0) for each in forest.estimators_)


Said = dict[str, list[tuple[str, str]]]
"""Document -> what each page is labelled as, and what is said of it."""


def say(names: Sequence[str], document: Measured, weights: Weights) -> list[tuple[str, str]]:
    """Return what each page of a document is labelled as, and what is said of it."""
    hits, blank = document.blank
    said = [likeliest(dict(zip(names, row, strict=True)), weights) for row in document.features]
    return [
        *zip(document.shows, said, strict=True),
        *[("blank", "blank")] * hits,
        *[("blank", "none")] * (blank - hits),
    ]


def leave_sets_out(names: Sequence[str], documents: Sequence[Measured]) -> dict[str, Said]:
    """Return set -> what is said of its documents with weights that were fitted on the other sets."""
    sets = sorted({set_of(d.name) for d in documents})
    found = {}
    for letters in sets:
        weights = fit(names, [d for d in documents if set_of(d.name) != letters])
        found[letters] = {d.name: say(names, d, weights) for d in documents if set_of(d.name) == letters}
    return found


def shares_right(said: Said) -> dict[str, float]:
    """Return document -> share of its pages of which it is said rightly what they show."""
    return {name: mean(agree(given, kind) for kind, given in pages) for name, pages in said.items()}


def measured(truth: Truth, pdf: Path, keep: Path | None, weights: NameWeights) -> dict[str, Any]:
    """Return what `load` reads, of a document and its labels. `weights`: those that choose its names."""
    rows: list[list[Any]] = []
    names: list[str] = []
    blank = [0, 0]
    labels = truth.pages_shown
    for choose in (choose_names, every_third(choose_names)):
        with reading_of(pdf, keep) as (reading, pages):
            discovery = discover(reading, pages, weights, choose=choose)
        with reading_of(pdf, keep) as (reading, pages):
            facts, body = facts_of(reading, pages, discovery)
        found = [
            (kind, features)
            for page, features in zip(facts, measure_pages(facts, body), strict=True)
            if (kind := labels.get(page.layout.number)) and "blank" not in (kind, page.kind)
        ]
        said = [(page.kind == "blank", labels.get(page.layout.number)) for page in facts]
        blank = [
            sum(seen and kind == "blank" for seen, kind in said),
            sum(seen or kind == "blank" for seen, kind in said if kind),
        ]
        names = list(found[0][1]) if found else []
        values = [[round(value, 3) for value in features.values()] for _, features in found]
        rows = [[*row, one] for row, one in zip(rows or [[kind] for kind, _ in found], values, strict=True)]
    return {"features": names, "blank": blank, "pages": rows}


def write(path: Path, data: Mapping[str, Any]) -> None:
    """Write measured pages, one a line."""
    lines = ",\n".join(f"  {json.dumps(row, separators=(',', ':'))}" for row in data["pages"])
    head = f' "features": {json.dumps(data["features"])},\n "blank": {data["blank"]},\n'
    path.write_text(f'{{\n{head} "pages": [\n{lines}\n ]\n}}\n', encoding="utf-8")


def main() -> None:
    """Fit, or measure first."""
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("action", nargs="?", choices=("fit", "measure"), default="fit")
    parser.add_argument("labels", nargs="?", type=Path)
    parser.add_argument("pdfs", nargs="?", type=Path)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--keep", type=Path)
    given = parser.parse_args()
    if given.action == "measure":
        weights_for = fit_without_sets(load_names(OF_NAMES))
        for path in sorted(given.labels.glob("*.json")):
            pdf = given.pdfs / f"{path.stem}.pdf"
            (truth,) = read_truths([path])
            if truth.page_kinds and pdf.exists() and (not given.names or path.stem in given.names):
                write(FEATURES / path.name, measured(truth, pdf, given.keep, weights_for(path.stem)))
        return
    names, documents = load(FEATURES)
    weights = fit(names, documents)
    rows, trees = (
        ",\n".join("  " + json.dumps(each, separators=(",", ":")) for each in part)
        for part in ([[name, m, s, *w] for name, (m, s, w) in weights.features.items()], weights.trees)
    )
    text = f'{{\n "start": {json.dumps(weights.start)},\n "features": [\n{rows}\n ],\n "trees": [\n{trees}\n ]\n}}\n'
    WEIGHTS.write_text(text, encoding="utf-8")
    report(leave_sets_out(names, documents))


def report(found: Mapping[str, Said]) -> None:
    """Print the share of each document, of each set and of all, and what is taken for what."""
    every = {letters: shares_right(said) for letters, said in found.items()}
    for name, share in sorted((each for shares in every.values() for each in shares.items()), key=lambda each: each[1]):
        sys.stdout.write(f"{name:24} {share:.2f}\n")
    pages = [pair for said in found.values() for pairs in said.values() for pair in pairs]
    for kind in sorted({kind for kind, _ in pages}):
        counts = Counter(given for labelled, given in pages if labelled == kind)
        sys.stdout.write(f"{kind:20} {', '.join(f'{given} {n}' for given, n in counts.most_common())}\n")
    whole = [share for shares in every.values() for share in shares.values()]
    for what, shares in (*((letters or "first", [*s.values()]) for letters, s in every.items()), ("all", whole)):
        sys.stdout.write(
            f"{what} left out: mean {mean(shares):.3f}, median {median(shares):.3f}, floor {min(shares):.2f}\n"
        )
    sys.stdout.write(f"of {len(pages)} pages {mean(agree(given, kind) for kind, given in pages):.3f}\n")


if __name__ == "__main__":
    main()

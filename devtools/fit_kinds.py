"""Fit the weights that tell what a page shows (`swatchbook/catalogue/page_weights.json`), and measure how they do on
documents that they were not fitted on.

    python -m devtools.fit_kinds                                      fit, write the weights, print the figures
    python -m devtools.fit_kinds measure LABELS PDFS [NAME…] [--keep READINGS]
                                      measure the pages of LABELS/NAME.json and PDFS/NAME.pdf

`tests/truth/kinds` holds numbers only: what each page is labelled as, and what is measured of it, once with the
products that weights find which were fitted on the other documents, and once with every third name of them: on
documents that nobody knows fewer products are found. Logistic regression for several kinds, an L2 penalty, no random
numbers; each document counts at most as much as `PAGES` pages. Blank pages are known without it.
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean, median
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from devtools.fit_links import every_third
from devtools.fit_products import FEATURES as OF_NAMES
from devtools.fit_products import load as load_names
from devtools.score_left_out import fit_without
from devtools.score_products import reading_of
from swatchbook.catalogue.choose_names import choose_names
from swatchbook.catalogue.discover import discover
from swatchbook.catalogue.page_contents import KINDS, Weights, likeliest
from swatchbook.catalogue.page_features import measure_pages
from swatchbook.catalogue.plan import facts_of
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

Array = NDArray[np.float64]


class Measured(NamedTuple):
    """The labelled pages of a document: what each shows, and its features with the products that are found, and with a
    third of them. `blank`: further pages that are rightly said to be blank, and all that are said or labelled so.
    """

    name: str
    shows: list[int]
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
        found.append(Measured(path.stem, [KINDS.index(row[0]) for row in rows], features, fewer, (*data["blank"],)))
    return names, found


def fit(names: Sequence[str], documents: Sequence[Measured]) -> Weights:
    """Return the weights for documents: steps against the gradient, each under a bound of the curvature."""
    raw = np.vstack([each for d in documents for each in (d.features, d.fewer)])
    target = np.eye(len(KINDS))[[k for d in documents for k in (*d.shows, *d.shows)]]
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
    return Weights(features, rounded[-1])


def right(names: Sequence[str], document: Measured, weights: Weights) -> float:
    """Return the share of the labelled pages of a document of which it is said rightly what they show."""
    hits, blank = document.blank
    for shown, row in zip(document.shows, document.features, strict=True):
        hits += likeliest(dict(zip(names, row, strict=True)), weights) == KINDS[shown]
    return hits / (len(document.shows) + blank)


def leave_one_out(names: Sequence[str], documents: Sequence[Measured]) -> dict[str, float]:
    """Return the share of each document, with weights fitted on the others."""
    return {each.name: right(names, each, fit(names, [d for d in documents if d is not each])) for each in documents}


def transfer(names: Sequence[str], documents: Sequence[Measured], first: str) -> list[float]:
    """Return the shares of the documents of other sets, with weights fitted on those whose set `first` names."""
    known = [d for d in documents if set_of(d.name) in first]
    weights = fit(names, known)
    return [right(names, d, weights) for d in documents if d not in known]


def set_of(name: str) -> str:
    """Return the letter of the set in which a document was labelled, "a" for the first."""
    name = name.removeprefix("neg-")
    return name[0] if name[1:2] == "-" else "a"


def measured(truth: Truth, pdf: Path, keep: Path | None) -> dict[str, Any]:
    """Return what `load` reads, of a document and its labels."""
    weights = fit_without(pdf.stem, load_names(OF_NAMES))
    rows: list[list[Any]] = []
    names: list[str] = []
    blank = [0, 0]
    for choose in (choose_names, every_third(choose_names)):
        with reading_of(pdf, keep) as (reading, pages):
            discovery = discover(reading, pages, weights, choose=choose)
        with reading_of(pdf, keep) as (reading, pages):
            facts, body = facts_of(reading, pages, discovery)
        found = [
            (kind, features)
            for page, features in zip(facts, measure_pages(facts, body), strict=True)
            if (kind := truth.page_kinds.get(page.layout.number)) and "blank" not in (kind, page.kind)
        ]
        said = [(page.kind == "blank", truth.page_kinds.get(page.layout.number)) for page in facts]
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
        for path in sorted(given.labels.glob("*.json")):
            pdf = given.pdfs / f"{path.stem}.pdf"
            (truth,) = read_truths([path])
            if truth.page_kinds and pdf.exists() and (not given.names or path.stem in given.names):
                write(FEATURES / path.name, measured(truth, pdf, given.keep))
        return
    names, documents = load(FEATURES)
    weights = fit(names, documents)
    rows = ",\n".join("  " + json.dumps([name, m, s, *w]) for name, (m, s, w) in weights.features.items())
    text = f'{{\n "start": {json.dumps(weights.start)},\n "features": [\n{rows}\n ]\n}}\n'
    WEIGHTS.write_text(text, encoding="utf-8")
    found = leave_one_out(names, documents)
    for name, share in sorted(found.items(), key=lambda each: each[1]):
        sys.stdout.write(f"{name:24} {share:.2f}\n")
    for what, shares in (
        ("left out", [*found.values()]),
        ("sets a, b and c fitted, d and e said", transfer(names, documents, "abc")),
        ("sets d and e fitted, a, b and c said", transfer(names, documents, "de")),
    ):
        sys.stdout.write(f"{what}: mean {mean(shares):.3f}, median {median(shares):.3f}, floor {min(shares):.2f}\n")


if __name__ == "__main__":
    main()

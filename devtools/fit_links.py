"""Fit the weights of the links from pictures to products (`link_weights.json`), and measure how
they do on catalogues that they were not fitted on.

    python -m devtools.fit_links                                      fit, write the weights, print the figures
    python -m devtools.fit_links measure LABELS PDFS [NAME…] [--keep READINGS]
                                      measure the features of LABELS/NAME.json and PDFS/NAME.pdf

`tests/truth/links` holds numbers only: for each picture and each product that was found on its page what is measured of
them, and which labels they hit. Products that were not found, pictures of which the labels say nothing, and catalogues
of which nothing is left are left out. On catalogues that nobody knows fewer products are found, and their pictures may
go to others: so the weights are also fitted on what is measured with every third name alone, and with the names of the
best group of texts, all and every third. Newton's method on the logistic loss, an L2 penalty, no random numbers; each
catalogue counts at most as much as `ROWS` pairs.
"""

import argparse
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import mean, median
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from devtools.evaluation.links import Placed, judge_pair
from devtools.evaluation.score import match_products
from devtools.evaluation.truth import Truth, read_truths
from devtools.fit_products import named_f1
from devtools.newton import fit_logistic, named_weights
from devtools.score_products import Result, catalogue_of, reading_of
from swatchbook.domain.records import COUNTED, Description
from swatchbook_catalogue.choose_names import Choice, choose_names
from swatchbook_catalogue.choose_names import Weights as NameWeights
from swatchbook_catalogue.describe import assemble_products
from swatchbook_catalogue.discover import Choose, discover
from swatchbook_catalogue.link import Weights, likeliest
from swatchbook_catalogue.link_features import measure, places_of
from swatchbook_catalogue.name_groups import NameGroup

FEATURES: Final = Path("tests/truth/links")
WEIGHTS: Final = Path("packages/catalogue/swatchbook_catalogue/link_weights.json")
PENALTY: Final = 20.0
"""A large penalty: with a tenth of it, catalogues left out have a recall that is 0.02 lower."""
ROWS: Final = 60
OTHERS: Final = 150
"""So many pairs of a catalogue, and fewer than twice as many, are kept of each other choice of names."""
LEAST_SPREAD: Final = 0.01
"""A feature that is nearly the same everywhere says nothing."""

Array = NDArray[np.float64]


class Measured(NamedTuple):
    """The pairs of a catalogue: picture, features, labels hit (none: the link would be wrong); and the number of labels
    of products that were found. `others`: features of pairs with other names, and whether their link would be right.
    """

    name: str
    pictures: list[int]
    features: Array
    hits: list[list[int]]
    labels: int
    others: Array
    others_right: list[bool]

    @property
    def generated(self) -> bool:
        return self.name.startswith("generated-")

    @property
    def fitted(self) -> Array:
        return np.vstack([self.features, self.others])

    @property
    def right(self) -> Array:
        return np.array([*map(bool, self.hits), *self.others_right], dtype=float)


def load(folder: Path) -> tuple[list[str], list[Measured]]:
    """Return the names of the features, and the measured catalogues of a folder, in order of name."""
    names: list[str] = []
    found = []
    for path in sorted(folder.glob("*.json")):
        data = json.loads(path.read_text(encoding="utf-8"))
        names = names or data["features"]
        columns = [data["features"].index(name) for name in names]
        rows = data["pairs"]
        found.append(
            Measured(
                path.stem,
                [row[0] for row in rows],
                np.array([row[1] for row in rows], dtype=float).reshape(len(rows), len(names))[:, columns],
                [row[2] for row in rows],
                data["labels"],
                np.array([row[0] for row in data["others"]], dtype=float).reshape(-1, len(names))[:, columns],
                [bool(row[1]) for row in data["others"]],
            )
        )
    return names, found


def fit(names: Sequence[str], catalogues: Sequence[Measured]) -> Weights:
    """Return the weights for catalogues."""
    used = [each for each in catalogues if each.right.size]
    raw = np.vstack([each.fitted for each in used])
    y = np.concatenate([each.right for each in used])
    shares = np.concatenate([np.full(each.right.size, min(1.0, ROWS / each.right.size)) for each in used])
    centre, spread = raw.mean(0), np.maximum(raw.std(0), LEAST_SPREAD)
    found = fit_logistic(
        np.hstack([(raw - centre) / spread, np.ones((len(raw), 1))]),
        y,
        counted=shares,
        penalties=np.append(np.full(len(names), PENALTY), 0.01),
    )
    return Weights(named_weights(names, centre, spread, found), round(float(found[-1]), 4))


class Figures(NamedTuple):
    """Links of a catalogue: said, right, labels hit, labels; and of each pair its probability, and if it is right."""

    said: int
    right: int
    hit: int
    labels: int
    judged: list[tuple[float, bool]]

    @property
    def precision(self) -> float | None:
        return self.right / self.said if self.said else None

    @property
    def recall(self) -> float | None:
        return self.hit / self.labels if self.labels else None


def leave_one_out(names: Sequence[str], catalogues: Sequence[Measured]) -> dict[str, Figures]:
    """Return the figures of each real catalogue, with weights fitted on the others."""
    return {
        each.name: figures(names, each, fit(names, [other for other in catalogues if other is not each]))
        for each in catalogues
        if each.hits and not each.generated
    }


def figures(names: Sequence[str], catalogue: Measured, weights: Weights) -> Figures:
    """Return the figures of a catalogue: each picture is linked as `link.py` does."""
    sure = [weights.probability(dict(zip(names, row, strict=True))) for row in catalogue.features]
    of_picture: dict[int, list[int]] = defaultdict(list)
    for n, picture in enumerate(catalogue.pictures):
        of_picture[picture].append(n)
    chosen = [rows[k] for rows in of_picture.values() for k in likeliest([sure[n] for n in rows])]
    return Figures(
        said=len(chosen),
        right=sum(bool(catalogue.hits[n]) for n in chosen),
        hit=len({label for n in chosen for label in catalogue.hits[n]}),
        labels=catalogue.labels,
        judged=[(value, bool(hit)) for value, hit in zip(sure, catalogue.hits, strict=True)],
    )


def calibration_error(judged: Sequence[tuple[float, bool]], bins: int = 10) -> float:
    """Return the expected calibration error: how far probability and share of right ones are apart, over equal bins."""
    total = 0.0
    for n in range(bins):
        inside = [(p, right) for p, right in judged if min(int(p * bins), bins - 1) == n]
        if inside:
            total += abs(sum(p for p, _ in inside) - sum(right for _, right in inside))
    return total / len(judged)


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
            if pdf.exists() and (not given.names or path.stem in given.names):
                (truth,) = read_truths([path])
                data = measured(truth, pdf, given.keep)
                if data["features"]:
                    write(FEATURES / path.name, data)
        return
    names, catalogues = load(FEATURES)
    weights = fit(names, catalogues)
    rows = [[name, *row] for name, row in weights.features.items()]
    WEIGHTS.write_text(json.dumps({"features": rows, "bias": weights.bias}, indent=1) + "\n", encoding="utf-8")
    found = leave_one_out(names, catalogues)
    for name, one in found.items():
        print(f"{name:16} P {_text(one.precision)}  R {_text(one.recall)}  {one.right} of {one.said} said are right")
    for what, values in (
        ("precision", [one.precision for one in found.values() if one.precision is not None]),
        ("recall", [one.recall for one in found.values() if one.recall is not None]),
    ):
        print(f"{what}: mean {mean(values):.3f}, median {median(values):.3f}, floor {min(values):.2f}")
    print(f"calibration error: {calibration_error([pair for one in found.values() for pair in one.judged]):.3f}")


def _text(value: float | None) -> str:
    return "   –" if value is None else f"{value:.2f}"


def measured(truth: Truth, pdf: Path, keep: Path | None) -> dict[str, Any]:
    """Return what `load` reads, of a catalogue and its labels."""
    result = catalogue_of(pdf, keep)
    names, rows, labels = pairs_of(truth, result)
    others = []
    for choose in (every_third(choose_names), partial(best_names, truth), every_third(partial(best_names, truth))):
        with reading_of(pdf, keep) as (reading, pages):
            discovery = discover(reading, pages, choose=choose)
        found = assemble_products("document", discovery, [Description(metadata={})] * len(discovery.products))
        more, pairs, _ = pairs_of(truth, result._replace(discovery=discovery, products=found))
        names = names or more
        others += [[features, int(bool(hits))] for _, features, hits in pairs[:: 1 + len(pairs) // OTHERS]]
    return {"features": names, "labels": labels, "pairs": rows, "others": others}


def pairs_of(truth: Truth, result: Result) -> tuple[list[str], list[tuple[int, list[float], list[int]]], int]:
    """Return the names of the features, the pairs of pictures and products that were found, and how many labels of
    pictures these products have.
    """
    found = match_products(truth.products, result.products)
    label_of = {result.products[i].id: label for label, i in found.items()}
    shown = [each for each in result.extraction.placements if each.state in COUNTED]
    pairs = measure(places_of(result.products, result.discovery, shown, result.pages))
    rows = []
    names: list[str] = []
    for n, picture in enumerate(shown):
        placed = Placed(picture.page, picture.bbox, picture.xref)
        for pair in pairs.get(picture.id, ()):
            owner = label_of.get(pair.product.id)
            hits = judge_pair(truth, placed, owner, result.reading.page_boxes.get(picture.page)) if owner else None
            if hits is not None and pair.is_placed:
                names = list(pair.features)
                rows.append((n, [round(value, 3) for value in pair.features.values()], hits))
    return names, rows, sum(link.product in label_of.values() for link in truth.image_links if link.bbox)


def best_names(truth: Truth, groups: Sequence[NameGroup], _: object) -> Choice | None:
    """Return the names of the group that names the most products rightly."""
    f1, best = max(((named_f1(group, truth), -n) for n, group in enumerate(groups)), default=(0.0, 0))
    if not f1:
        return None
    names = groups[-best].candidates
    return Choice(
        candidates=tuple(sorted(names, key=lambda c: c.text.page)),
        joined=frozenset(),
        styles=frozenset([groups[-best].style]),
        probability=1.0,
        probabilities=dict.fromkeys(names, 1.0),
        codes={},
    )


def every_third(choose: Choose) -> Choose:
    """Return what finds every third name alone."""

    def chosen(groups: Sequence[NameGroup], weights: NameWeights) -> Choice | None:
        choice = choose(groups, weights)
        return choice and replace(choice, candidates=choice.candidates[::3])

    return chosen


def write(path: Path, data: Mapping[str, Any]) -> None:
    """Write measured pairs, one a line."""
    pairs, others = (
        ",\n".join(f"  {json.dumps(row, separators=(',', ':'))}" for row in data[part]) for part in ("pairs", "others")
    )
    head = f' "features": {json.dumps(data["features"])},\n "labels": {data["labels"]},\n'
    path.write_text(f'{{\n{head} "pairs": [\n{pairs}\n ],\n "others": [\n{others}\n ]\n}}\n', encoding="utf-8")


if __name__ == "__main__":
    main()

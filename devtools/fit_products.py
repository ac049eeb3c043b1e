"""Fit the weights that choose the names of products (`swatchbook/catalogue/name_weights.json`), and measure how they do
on catalogues that they were not fitted on.

    python -m devtools.fit_products                                   fit, write the weights, print the figures
    python -m devtools.fit_products measure LABELS PDFS [NAME…] [--keep READINGS]
                                      measure the features of LABELS/NAME.json and PDFS/NAME.pdf
    python -m devtools.fit_products generate [--keep READINGS]
                                      measure the features of the generated layouts, leaflets, flyers and samples

`tests/truth/features` holds numbers only: for each group of texts of a document its features, and the F1 of the
products that it would name. Groups that name a tenth as well as the best share its probability; the target of a
document whose groups name nothing is "none". Newton's method on the cross entropy, an L2 penalty, no random numbers.
"""

import argparse
import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from statistics import mean, median
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from devtools.score_products import reading_of
from samples.generate import BUILD, LAYOUTS, build, build_layout
from swatchbook.catalogue.choose_names import Weights, judge_groups
from swatchbook.catalogue.describe import assemble_products
from swatchbook.catalogue.discover import lay_out, without_repeats
from swatchbook.catalogue.name_groups import NameGroup, find_name_groups
from swatchbook.evaluation.score import Answer, score
from swatchbook.evaluation.truth import LabelledProduct, Truth, read_truths
from swatchbook.records import Description, Discovery, FoundProduct, Page, Product, Reading
from tests.catalogue import layouts, leaflets

FEATURES: Final = Path("tests/truth/features")
WEIGHTS: Final = Path("swatchbook/catalogue/name_weights.json")
CHOSEN: Final = (
    *("few", "count", "relative", "purity", "pages", "repeated", "larger", "announced"),
    *(
        "words",
        "capitals",
        "signs",
        "one_to_one",
        "covered",
        "distance",
        "follows",
        "described",
        "labelled",
        "priced",
        "coded",
    ),
    *("document_prose", "document_labels", "document_codes", "document_pictures"),
)
"""The features that carried when each catalogue was left out; more of them made unseen catalogues worse."""
PENALTY: Final = 1.0
SHARPNESS: Final = 8.0
"""A group whose F1 is 0.1 lower has less than half of the target's probability: e^(-0.8)."""
NOTHING: Final = 0.15
"""A group with a lower F1 is no answer."""
OF_FAMILIES: Final = 0.6
"""How much the F1 of families counts where a group names no product."""
LEAFLET: Final = 0.5
"""Weight of a generated leaflet: there are many of one kind. All other documents weigh 1."""
STEPS: Final = 40

Array = NDArray[np.float64]


class Measured(NamedTuple):
    """A document's groups: their features, and the F1 of the products that each would name."""

    name: str
    features: list[dict[str, float]]
    f1: list[float]

    @property
    def generated(self) -> bool:
        return self.name.startswith("generated-")

    @property
    def offers_none(self) -> bool:
        return "neg-" in self.name or (self.generated and max(self.f1, default=0.0) == 0)

    @property
    def usable(self) -> bool:
        """Whether a right answer exists among the groups."""
        return bool(self.f1) and (self.offers_none or max(self.f1) > NOTHING)


def load(folder: Path) -> list[Measured]:
    """Return the measured documents of a folder, in order of name."""
    found = []
    for path in sorted(folder.glob("*.json")):
        groups = json.loads(path.read_text(encoding="utf-8"))["groups"]
        found.append(Measured(path.stem, [g["features"] for g in groups], [g["f1"] for g in groups]))
    return found


def fit(documents: Sequence[Measured]) -> Weights:
    """Return the weights for documents that have a right answer."""
    raw = [np.array([[group[name] for name in CHOSEN] for group in d.features]) for d in documents]
    stacked = np.vstack(raw)
    centre, spread = stacked.mean(0), stacked.std(0) + 1e-6
    rows = [_with_none((x - centre) / spread) for x in raw]
    targets = [_target(d) for d in documents]
    shares = [LEAFLET if d.name.startswith("generated-leaflet-") else 1.0 for d in documents]
    penalty = np.diag(np.append(np.full(len(CHOSEN), PENALTY), 0.01))
    found = np.zeros(len(CHOSEN) + 1)
    for _ in range(STEPS):
        gradient, curvature = penalty @ found, penalty.copy()
        for x, y, share in zip(rows, targets, shares, strict=True):
            p = _softmax(x @ found)
            expected = x.T @ p
            gradient += share * x.T @ (p - y)
            curvature += share * ((x.T * p) @ x - np.outer(expected, expected))
        step = np.linalg.solve(curvature, gradient)
        found -= step * min(1.0, 2.0 / np.abs(step).max())
    features = {
        name: (round(float(m), 5), round(float(s), 5), round(float(w), 4))
        for name, m, s, w in zip(CHOSEN, centre, spread, found, strict=False)
    }
    return Weights(features, round(float(found[-1]), 4))


def _with_none(x: Array) -> Array:
    """Return the rows of the groups with a column of zeros, and the row of "none"."""
    width = x.shape[1]
    return np.vstack([np.hstack([x, np.zeros((len(x), 1))]), np.append(np.zeros(width), 1.0)])


def _target(document: Measured) -> Array:
    f1 = np.array(document.f1)
    wanted = np.exp(SHARPNESS * f1) * (f1 > NOTHING)
    y = np.append(wanted, 0.0 if wanted.any() else 1.0)
    return np.asarray(y / y.sum())


def _softmax(scores: Array) -> Array:
    raised = np.exp(scores - scores.max())
    return np.asarray(raised / raised.sum())


def leave_one_out(documents: Sequence[Measured]) -> dict[str, tuple[float, float]]:
    """Return name -> F1 of the best group and its probability for each real document, with weights fitted on the
    others. The F1 is that of the group alone, before other groups join it; 0 where "none" is likelier. A document
    without products has 1 where "none" is likelier.
    """
    figures = {}
    for left_out in documents:
        if left_out.generated:
            continue
        if not left_out.f1:
            figures[left_out.name] = (float(left_out.offers_none), 0.0)
            continue
        weights = fit([d for d in documents if d is not left_out and d.usable])
        p = judge_groups(left_out.features, weights)
        best = int(np.argmax(p[:-1]))
        silent = p[best] <= p[-1]
        f1 = float(silent) if left_out.offers_none else 0.0 if silent else left_out.f1[best]
        figures[left_out.name] = (f1, p[best])
    return figures


def write(weights: Weights, path: Path) -> None:
    """Write the weights as JSON."""
    rows = [[name, *values] for name, values in weights.features.items()]
    lines = ",\n".join("    " + json.dumps(row) for row in rows)
    path.write_text(f'{{\n  "none": {weights.none},\n  "features": [\n{lines}\n  ]\n}}\n', encoding="utf-8")


def summarise(figures: Mapping[str, tuple[float, float]]) -> str:
    """Return floor, median and mean over the catalogues, and how many other documents yield no product."""
    catalogues = [f1 for name, (f1, _) in figures.items() if "neg-" not in name]
    others = [f1 for name, (f1, _) in figures.items() if "neg-" in name]
    return (
        f"left out, {len(catalogues)} catalogues: mean {mean(catalogues):.3f} median {median(catalogues):.3f} "
        f"floor {min(catalogues):.3f}; {sum(others):.0f} of {len(others)} other documents yield nothing"
    )


def measure(label: Path, pdf: Path, keep: Path | None) -> Measured:
    """Return the groups of a document with the F1 of the products that they would name. `keep`: see `reading_of`."""
    (truth,) = read_truths([label])
    with reading_of(pdf, keep) as (reading, pages):
        return _measured(label.stem, truth, reading, pages)


def generated(keep: Path | None) -> Iterator[Measured]:
    """Measure the generated layouts, leaflets and flyers, and the sample catalogues."""
    for name, make in {**layouts.LAYOUTS, **leaflets.LEAFLETS, **leaflets.FLYERS}.items():
        document = make()
        products = [
            LabelledProduct(id=str(n), name=p.name, first_page=p.first, last_page=p.last, category=p.category)
            for n, p in enumerate(document.products)
        ]
        truth = Truth(slug=name, sha256="0" * 64, products=tuple(products))
        yield _measured(f"generated-{name}", truth, layouts.reading(document), document.pages)
    for path in (build(BUILD), build(BUILD, small=True), *(build_layout(BUILD, name) for name in LAYOUTS)):
        labels = json.loads(path.with_suffix(".truth.json").read_text(encoding="utf-8"))
        truth = Truth.model_validate({"sha256": "0" * 64, "slug": path.stem, "products": labels["products"]})
        with reading_of(path, keep) as (reading, pages):
            yield _measured(f"generated-{path.stem}", truth, reading, pages)


def _measured(name: str, truth: Truth, reading: Reading, pages: Iterable[Page]) -> Measured:
    groups = find_name_groups(*lay_out(reading, pages))
    scores = [score(truth, Answer(_named(group), {}, (), {})) for group in groups]
    f1 = [one.f1 or OF_FAMILIES * (one.family_f1 or 0.0) if truth.products else 0.0 for one in scores]
    return Measured(name, [dict(group.features) for group in groups], f1)


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
    rows = [
        json.dumps({"f1": round(f1, 3), "features": {name: round(features[name], 4) for name in sorted(features)}})
        for features, f1 in zip(measured.features, measured.f1, strict=True)
    ]
    text = '{"groups": [\n' + ",\n".join(rows) + "\n]}\n"
    (folder / f"{measured.name}.json").write_text(text, encoding="utf-8")


def _of_files(given: argparse.Namespace) -> Iterator[Measured]:
    for name in given.names or sorted(path.stem for path in given.pdfs.glob("*.pdf")):
        yield measure(given.labels / f"{name}.json", given.pdfs / f"{name}.pdf", given.keep)


def main() -> None:
    """Fit, or measure."""
    parser = argparse.ArgumentParser(usage=(__doc__ or "").split("\n\n")[1])
    parser.add_argument("--features", type=Path, default=FEATURES)
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    doing = parser.add_subparsers(dest="do")
    measuring = doing.add_parser("measure")
    measuring.add_argument("labels", type=Path)
    measuring.add_argument("pdfs", type=Path)
    measuring.add_argument("names", nargs="*")
    generating = doing.add_parser("generate")
    for one in (measuring, generating):
        one.add_argument("--keep", type=Path)
    given = parser.parse_args()
    if given.do:
        for measured in generated(given.keep) if given.do == "generate" else _of_files(given):
            keep_measured(measured, given.features)
            best = max(measured.f1, default=0)
            sys.stdout.write(f"{measured.name:40} {len(measured.f1):3} groups, the best F1 {best:.2f}\n")
        return
    documents = load(given.features)
    figures = leave_one_out(documents)
    for name, (f1, p) in sorted(figures.items(), key=lambda item: item[1]):
        sys.stdout.write(f"{name:28} F1 {f1:.2f}  probability {p:.2f}\n")
    sys.stdout.write(summarise(figures) + "\n")
    write(fit([d for d in documents if d.usable]), given.weights)


if __name__ == "__main__":
    main()

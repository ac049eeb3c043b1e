"""Fit the weights that choose the names of products (`name_weights.json`), and measure how they do
on catalogues that they were not fitted on.

    python -m devtools.fit_products [--accept DOCUMENT REASON]
                                      fit, write the weights, print the figures and the documents that lose
    python -m devtools.fit_products --compare [OTHER_WEIGHTS.json]
                                      name the documents that lose against what is kept, or against other weights
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
import json
import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence
from math import log
from pathlib import Path
from statistics import mean, median
from typing import Final

import numpy as np

from devtools.compare_fits import (
    FITTED,
    LOSS,
    Figures,
    Loss,
    accept,
    best_groups,
    find_losses,
    keep_fitted,
    merge,
    raise_figures,
    read_fitted,
    said,
)
from devtools.evaluation.score import Answer, Score, score
from devtools.evaluation.truth import Truth, read_truths
from devtools.fit_sure import calibration_error, cases_of, fit_sure
from devtools.fit_sure import summarise as summarise_sure
from devtools.measured_groups import (
    FEATURES,
    NOTHING,
    Array,
    Decision,
    Measured,
    Named,
    Together,
    keep_measured,
    load,
    set_of,
)
from devtools.newton import Fitted, fit_comparison, fit_probability, named_weights
from devtools.score_products import reading_of
from swatchbook.domain.records import Description, Discovery, FoundProduct, Page, Product, Reading, fold
from swatchbook_base.e5 import DIMENSION
from swatchbook_catalogue.choose_names import (
    LARGEST_LOG_ODDS,
    SILENT,
    UNLIKELY,
    Weights,
    judge_groups,
    judge_names,
    read_weights,
)
from swatchbook_catalogue.describe import assemble_products
from swatchbook_catalogue.discover import AGAIN, lay_out, without_repeats
from swatchbook_catalogue.name_groups import NameGroup, find_name_groups, find_oddities

WEIGHTS: Final = Path("packages/catalogue/swatchbook_catalogue/name_weights.json")
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
SHARPNESS: Final = 9.5
"""A group whose F1 is 0.1 lower has less than half of the target's probability: e^(-0.95)."""
OF_ONE: Final = 40
"""The names of one document weigh as much as so many at most: catalogues with hundreds would decide alone."""
OF_FAMILIES: Final = 0.6
"""How much the F1 of families counts where a group names no product."""


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
    found = fit_comparison(
        rows,
        [len(x) + 1 for x in raw],
        np.concatenate([aim(d.f1) for d in documents]),
        shares=[d.share for d in documents],
        penalties=np.append(np.full(len(centre), PENALTY), 0.01),
    )
    features = named_weights(chosen, centre, spread, found)
    meaning = tuple(round(float(number), 4) for number in direction * found[-2] / spread[-1])
    sure = fit_sure(cases_of(decisions, judge_names_left_out(decisions)))
    return Weights(features, meaning, round(float(found[-1]), 4), *_fit_right(decisions), *sure)


def aim(f1: Sequence[float]) -> Array:
    """Return the probability that each group should have, and last that of "none", from the F1 of each."""
    each = np.array(f1)
    wanted = np.exp(SHARPNESS * each) * (each > NOTHING)
    y = np.append(wanted, 0.0 if wanted.any() else 1.0)
    return np.asarray(y / y.sum())


def _with_none(x: Array) -> Array:
    """Return the rows of the groups with a column of zeros, and the row of "none"."""
    width = x.shape[1]
    return np.vstack([np.hstack([x, np.zeros((len(x), 1))]), np.append(np.zeros(width), 1.0)])


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
    return known, [d.meanings @ (known if d.generated else directions.get(set_of(d.name), known)) for d in documents]


def _sums(documents: Sequence[Measured]) -> tuple[Array, Array]:
    """Return the sums that a regression of the F1 on meanings needs. Documents weigh alike."""
    x = np.vstack([d.meanings / len(d.f1) ** 0.5 for d in documents])
    y = np.concatenate([(np.array(d.f1) - mean(d.f1)) / len(d.f1) ** 0.5 for d in documents])
    return x.T @ x, x.T @ y


def _fit_right(decisions: Sequence[Decision]) -> Fitted:
    """Return the weights of the probability that a name is right, and its start."""
    rows = [row for d in decisions for row in d.rows]
    if not rows:
        return {}, 0.0
    shares = [min(1.0, OF_ONE / len(d.rows)) for d in decisions for _ in d.rows]
    return fit_probability([row.oddities for row in rows], [row.right for row in rows], PENALTY_OF_NAMES, shares)


def leave_one_out(documents: Sequence[Measured], together: Together = str) -> list[Decision]:
    """Return what is chosen for each real document with weights fitted on the others.

    The F1 is that of the group alone, before other groups join it; 0 where "none" is likely. A document without
    products has 1 where "none" is likely. `together`: of what a document is left out with, by default itself.
    """
    real = [d for d in documents if not d.generated]
    without = {
        part: fit([d for d in documents if d.usable and (d.generated or together(d.name) != part)])
        for part in dict.fromkeys(together(d.name) for d in real)
    }
    return [decide(document, without[together(document.name)]) for document in real]


def decide(document: Measured, weights: Weights) -> Decision:
    """Return what these weights choose for a document."""
    if not document.f1:
        return Decision(document.name, float(document.offers_none), 0.0, [], [1.0], {}, document.offers_none)
    p = judge_groups(document.features, document.meanings.tolist(), weights)
    best = int(np.argmax(p[:-1]))
    silent = p[-1] > SILENT
    f1 = float(silent) if document.offers_none else 0.0 if silent else document.f1[best]
    odds = min(log(p[best] / (1 - p[best])), LARGEST_LOG_ODDS)
    rows = [] if silent else [Named({**row.oddities, "chosen": odds}, row.right) for row in document.names[best]]
    return Decision(document.name, f1, p[best], rows, p, document.features[best], document.offers_none)


def calibrate(decisions: Sequence[Decision]) -> list[tuple[float, bool]]:
    """Return the probability of each name that was said, and whether it is right; the names of each document are judged
    by weights fitted on the others. Unlikely names are left out.
    """
    names = judge_names_left_out(decisions)
    return [(p, row.right) for d in decisions for p, row in zip(names[d.name], d.rows, strict=True) if p >= UNLIKELY]


def judge_names_left_out(decisions: Sequence[Decision], together: Together = str) -> dict[str, list[float]]:
    """Return name of a document -> the probabilities of its names by weights fitted on the other documents."""
    right = {
        part: _fit_right([d for d in decisions if together(d.name) != part])
        for part in dict.fromkeys(together(d.name) for d in decisions)
    }
    return {d.name: judge_rows(d, Weights({}, (), 0.0, *right[together(d.name)])) for d in decisions}


def judge_rows(decision: Decision, weights: Weights) -> list[float]:
    """Return the probabilities of the names of a decision."""
    if not decision.rows:
        return []
    return judge_names([row.oddities for row in decision.rows], decision.chosen, weights)


def write(weights: Weights, path: Path) -> None:
    """Write the weights as JSON, one feature a line; `choose_names.read_weights` reads it."""
    groups, names, found, silent = (
        ",\n".join("    " + json.dumps([name, *values]) for name, values in rows.items())
        for rows in (weights.features, weights.right, weights.found, weights.silent)
    )
    text = f'{{\n  "none": {weights.none},\n  "features": [\n{groups}\n  ],\n'
    text += f'  "meaning": {json.dumps(weights.meaning)},\n'
    text += f'  "any_right": {weights.any_right},\n  "right": [\n{names}\n  ],\n'
    text += f'  "any_found": {weights.any_found},\n  "found": [\n{found}\n  ],\n'
    text += f'  "any_silent": {weights.any_silent},\n  "silent": [\n{silent}\n  ]\n}}\n'
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


def figures_of(documents: Sequence[Measured], weights: Weights, figure: str = "shipped") -> Figures:
    """Return the F1 of what these weights say of each document."""
    decisions = [decide(document, weights) for document in documents]
    return said(figure, decisions, {d.name: judge_rows(d, weights) for d in decisions})


def main() -> None:
    """Fit, compare or measure."""
    given = _arguments()
    if given.do:
        _measure_all(given)
    elif given.compare:
        _compare(given)
    else:
        _fit_and_compare(given)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(usage=(__doc__ or "").split("\n\n")[1])
    parser.add_argument("--features", type=Path, default=FEATURES)
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    parser.add_argument("--fitted", type=Path, default=FITTED)
    parser.add_argument("--compare", nargs="?", const=True)
    parser.add_argument("--accept", nargs=2, action="append", default=[], metavar=("DOCUMENT", "REASON"))
    measuring = parser.add_subparsers(dest="do").add_parser("measure")
    measuring.add_argument("labels", type=Path)
    measuring.add_argument("pdfs", type=Path)
    measuring.add_argument("names", nargs="*")
    measuring.add_argument("--keep", type=Path)
    return parser.parse_args()


def _measure_all(given: argparse.Namespace) -> None:
    for name in given.names or sorted(path.stem for path in given.pdfs.glob("*.pdf")):
        measured = measure(given.labels / f"{name}.json", given.pdfs / f"{name}.pdf", given.keep)
        keep_measured(measured, given.features)
        sys.stdout.write(f"{name:28} {len(measured.f1):3} groups, the best F1 {max(measured.f1, default=0):.2f}\n")


def _compare(given: argparse.Namespace) -> None:
    """Print what the weights lose and win against other weights, or lose against what is kept of earlier ones."""
    documents = load(given.features)
    now = figures_of(documents, read_weights(given.weights.read_text(encoding="utf-8")))
    if given.compare is True:
        _refuse(find_losses(read_fitted(given.fitted).figures, merge(best_groups(documents), now)))
        return
    before = figures_of(documents, read_weights(Path(given.compare).read_text(encoding="utf-8")))
    for won in find_losses(now, before):
        sys.stdout.write(f"won   {Loss(won.document, won.figure, won.after, won.before)}\n")
    _refuse(find_losses(before, now))


def _refuse(losses: Sequence[Loss]) -> None:
    """Print losses, and end with 1 if there are any."""
    sys.stdout.writelines(f"lost  {loss}\n" for loss in losses)
    if losses:
        sys.exit(f"Documents lose more than {LOSS}. Mend that, or say why: --accept DOCUMENT REASON")
    sys.stdout.write(f"No document loses more than {LOSS}.\n")


def _fit_and_compare(given: argparse.Namespace) -> None:
    documents = load(given.features)
    decisions = leave_one_out(documents)
    for decision in sorted(decisions, key=lambda d: d.f1):
        sys.stdout.write(f"{decision.name:28} F1 {decision.f1:.2f}  probability {decision.chosen:.2f}\n")
    names = judge_names_left_out(decisions)
    sys.stdout.write(f"{summarise(decisions)}\n")
    by_set = leave_one_out(documents, set_of)
    cases = [cases_of(decisions, names), cases_of(by_set, judge_names_left_out(by_set, set_of))]
    sys.stdout.write(f"left out, {summarise_sure(cases[0], str)}\n")
    sys.stdout.write(f"left out with its set, {summarise_sure(cases[1], set_of)}\n")
    weights = fit([d for d in documents if d.usable], decisions)
    write(weights, given.weights)
    now = merge(best_groups(documents), said("left_out", decisions, names), figures_of(documents, weights))
    fitted = read_fitted(given.fitted)
    for document, reason in given.accept:
        fitted = accept(fitted, find_losses(fitted.figures, now), document, reason)
    losses = find_losses(fitted.figures, now)
    keep_fitted(raise_figures(fitted, now), given.fitted)
    _refuse(losses)


if __name__ == "__main__":
    main()

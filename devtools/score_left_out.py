"""Score the whole discovery of products on each labelled document with weights that were fitted on the others: names of
the likeliest style, those that join it, what is left out, and repeats that are one product.

Usage: python -m devtools.score_left_out LABELS PDFS [NAME…] [--features FOLDER] [--sets] [--errors] [--keep READINGS]
LABELS holds NAME.json, PDFS NAME.pdf; the weights are fitted on FOLDER/*.json (`python -m devtools.fit_products`).
`--sets`: the weights for a document know none of those labelled together with it, as catalogues are met later.
`--errors` names what is missed and wrong; `--keep` as in `python -m devtools.score_products`.
"""

import argparse
import sys
from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import cache, partial
from pathlib import Path
from statistics import mean, median

from devtools.evaluation.score import Score, score
from devtools.evaluation.truth import read_truths
from devtools.fit_products import fit, leave_one_out
from devtools.fit_sure import brier, calibration_error
from devtools.measured_groups import FEATURES, Measured, load, set_of
from devtools.score_products import row, run_stages
from swatchbook_catalogue.choose_names import Weights


def main() -> None:
    """Print a line for each document and the summary."""
    parser = argparse.ArgumentParser(usage=(__doc__ or "").split("Usage: ")[1])
    parser.add_argument("labels", type=Path)
    parser.add_argument("pdfs", type=Path)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--features", type=Path, default=FEATURES)
    parser.add_argument("--sets", action="store_true")
    parser.add_argument("--errors", action="store_true")
    parser.add_argument("--keep", type=Path)
    given = parser.parse_args()
    measured = load(given.features)
    names = given.names or [d.name for d in measured if (given.pdfs / f"{d.name}.pdf").exists()]
    weights = fit_without_sets(measured) if given.sets else partial(fit_without, measured=measured)
    scores, said = [], []
    of_set: dict[str, list[Score]] = defaultdict(list)
    for name in names:
        (truth,) = read_truths([given.labels / f"{name}.json"])
        answer = run_stages(given.pdfs / f"{name}.pdf", keep=given.keep, weights=weights(name))
        one = score(truth, answer)
        scores.append(one)
        of_set[set_of(name)].append(one)
        said += [(p.confidence, f"{p.first_page} {p.name}" not in one.wrong) for p in answer.products]
        sys.stdout.write(row(one, links=False, facts=False) + "\n")
        for sign, listed in (("missed", one.missed), ("wrong", one.wrong)) if given.errors else ():
            sys.stdout.writelines(f"    {sign}: {what}\n" for what in listed)
    for letters, found in sorted(of_set.items()) if given.sets else ():
        sys.stdout.write(f"\n{letters or 'without a letter'}\n{summarise(found)}\n")
    sys.stdout.write(f"{summarise(scores)}\nexpected calibration error of products {calibration_error(said):.3f}\n")
    sure = [(one.sure, one.is_good) for one in scores if one.sure is not None]
    sys.stdout.write(f"of documents {calibration_error(sure):.3f}, Brier {brier(sure):.3f}\n")


def fit_without(name: str, measured: Sequence[Measured]) -> Weights:
    """Return the weights that are fitted on all documents but one.

    Those of single names are fitted on the choices for each document by weights that know neither of the two.
    """
    return _fit([d for d in measured if d.name != name])


def fit_without_sets(measured: Sequence[Measured]) -> Callable[[str], Weights]:
    """Return what gives the weights for a document that are fitted on the other sets."""

    @cache
    def without(letters: str) -> Weights:
        return _fit([d for d in measured if d.generated or set_of(d.name) != letters])

    return lambda name: without(set_of(name))


def _fit(others: Sequence[Measured]) -> Weights:
    return fit([d for d in others if d.usable], leave_one_out(others))


def summarise(scores: Sequence[Score]) -> str:
    """Return floor, median and mean over the catalogues, and how many other documents yield no product.

    The precision is that of catalogues of which anything is said.
    """
    catalogues = [s for s in scores if s.is_catalogue]
    others = [s for s in scores if not s.is_catalogue]
    told = [("F1", [s.f1 for s in catalogues]), ("precision", [s.precision for s in catalogues if s.said > s.neutral])]
    lines = [
        f"{what}, {len(found)} catalogues: mean {mean(found):.3f} median {median(found):.3f} floor {min(found):.3f}"
        for what, found in told
        if found
    ]
    silent = sum(not s.said for s in others)
    return "\n".join([*lines, f"{silent} of {len(others)} other documents yield nothing"])


if __name__ == "__main__":
    main()

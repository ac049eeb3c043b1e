"""Measure teaching on labelled catalogues: a simulated person corrects what is found; the F1 counts after each action.

Usage: python -m devtools.score_teaching LABELS PDFS [NAME…] [--keep READINGS] [--rounds 3] [--json FILE]
       [--half 0|1 --weights FILE]   with weights of `fit_teaching --half` on the other half

What the person does: `devtools/evaluation/person.py`. Each round starts again, with other random numbers.
"""

import argparse
import json
import random
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from statistics import mean, median
from typing import Final, NamedTuple
from unittest.mock import patch

from devtools.evaluation.person import Labelled, label_texts, teach
from devtools.evaluation.score import Answer, score
from devtools.evaluation.truth import Truth, read_truths
from devtools.score_products import reading_of
from swatchbook.catalogue.describe import assemble_products
from swatchbook.catalogue.discover import discover
from swatchbook.records import Description, Discovery, Reading
from swatchbook.teaching import score as teaching_score
from swatchbook.teaching.taught_products import products_of, read_names
from swatchbook.teaching.texts import collect_texts

ACTIONS: Final = 5
SHOWN: Final = (0, 1, 2, 3, 5)
"""The numbers of actions after which figures are printed."""


class Course(NamedTuple):
    """The F1 of a document after each number of actions, from 0, and the longest that a proposal took, in seconds."""

    name: str
    f1: list[float]
    seconds: float
    pages: int


def main() -> None:
    """Print the F1 of each document after some actions, then mean, median and floor."""
    given = _arguments()
    names = given.names or sorted(path.stem for path in given.pdfs.glob("*.pdf"))
    names = [name for name in names if read_truths([given.labels / f"{name}.json"])[0].products]
    names = names if given.half is None else names[given.half :: 2]
    one = partial(_course_of, given.labels, given.pdfs, given.keep, given.rounds)
    courses = []
    weights = json.loads(given.weights.read_text()) if given.weights else None
    with ProcessPoolExecutor(given.processes, initializer=_use, initargs=(weights,)) as processes:
        for course in filter(None, processes.map(one, names)):
            courses.append(course)
            _say(f"{course.name:28} {_row(course.f1)}  {course.seconds:5.2f} s, {course.pages} pages")
    _say(f"{len(courses)} catalogues after {', '.join(map(str, SHOWN))} actions")
    for what, of in (("mean", mean), ("median", median), ("floor", min)):
        _say(f"{what:28} {_row([of([c.f1[n] for c in courses]) for n in range(ACTIONS + 1)])}")
    if given.json:
        given.json.write_text(json.dumps({c.name: c.f1 for c in courses}, indent=1))


def _use(weights: Mapping[str, float] | None) -> None:
    """Let a process score with other weights."""
    if weights:
        patch.object(teaching_score, "weights", lambda: weights).start()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(usage=(__doc__ or "").split("Usage: ")[1])
    parser.add_argument("labels", type=Path)
    parser.add_argument("pdfs", type=Path)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--weights", type=Path, help="instead of those of the package")
    parser.add_argument("--half", type=int, choices=(0, 1), help="only every second document, from this one on")
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _row(f1: Sequence[float]) -> str:
    return "  ".join(f"{f1[n]:.2f}" for n in SHOWN)


def _course_of(labels: Path, pdfs: Path, keep: Path | None, rounds: int, name: str) -> Course | None:
    """Return the mean course of some rounds; None for a document without products."""
    (truth,) = read_truths([labels / f"{name}.json"])
    if not truth.products:
        return None
    with reading_of(pdfs / f"{name}.pdf", keep) as (reading, pages):
        kept = list(pages)
    labelled = label_texts(truth, collect_texts(reading, kept))
    first = discover(reading, kept)
    found = [list(_teach(labelled, truth, reading, first, _chance(f"{name} {n}"))) for n in range(rounds)]
    f1 = [mean(values) for values in zip(*([f for f, _ in one] for one in found), strict=True)]
    return Course(name, f1, max(seconds for one in found for _, seconds in one), reading.page_count)


def _chance(seed: str) -> random.Random:
    return random.Random(seed)  # noqa: S311 - a simulation


def _teach(
    labelled: Labelled, truth: Truth, reading: Reading, first: Discovery, chance: random.Random
) -> Iterator[tuple[float, float]]:
    """Yield the F1, and the seconds of the proposal, after each action of a person from none on."""
    f1, began = _f1(truth, first), time.perf_counter()
    yield f1, 0.0
    for best in teach(labelled, chance, ACTIONS):
        if best:
            named = read_names(labelled.texts, best.reading, best.texts)
            f1 = _f1(truth, products_of(labelled.texts, reading, named))
        yield f1, time.perf_counter() - began
        began = time.perf_counter()


def _f1(truth: Truth, discovery: Discovery) -> float:
    described = [Description(metadata={})] * len(discovery.products)
    return score(truth, Answer(assemble_products("document", discovery, described), {}, (), {})).f1


if __name__ == "__main__":
    main()

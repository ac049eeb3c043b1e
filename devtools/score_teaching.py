"""Measure teaching on labelled catalogues: a simulated person corrects what is found; the F1 counts after each action.

Usage: python -m devtools.score_teaching LABELS PDFS [NAME…] [--keep READINGS] [--rounds 3] [--json FILE]
       [--half 0|1 --weights FILE]   with weights of `fit_teaching --half` on the other half
       [--links]                     also the links of pictures after three actions, of the first round
       [--editions]                  also the next edition: taught on the first half of the pages, read on the second

What the person does: `devtools/evaluation/person.py`. Each round starts again, with other random numbers.
"""

import argparse
import json
import random
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import islice
from pathlib import Path
from statistics import mean, median
from typing import Final, NamedTuple
from unittest.mock import patch

from devtools.evaluation.person import Labelled, label_texts, teach
from devtools.evaluation.score import Answer, score
from devtools.evaluation.truth import Truth, read_truths
from devtools.score_products import answer_of, catalogue_by, reading_of
from swatchbook.domain.records import UNTAUGHT, Description, Discovery, Page, Reading
from swatchbook_catalogue.describe import assemble_products
from swatchbook_catalogue.discover import discover
from swatchbook_teach.learning import score as teaching_score
from swatchbook_teach.learning.learn import Learnt
from swatchbook_teach.learning.taught_products import products_of, read_names
from swatchbook_teach.learning.texts import DocumentTexts, collect_texts

ACTIONS: Final = 5
SHOWN: Final = (0, 1, 2, 3, 5)
"""The numbers of actions after which figures are printed."""
JUDGED: Final = 3
"""After how many actions links and the next edition are judged."""
FEW, MANY = 1.0, 8.0
"""Products a page, at most or at least, that tell kinds of catalogues apart."""
PRINT: Final = 0.5
"""The least share of texts that are read from pixels in a catalogue without a text layer."""


class Course(NamedTuple):
    """The mean F1 of a document after each number of actions, from 0; precision and recall of links given the product;
    the F1 of the two halves, taught and read by what was taught; the longest that a proposal took, in seconds.
    """

    name: str
    kind: str
    pages: int
    f1: list[float]
    seconds: float
    links: tuple[float | None, float | None] | None = None
    editions: tuple[float, float] | None = None


class Asked(NamedTuple):
    """What is measured, and where."""

    labels: Path
    pdfs: Path
    keep: Path | None
    rounds: int
    links: bool
    editions: bool


def main() -> None:
    """Print the F1 of each document after some actions, then mean, median and floor, of all and by kind."""
    given = _arguments()
    names = given.names or sorted(path.stem for path in given.pdfs.glob("*.pdf"))
    names = [name for name in names if read_truths([given.labels / f"{name}.json"])[0].products]
    names = names if given.half is None else names[given.half :: 2]
    one = partial(_course_of, Asked(given.labels, given.pdfs, given.keep, given.rounds, given.links, given.editions))
    courses = list[Course]()
    weights = json.loads(given.weights.read_text()) if given.weights else None
    with ProcessPoolExecutor(given.processes, initializer=_use, initargs=(weights,)) as processes:
        for course in processes.map(one, names):
            courses.append(course)
            _say(f"{course.name:28} {_row(course.f1)}  {course.seconds:5.2f} s, {course.pages} pages")
    by_kind = defaultdict[str, list[Course]](list)
    for course in courses:
        by_kind[course.kind].append(course)
    for kind, of_kind in [*sorted(by_kind.items()), ("all", courses)]:
        _say(f"{kind}: {len(of_kind)} catalogues after {', '.join(map(str, SHOWN))} actions")
        for what, of in (("mean", mean), ("median", median), ("floor", min)):
            _say(f"{what:28} {_row([of([c.f1[n] for c in of_kind]) for n in range(ACTIONS + 1)])}")
    _say_more(courses)
    if given.json:
        given.json.write_text(json.dumps([course._asdict() for course in courses], indent=1))


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
    parser.add_argument("--links", action="store_true")
    parser.add_argument("--editions", action="store_true")
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _say_more(courses: Sequence[Course]) -> None:
    """Print what was asked for besides: links, and the next edition where the first one was read at all."""
    for n, what in enumerate(("precision", "recall")):
        if shares := [share for c in courses if c.links and (share := c.links[n]) is not None]:
            spread = f"mean {mean(shares):.2f}, median {median(shares):.2f}, floor {min(shares):.2f}"
            _say(f"{what} of links after {JUDGED} actions, {len(shares)} catalogues: {spread}")
    if kept := [c.editions[1] / c.editions[0] for c in courses if c.editions and c.editions[0]]:
        spread = f"mean {mean(kept):.2f}, median {median(kept):.2f}, floor {min(kept):.2f}"
        _say(f"F1 of the next edition over that of the taught one, {len(kept)} catalogues: {spread}")


def _row(f1: Sequence[float]) -> str:
    return "  ".join(f"{f1[n]:.2f}" for n in SHOWN)


def _course_of(asked: Asked, name: str) -> Course:
    """Return the mean course of some rounds, and what else was asked for."""
    (truth,) = read_truths([asked.labels / f"{name}.json"])
    pdf = asked.pdfs / f"{name}.pdf"
    with reading_of(pdf, asked.keep) as (reading, pages):
        kept = list(pages)
    labelled = label_texts(truth, collect_texts(reading, kept))
    first = discover(reading, kept)
    rounds = [list(_teach(labelled, truth, reading, first, _chance(f"{name} {n}"))) for n in range(asked.rounds)]
    f1 = [mean(values) for values in zip(*([step.f1 for step in each] for each in rounds), strict=True)]
    found = _found_after(rounds[0], JUDGED) or first
    return Course(
        name,
        _kind_of(truth, labelled.texts),
        reading.page_count,
        f1,
        max(step.seconds for each in rounds for step in each),
        _score_links(truth, pdf, asked.keep, lambda _, pages: found) if asked.links else None,
        _next_edition(truth, reading, kept, name) if asked.editions else None,
    )


def teach_discovery(truth: Truth, pdf: Path, keep: Path | None, actions: int) -> Discovery:
    """Return the products of a PDF after some actions of the person of the first round."""
    with reading_of(pdf, keep) as (reading, pages):
        kept = list(pages)
    first = discover(reading, kept)
    if not truth.products:
        return first  # a person has nothing to teach there
    labelled = label_texts(truth, collect_texts(reading, kept))
    steps = list(islice(_teach(labelled, truth, reading, first, _chance(f"{pdf.stem} 0")), actions + 1))
    return _found_after(steps, actions) or first


def _found_after(steps: Sequence["_Step"], actions: int) -> Discovery | None:
    """Return the products that stand after some actions, of which the last may have left nothing to do."""
    return next((step.discovery for step in reversed(steps[: actions + 1]) if step.discovery), None)


def _kind_of(truth: Truth, texts: DocumentTexts) -> str:
    """Return the kind of a catalogue: without a text layer, or by its products a page."""
    if texts.read.mean() >= PRINT:
        return "no text layer"
    pages = {number for p in truth.products for number in range(p.first_page, p.last_page + 1)}
    a_page = len(truth.products) / max(1, len(pages))
    return "a page each" if a_page <= FEW else "rows" if a_page >= MANY else "several a page"


def _chance(seed: str) -> random.Random:
    return random.Random(seed)  # noqa: S311 - a simulation


class _Step(NamedTuple):
    """What stands after an action of a person; `discovery` is None if nothing was left to do."""

    f1: float
    seconds: float
    learnt: Learnt | None
    discovery: Discovery | None


def _teach(
    labelled: Labelled, truth: Truth, reading: Reading, first: Discovery, chance: random.Random
) -> Iterator[_Step]:
    """Yield what stands after each action of a person from none on."""
    f1, began = _f1(truth, first), time.perf_counter()
    yield _Step(f1, 0.0, None, first)
    for best in teach(labelled, chance, ACTIONS):
        found = None
        if best:
            found = products_of(labelled.texts, reading, read_names(labelled.texts, best.reading, best.texts))
            f1 = _f1(truth, found)
        yield _Step(f1, time.perf_counter() - began, best, found)
        began = time.perf_counter()


def _f1(truth: Truth, discovery: Discovery) -> float:
    described = [Description(metadata={})] * len(discovery.products)
    return score(truth, Answer(assemble_products("document", discovery, described), {}, (), {})).f1


def _score_links(
    truth: Truth, pdf: Path, keep: Path | None, find: Callable[[Reading, Iterator[Page]], Discovery]
) -> tuple[float | None, float | None]:
    """Return precision and recall of the links of pictures, given the product; None where nothing is labelled."""
    links = score(truth, answer_of(catalogue_by(pdf, keep, find))).links
    return links.precision_of_found, links.recall_of_found


def _next_edition(truth: Truth, reading: Reading, pages: Sequence[Page], name: str) -> tuple[float, float] | None:
    """Return the F1 of the first half of the products' pages after some actions, and that of the second half by the
    rules alone that were taught on the first; None if a half has no products.
    """
    middle = sorted(product.first_page for product in truth.products)[len(truth.products) // 2]
    halves = [[page for page in pages if (page.number < middle) == before] for before in (True, False)]
    truths = [
        truth.model_copy(
            update={"products": tuple(p for p in truth.products if (p.last_page < middle) == before), "families": ()}
        )
        for before in (True, False)
    ]
    if not all(half.products for half in truths):
        return None
    texts = collect_texts(reading, halves[0])
    labelled = label_texts(truths[0], texts)
    steps = list(_teach(labelled, truths[0], reading, discover(reading, halves[0]), _chance(f"{name} edition")))
    taught = next((s.learnt.reading for s in reversed(steps[: JUDGED + 1]) if s.learnt), UNTAUGHT).rules_only
    second = collect_texts(reading, halves[1])
    if taught.names_are_taught:
        found = products_of(second, reading, read_names(second, taught))
    else:
        found = discover(reading, halves[1])
    return steps[JUDGED].f1, _f1(truths[1], found)


if __name__ == "__main__":
    main()

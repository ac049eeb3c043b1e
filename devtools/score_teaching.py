"""Measure teaching on labelled catalogues: a simulated person corrects what is found; the F1 counts after each action.

Usage: python -m devtools.score_teaching LABELS PDFS [NAME…] [--keep READINGS] [--rounds 3] [--json FILE]

The person sees what is missed and what is wrong by the labels, and clicks on one of these at random: on the text of a
product that is missed, or on a product that is none. One click in twenty is a mistake: another text is called a name,
or a right product is called wrong. Each round begins anew, with other random numbers.
"""

import argparse
import json
import random
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from statistics import mean, median
from typing import Final, NamedTuple

from devtools.evaluation.score import Answer, Score, score
from devtools.evaluation.truth import LabelledProduct, Truth, read_truths
from devtools.score_products import reading_of
from swatchbook.catalogue.describe import assemble_products
from swatchbook.catalogue.discover import discover
from swatchbook.records import (
    Description,
    Discovery,
    Example,
    FoundProduct,
    Page,
    Reading,
    fold,
)
from swatchbook.teaching.learn import learn
from swatchbook.teaching.taught_products import products_of, read_names
from swatchbook.teaching.texts import DocumentTexts, collect_texts

ACTIONS: Final = 5
SHOWN: Final = (0, 1, 2, 3, 5)
"""The numbers of actions after which figures are printed."""
MISTAKES: Final = 0.05


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
    one = partial(_course_of, given.labels, given.pdfs, given.keep, given.rounds)
    courses = []
    with ProcessPoolExecutor(given.processes) as processes:
        for course in filter(None, processes.map(one, names)):
            courses.append(course)
            _say(f"{course.name:28} {_row(course.f1)}  {course.seconds:5.2f} s, {course.pages} pages")
    _say(f"{len(courses)} catalogues after {', '.join(map(str, SHOWN))} actions")
    for what, of in (("mean", mean), ("median", median), ("floor", min)):
        _say(f"{what:28} {_row([of([c.f1[n] for c in courses]) for n in range(ACTIONS + 1)])}")
    if given.json:
        given.json.write_text(json.dumps({c.name: c.f1 for c in courses}, indent=1))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(usage=(__doc__ or "").split("Usage: ")[1])
    parser.add_argument("labels", type=Path)
    parser.add_argument("pdfs", type=Path)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--processes", type=int, default=2)
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
    return course_of(name, truth, reading, kept, rounds)


def course_of(name: str, truth: Truth, reading: Reading, pages: Sequence[Page], rounds: int) -> Course:
    """Return the mean course of some rounds on a document that was read."""
    texts = collect_texts(reading, pages)
    first = discover(reading, pages)
    found = [list(_teach(texts, truth, reading, first, _chance(f"{name} {n}"))) for n in range(rounds)]
    f1 = [mean(values) for values in zip(*([f for f, _ in one] for one in found), strict=True)]
    return Course(name, f1, max(seconds for one in found for _, seconds in one), reading.page_count)


def _chance(seed: str) -> random.Random:
    return random.Random(seed)  # noqa: S311 - a simulation


def _teach(
    texts: DocumentTexts, truth: Truth, reading: Reading, first: Discovery, chance: random.Random
) -> Iterator[tuple[float, float]]:
    """Yield the F1, and the seconds of the proposal, after each action of a person from none on."""
    discovery, examples = first, list[Example]()
    judged = _judge(truth, discovery)
    yield judged.f1, 0.0
    for _ in range(ACTIONS):
        seconds = 0.0
        if click := _click(texts, truth, judged, discovery, chance):
            examples.append(click)
            started = time.perf_counter()
            taught = learn(texts, examples)
            named = read_names(texts, taught[0].reading, taught[0].texts) if taught else []
            discovery = products_of(texts, reading, named)
            seconds = time.perf_counter() - started
            judged = _judge(truth, discovery)
        yield judged.f1, seconds


def _judge(truth: Truth, discovery: Discovery) -> Score:
    described = [Description(metadata={})] * len(discovery.products)
    return score(truth, Answer(assemble_products("document", discovery, described), {}, (), {}))


def _click(
    texts: DocumentTexts, truth: Truth, judged: Score, discovery: Discovery, chance: random.Random
) -> Example | None:
    """Return what a person shows next; None if nothing is left to correct that any text shows."""
    if chance.random() < MISTAKES:
        return _mistake(texts, discovery, chance)
    missed = [label for label in truth.products if _listed(label) in judged.missed]
    wrong = [product for product in discovery.products if f"{product.first_page} {product.name}" in judged.wrong]
    clicks = [(label, None) for label in missed] + [(None, product) for product in wrong]
    chance.shuffle(clicks)
    for label, product in clicks:
        example = _shown(texts, label) if label else _denied(product) if product else None
        if example:
            return example
    return None


def _listed(label: LabelledProduct) -> str:
    return f"{label.first_page} {label.name}"


def _shown(texts: DocumentTexts, label: LabelledProduct) -> Example | None:
    """Return a label's name where its pages print it: as a whole text, else as a part of one."""
    on_pages = [t for t in texts.texts if label.first_page <= t.page <= label.last_page]
    for name in (label.name, *label.also, *label.accept):
        for text in on_pages:
            if fold(name) and fold(name) in (fold(text.name), fold(text.text.text)):
                return Example(page=text.page, box=text.box, text=text.name)
    for name in (label.name, *label.also, *label.accept):
        for text in on_pages:
            place = text.text.text.casefold().find(name.casefold())
            if name and place >= 0:
                return Example(page=text.page, box=text.box, text=text.text.text[place : place + len(name)])
    return None


def _denied(product: FoundProduct) -> Example | None:
    if not product.occurrences:
        return None
    place = product.occurrences[0]
    return Example(page=place.page, box=place.bbox, right=False)


def _mistake(texts: DocumentTexts, discovery: Discovery, chance: random.Random) -> Example | None:
    """Return a wrong click: any text as a name, or any product as wrong."""
    if discovery.products and chance.random() < 0.5:
        return _denied(chance.choice(discovery.products))
    text = chance.choice(texts.texts) if texts.texts else None
    return Example(page=text.page, box=text.box, text=text.name) if text and text.name else None


if __name__ == "__main__":
    main()

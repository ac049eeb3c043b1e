"""Ask each role labelled questions to a collection.

These are texts with the products that answer them, and pictures in a folder for each class, which the other pictures of
their class answer.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import Field, ValidationError

from swatchbook.errors import InvalidReference, UnreadableImage
from swatchbook.evaluation.retrieval import Asked
from swatchbook.ledger.queries.image import images_of_contents
from swatchbook.ledger.queries.owners import known_owners
from swatchbook.ledger.queries.products import products_by_name
from swatchbook.records import Record, ResultKind
from swatchbook.resources import Resources
from swatchbook.search.examples import Examples
from swatchbook.search.search import NO_EXAMPLES, Query, ask_each_role, weights_in_use

MOST_QUESTIONS = 10_000


class Question(Record):
    """A line of a file of questions. `catalogue`: the owner whose catalogue answers it, if a file has several."""

    text: str = Field(min_length=1, max_length=1_000)
    products: tuple[str, ...]
    catalogue: str | None = None


class Questions(NamedTuple):
    """The questions that were asked, the number that was skipped, and the weights of searches of this kind."""

    asked: list[Asked]
    skipped: int
    weights: Mapping[str, float]


def ask_texts(resources: Resources, file: Path, owner: str | None) -> Questions:
    """Ask the questions of a file for products of an owner, or (None) each for the catalogue that it names.

    Questions for other owners or without a known answer are skipped. Raises InvalidReference for a file with anything
    else.
    """
    asked_owners = {*known_owners(resources.ledger)} if owner is None else {owner}
    names = {each: products_by_name(resources.ledger, each) for each in sorted(asked_owners)}
    asked, skipped = list[Asked](), 0
    for question in _read(file):
        whose = question.catalogue or owner or ""
        known = names.get(whose, {})
        answers = {product for name in question.products for product in known.get(name.casefold(), ())}
        if answers:
            asked.append(ask_for(resources, Query(question.text, None, NO_EXAMPLES), "product", whose, answers))
        else:
            skipped += 1
    return Questions(asked, skipped, weights_in_use(resources, text=True, image=False))


def ask_pictures(resources: Resources, folder: Path, owner: str) -> Questions:
    """Ask with each picture for the others of its class. The query of one in the collection is its vectors.

    Unreadable files, and pictures without another of their class in the collection, are skipped.
    """
    contents = {file: _sha256(file) for file in sorted(folder.glob("*/**/*")) if file.is_file()}
    if len(contents) > MOST_QUESTIONS:
        raise InvalidReference(f"{folder} has more than {MOST_QUESTIONS:,} files.", advice="Take a part of them.")
    images = images_of_contents(resources.ledger, contents.values(), owner)
    classes = defaultdict[str, set[str]](set)
    for file, content in contents.items():
        if content in images:
            classes[_class(folder, file)].add(images[content])
    asked, skipped = list[Asked](), 0
    for file, content in contents.items():
        own = images.get(content)
        answers = classes[_class(folder, file)] - {own or ""}
        query = Query(None, file, NO_EXAMPLES) if own is None else Query(None, None, Examples([own]))
        try:
            if answers:
                asked.append(ask_for(resources, query, "image", owner, answers, aside=own))
            else:
                skipped += 1
        except (UnreadableImage, InvalidReference):  # no picture, or one without vectors
            skipped += 1
    return Questions(asked, skipped, weights_in_use(resources, text=False, image=True))


def ask_for(
    resources: Resources, query: Query, by: ResultKind, owner: str, answers: set[str], aside: str | None = None
) -> Asked:
    """Ask each role, and return its results with the right answers. `aside`: a result that is left out of the score."""
    candidates, to_targets = ask_each_role(resources, query, by, owner)
    found = {role: matches for role, matches in candidates.items() if matches}
    return Asked(found, {role: to_targets(role, matches) for role, matches in found.items()}, answers, aside)


def _read(file: Path) -> Iterator[Question]:
    try:
        lines = [line for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeError) as error:
        raise InvalidReference(f"{file} cannot be read.", advice="Give a file of JSON lines, or a folder.") from error
    if len(lines) > MOST_QUESTIONS:
        raise InvalidReference(f"{file} has more than {MOST_QUESTIONS:,} questions.", advice="Take a part of them.")
    for number, line in enumerate(lines, start=1):
        try:
            given: Any = json.loads(line)
            yield Question.model_validate(given)
        except (ValueError, RecursionError, ValidationError):
            raise InvalidReference(
                f"{file}, line {number} is not a question.",
                advice='Write {"text": "oak floor", "products": ["Nordvik"]}.',
            ) from None


def _class(folder: Path, file: Path) -> str:
    return file.relative_to(folder).parts[0]


def _sha256(file: Path) -> str:
    with file.open("rb") as data:
        return hashlib.file_digest(data, "sha256").hexdigest()

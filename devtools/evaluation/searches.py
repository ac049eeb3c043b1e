"""Score searches by labelled questions: each role alone, what leaving it out costs, and all together."""

import hashlib
import json
import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

import numpy as np
from pydantic import Field, ValidationError
from sqlalchemy import select

from swatchbook.domain.errors import InvalidReference, UnreadableImage
from swatchbook.domain.records import COUNTED, Record
from swatchbook.index.contract import Match, Where
from swatchbook.resources import Resources
from swatchbook.search.fusion import WEIGHTED, Ranked, ToTargets, default_weights, fuse
from swatchbook.search.query_pictures import Examples
from swatchbook.search.request import SearchRequest
from swatchbook.search.role_queries import role_queries, searched_spaces
from swatchbook.search.search import CANDIDATES, ask_all, filters_of_candidates
from swatchbook.search.targets import TARGETS
from swatchbook.store.ledger.database import Ledger, select_in
from swatchbook.store.ledger.owners import known_owners
from swatchbook.store.ledger.tables import documents, images, placements, products
from swatchbook_base.arrays import Vectors

FIRST: Final = 10  # the number of first results that recall and gain use
_RESAMPLES: Final = 1_000

Measure = Literal["recall", "precision", "gain"]
MEASURES: Final[tuple[Measure, ...]] = ("recall", "precision", "gain")


class Asked(NamedTuple):
    """A question with each role's matches and results, its answers, and a result set `aside`, such as its picture."""

    candidates: Mapping[str, Sequence[Match]]
    results: Mapping[str, Ranked]
    answers: Collection[str]
    aside: str | None = None

    def score(self, weights: Mapping[str, float]) -> tuple[float, float, float]:
        """Return recall, precision and gain with these weights of the roles."""
        given = {role: found for role, found in self.candidates.items() if weights.get(role, 0) > 0}
        fused = fuse(given, lambda role, _: self.results[role], weights, most=CANDIDATES)
        ranked = sorted((target for target in fused if target != self.aside), key=lambda t: (-fused[t].score, t))
        return score_ranking(ranked, self.answers)


class Estimate(Record):
    """A mean over the questions, with the interval of its resamples."""

    mean: float
    low: float
    high: float


class Scores(Record):
    """The three measures of a ranking."""

    recall: Estimate
    precision: Estimate
    gain: Estimate


class RoleScores(Record):
    """A role alone, its weight in use, and the loss without it: None if no role is left, or if it has no weight."""

    role: str
    weight: float
    alone: Scores
    cost: Scores | None


class Retrieval(Record):
    """The scores of searches."""

    questions: int
    skipped: int
    roles: tuple[RoleScores, ...]
    fused: Scores


def score_ranking(ranked: Sequence[str], answers: Collection[str]) -> tuple[float, float, float]:
    """Return recall, average precision and nDCG of a ranking of at most 100 results, with at least one answer.

    Recall is the share of the answers (of ten, if there are more) among the first ten; nDCG is of the first ten.
    """
    right = [target in answers for target in ranked]
    ideal = min(FIRST, len(answers))
    gain = sum(1 / math.log2(place + 2) for place, hit in enumerate(right[:FIRST]) if hit)
    found, precisions = 0, 0.0
    for place, hit in enumerate(right, start=1):
        if hit:
            found += 1
            precisions += found / place
    best = sum(1 / math.log2(place + 2) for place in range(ideal))
    return sum(right[:FIRST]) / ideal, precisions / len(answers), gain / best


def evaluate_retrieval(asked: Sequence[Asked], weights: Mapping[str, float], skipped: int) -> Retrieval:
    """Return the scores of at least one question. `weights` are those in use, by role."""
    found = sorted({role for each in asked for role in each.candidates})
    in_use = {role: weights.get(role, 0.0) for role in found}
    together = in_use if any(in_use.values()) else dict.fromkeys(found, 1.0)
    fused = np.array([each.score(together) for each in asked])

    def cost(role: str) -> Scores | None:
        left = {each: weight for each, weight in in_use.items() if each != role}
        if not in_use[role] or not any(left.values()):
            return None
        return estimate(fused - np.array([each.score(left) for each in asked]))

    return Retrieval(
        questions=len(asked),
        skipped=skipped,
        roles=tuple(
            RoleScores(
                role=role,
                weight=in_use[role],
                alone=estimate(np.array([each.score({role: 1.0}) for each in asked])),
                cost=cost(role),
            )
            for role in found
        ),
        fused=estimate(fused),
    )


def estimate(values: Vectors) -> Scores:
    """Return the means of (questions, measures), with their intervals. The resamples are always the same."""
    drawn = np.random.default_rng(0).integers(len(values), size=(_RESAMPLES, len(values)))
    means = values[drawn].mean(axis=1)
    low, high = np.quantile(means, [0.025, 0.975], axis=0)
    spread = np.stack([values.mean(axis=0), low, high]).round(4).T.tolist()
    return Scores(
        **{
            measure: Estimate(mean=mean, low=least, high=most)
            for measure, (mean, least, most) in zip(MEASURES, spread, strict=True)
        }
    )


# --- asking -----------------------------------------------------------------------------------------------------------


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
            request = SearchRequest(text=question.text, where=Where(owner=whose), by="product")
            asked.append(ask_for(resources, request, answers))
        else:
            skipped += 1
    return Questions(asked, skipped, weights_in_use(resources, text=True, image=False))


def ask_pictures(resources: Resources, folder: Path, owner: str) -> Questions:
    """Ask with each picture for the others of its class; unreadable files and pictures without another are skipped."""
    contents = {file: _sha256(file) for file in sorted(folder.glob("*/**/*")) if file.is_file()}
    if len(contents) > MOST_QUESTIONS:
        raise InvalidReference(f"{folder} has more than {MOST_QUESTIONS:,} files.", advice="Take a part of them.")
    images = images_of_contents(resources.ledger, contents.values(), owner)
    classes = defaultdict[str, set[str]](set)
    for file, content in contents.items():
        if content in images:
            classes[_class(folder, file)].add(images[content])
    asked, skipped, whose = list[Asked](), 0, Where(owner=owner)
    for file, content in contents.items():
        own = images.get(content)
        answers = classes[_class(folder, file)] - {own or ""}
        try:
            if answers:
                example = Examples([own] if own else [])
                request = SearchRequest(image=None if own else file, examples=example, where=whose)
                asked.append(ask_for(resources, request, answers, aside=own))
            else:
                skipped += 1
        except (UnreadableImage, InvalidReference):  # no picture, or one without vectors
            skipped += 1
    return Questions(asked, skipped, weights_in_use(resources, text=False, image=True))


def ask_for(resources: Resources, request: SearchRequest, answers: set[str], aside: str | None = None) -> Asked:
    """Ask each role, and return its results with the right answers. `aside`: a result that is left out of the score."""
    candidates, to_targets = ask_each_role(resources, request)
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


def products_by_name(ledger: Ledger, owner: str) -> dict[str, list[str]]:
    """Return name, without case -> the ids of the owner's products that have it."""
    query = select(products.c.id, products.c.name).join(documents).where(documents.c.owner == owner)
    found = dict[str, list[str]]()
    with ledger.read() as connection:
        for row in connection.execute(query.order_by(products.c.id)):
            found.setdefault(row.name.casefold(), []).append(row.id)
    return found


def images_of_contents(ledger: Ledger, contents: Iterable[str], owner: str) -> dict[str, str]:
    """Return SHA-256 of a picture's file -> the id of the owner's shown image of it, for those that the owner has."""
    shown = (
        select(images.c.content_key, images.c.id)
        .join(placements, placements.c.image == images.c.id)
        .where(placements.c.state.in_(COUNTED), images.c.owner == owner)
    )
    with ledger.read() as connection:
        return {row.content_key: row.id for row in select_in(connection, shown, images.c.content_key, contents)}


def ask_each_role(resources: Resources, asked: SearchRequest) -> tuple[dict[str, list[Match]], ToTargets]:
    """Return role -> its candidates for every role that applies, whatever its weight, and the map to results."""
    known = resources.read_cache()
    queries = role_queries(
        resources,
        searched_spaces(known),
        asked,
        frozenset(WEIGHTED),
        lambda kind: filters_of_candidates(asked.where, asked.by, kind),
    )
    return ask_all(resources, queries, CANDIDATES), TARGETS[asked.by](known)


def weights_in_use(resources: Resources, *, text: bool, image: bool) -> dict[str, float]:
    """Return the weights of a query by text, by picture or by both if the query has none."""
    return default_weights(
        searched_spaces(resources.read_cache()), text=text, image=image, chosen=resources.settings.search_weights
    )

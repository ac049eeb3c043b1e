"""Score keyword search by language: short texts of generated products, and questions that ask for one of them in
another form: another number or case, a part of a compound, without accents, another unit.

Usage: python -m devtools.score_keywords TEXTS
TEXTS holds a file for each language: `texts`, id -> text, and `questions`, pairs of question and id.
"""

import argparse
import json
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple
from uuid import NAMESPACE_URL, uuid5

import numpy as np

from swatchbook.domain.records import Role
from swatchbook.index.contract import Index, IndexObject, Payload, Space
from swatchbook.index.lance import LanceIndex
from swatchbook.index.language import language_of


class Score(NamedTuple):
    """Of the questions in one language: the share whose text comes first, the mean reciprocal rank, and the others."""

    questions: int
    first: float
    reciprocal_rank: float
    missed: list[str]


def score(index: Index, space: Space, folder: Path, *, analysed: bool = True) -> dict[str, Score]:
    """Return language -> score; the texts of all languages are in one space. `analysed` False: of words as printed."""
    given = {file.stem: json.loads(file.read_text(encoding="utf-8")) for file in sorted(folder.glob("*.json"))}
    index.upsert(space, list(_objects(given, space.dimension, analysed)))
    return {language: _score(index, space, language, each["questions"]) for language, each in given.items()}


def _objects(
    given: Mapping[str, Mapping[str, Mapping[str, str]]], dimension: int, analysed: bool
) -> Iterator[IndexObject]:
    for language, each in given.items():
        for name, text in each["texts"].items():
            told = language_of(text) if analysed else None
            payload = Payload(owner="ann", kind="chunk", text=text, languages=(told,) if told else ())
            yield IndexObject(_id(language, name), np.ones(dimension, dtype=np.float32), payload)


def _id(language: str, name: str) -> str:
    return str(uuid5(NAMESPACE_URL, f"{language}/{name}"))


def _score(index: Index, space: Space, language: str, questions: list[tuple[str, str]]) -> Score:
    ranks = dict[str, int]()
    for question, name in questions:
        found = [match.id for match in index.keyword(space, question, 10)]
        wanted = _id(language, name)
        ranks[question] = found.index(wanted) + 1 if wanted in found else 0
    first = [question for question, rank in ranks.items() if rank == 1]
    reciprocal = sum(1 / rank for rank in ranks.values() if rank) / len(ranks)
    return Score(len(ranks), len(first) / len(ranks), reciprocal, sorted({*ranks} - {*first}))


def main() -> None:
    """Print the scores of words as printed, and of analysed ones, in a folder's index."""
    parser = argparse.ArgumentParser(usage=(__doc__ or "").split("Usage: ")[1])
    parser.add_argument("texts", type=Path)
    given = parser.parse_args()
    for analysed in (False, True):
        with tempfile.TemporaryDirectory() as folder:
            index, space = LanceIndex(Path(folder)), Space(role=Role.TEXT, tag="score@1", dimension=4)
            index.ensure(space)
            for language, scored in score(index, space, given.texts, analysed=analysed).items():
                kind = "in its language" if analysed else "as printed"
                print(
                    f"{kind:15} {language}: first {scored.first:.2f}, reciprocal rank {scored.reciprocal_rank:.2f} "
                    f"of {scored.questions}; others: {', '.join(scored.missed) or 'none'}"
                )


if __name__ == "__main__":
    main()

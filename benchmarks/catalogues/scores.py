"""Score what a system wrote, document by document; a document without an answer counts as zero.

When a product is found and a picture is right: `devtools/evaluation/score.py` and `links.py`, as everywhere.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from pydantic import Field

from benchmarks.catalogues.answers import NAME, DocumentAnswer, Seen, SystemAnswers, to_answer
from benchmarks.catalogues.splits import SPLITS, digest_of, page_boxes, split_of, truths_of
from devtools.evaluation.facts import FieldScore, add_fields
from devtools.evaluation.score import Score, score
from devtools.evaluation.truth import Truth
from devtools.json_record import read_record
from swatchbook.domain.errors import InvalidReference
from swatchbook.domain.records import Record

FIELDS = ("price", "code")
"""The facts that are scored of any system: most catalogues that are labelled in detail print one of them."""


class DocumentScore(Record):
    """The score of one document; `answered` is false if the system wrote nothing about it.

    `fields`: prices and codes of the found products that are labelled with them. The links of pictures are those of
    found products: how many are labelled, of these hit, said so that it can be judged, and right.
    """

    answered: bool
    products: int
    said: int = 0
    precision: float = 0.0
    recall: float = 0.0
    f1: float = 0.0
    fields: tuple[FieldScore, ...] = ()
    pictures: int = 0
    pictures_hit: int = 0
    pictures_judged: int = 0
    pictures_right: int = 0


class SplitScore(Record):
    """The scores of one split. `labels`: the digest of the labels that they are of."""

    seen: Seen
    labels: str
    documents: dict[str, DocumentScore]


class SystemScore(Record):
    """The scores of a system on each split that it answered at least one document of; `not_run` says why on none."""

    system: str = Field(pattern=NAME)
    version: str
    about: str
    not_run: str | None = None
    splits: dict[str, SplitScore] = Field(default_factory=dict)


class Told(NamedTuple):
    """What is odd about a file: names that no split has, and documents without an answer, by split."""

    unknown: Sequence[str]
    missing: Mapping[str, Sequence[str]]


def score_system(answers: SystemAnswers) -> tuple[SystemScore, Told]:
    """Return the scores of a system, and what is missing. Raises InvalidReference if a split is not in `seen`."""
    answered = {split for name in answers.documents if (split := split_of(name))}
    if unsaid := [split for split in SPLITS if split in answered and split not in answers.seen]:
        raise InvalidReference(
            f"{answers.system} answers documents of the split {unsaid[0]!r} that `seen` does not name.",
            advice='Say how the system had met it: "unseen", "compared", "left out" or "tuned".',
        )
    splits = {
        split: SplitScore(seen=answers.seen[split], labels=digest_of(split), documents=dict(_scores(answers, split)))
        for split in SPLITS
        if split in answered
    }
    scores = SystemScore(**answers.model_dump(include={"system", "version", "about", "not_run"}), splits=splits)
    missing = {
        split: [name for name, one in each.documents.items() if not one.answered] for split, each in splits.items()
    }
    return scores, Told([name for name in answers.documents if split_of(name) is None], missing)


def read_scores(file: Path) -> SystemScore:
    """Return the scores that `score` wrote. Raises InvalidReference."""
    return read_record(SystemScore, file, advice="`python -m benchmarks.catalogues score` writes such files.")


def _scores(answers: SystemAnswers, split: str) -> Iterable[tuple[str, DocumentScore]]:
    for name, truth in truths_of(split).items():
        yield name, score_document(truth, answers.documents.get(name))


def score_document(truth: Truth, said: DocumentAnswer | None) -> DocumentScore:
    """Return the score of an answer to one document, zero without one."""
    if said is None:
        return DocumentScore(answered=False, products=len(truth.products))
    one = score(truth, to_answer(said, page_boxes().get(truth.slug, {})))
    return DocumentScore(
        answered=True,
        products=one.products,
        said=one.said,
        precision=one.precision,
        recall=one.recall,
        f1=one.f1,
        fields=_fields(one),
        pictures=one.links.labels_of_found,
        pictures_hit=one.links.hits,
        pictures_judged=one.links.judged,
        pictures_right=one.links.right,
    )


def _fields(one: Score) -> tuple[FieldScore, ...]:
    return tuple(
        add_fields(name, [field for field in one.facts.fields if field.field == name])
        for name in FIELDS
        if any(field.field == name for field in one.facts.fields)
    )

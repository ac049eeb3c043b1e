"""Fit the weights that choose names to an owner's taught documents, and judge them on each of these left out.

Nothing changes before the weights are used. Then new documents are read by them; those that are here keep theirs.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import fmean
from typing import Final, NamedTuple

from pydantic import ValidationError

from swatchbook.catalogue.choose_names import shipped_weights
from swatchbook.catalogue.discover import lay_out
from swatchbook.catalogue.name_groups import find_name_groups
from swatchbook.errors import InvalidReference, reason_of
from swatchbook.export.atomic_file import atomic_file
from swatchbook.fitting.fit_names import FEWEST, fit_near, leave_each_out
from swatchbook.fitting.lessons import known_names, measure_lesson, says_something
from swatchbook.fitting.stored_weights import dump_weights, id_of_weights
from swatchbook.ledger import fitted_weights
from swatchbook.ledger.edited_products import list_edits, read_found
from swatchbook.ledger.page_findings import count_look_at
from swatchbook.ledger.queries.document import read_products
from swatchbook.ledger.stored_documents import PDF, Document, all_documents
from swatchbook.pdf import reader
from swatchbook.pipeline.teach import read_again
from swatchbook.records import DocumentStatus, FittedWeights, LeftOut, LessonFacts, LessonFile
from swatchbook.resources import Resources

_OF_NAMES: Final = frozenset({"rename", "merge", "split", "add", "reject"})
"""Edits by hand that say which products a document has."""
MOST_EDITED: Final = 0.5
"""The largest share of edits of names in the products that were found. With more, nobody knows whether the person has
come to the end; where names are wrong on all pages, teaching them takes two clicks and says it all."""


class Learnt(NamedTuple):
    """What an owner's documents say, in the order in which they came. `silent`: those whose names no group has."""

    documents: tuple[Document, ...]
    lessons: tuple[LessonFacts, ...]
    silent: tuple[Document, ...]


class Fit(NamedTuple):
    """Weights that were fitted to lessons, as text, and how they do on each of these when it is left out."""

    weights: str
    left_out: tuple[LeftOut, ...]

    @property
    def id(self) -> str:
        return id_of_weights(self.weights)

    @property
    def shipped(self) -> float:
        """The mean F1 by the shipped weights."""
        return fmean(each.shipped for each in self.left_out)

    @property
    def fitted(self) -> float:
        """The mean F1 by weights that do not know the document."""
        return fmean(each.fitted for each in self.left_out)

    @property
    def gain(self) -> float:
        """By how much the expected F1 of documents left out is higher; of few documents it tells more than the F1."""
        return fmean(each.expected_fitted - each.expected_shipped for each in self.left_out)

    @property
    def is_better(self) -> bool:
        return self.gain > 0


def collect_lessons(resources: Resources, owner: str) -> Learnt:
    """Return what an owner's documents say whose products a person has taught, or corrected until nothing was in doubt.

    Raises what `read_again` raises.
    """
    found = [(document, _measure(resources, document)) for document in _known_documents(resources, owner)]
    speaking = [(document, lesson) for document, lesson in found if says_something(lesson)]
    return Learnt(
        documents=tuple(document for document, _ in speaking),
        lessons=tuple(lesson for _, lesson in speaking),
        silent=tuple(document for document, lesson in found if not says_something(lesson)),
    )


def _known_documents(resources: Resources, owner: str) -> Iterator[Document]:
    """Yield the completed PDFs of an owner whose products a person knows to be right."""
    for document in all_documents(resources.ledger, owner):
        if document.kind != PDF or document.status != DocumentStatus.COMPLETED:
            continue
        if document.options.taught.names_are_taught or _is_corrected(resources, document.id):
            yield document


def _is_corrected(resources: Resources, document: str) -> bool:
    """Return whether a person has corrected some names of a document, and nothing of it is left to look at."""
    edits = [each for each in list_edits(resources.ledger, document) if each.undone_at is None and not each.problem]
    of_names = sum(each.edit.action in _OF_NAMES for each in edits)
    with resources.ledger.read() as connection:
        found = len(read_found(connection, document).products)
    return 0 < of_names <= MOST_EDITED * found and not count_look_at(resources.ledger, [document])


def _measure(resources: Resources, document: Document) -> LessonFacts:
    reading = read_again(resources, document)
    groups = find_name_groups(*lay_out(reading, reader.iter_pages(resources.files, reading)))
    known = known_names((product.name, product.pages) for product in read_products(resources.ledger, document.id))
    return measure_lesson(document.content, groups, known, shipped_weights())


def fit_lessons(learnt: Learnt) -> Fit:
    """Return the weights that are fitted to lessons. Raises InvalidReference for too few."""
    count = len(learnt.lessons)
    if count < FEWEST:
        raise InvalidReference(
            f"{count} of your catalogues {'has' if count == 1 else 'have'} names that were taught or corrected, and "
            f"that tell something; at least {FEWEST} are needed.",
            advice="Teach some more: swatchbook teach DOCUMENT --page 5 --name TEXT",
        )
    given = shipped_weights()
    left_out = tuple(
        LeftOut(
            document=document.id,
            shipped=round(shipped.f1, 3),
            fitted=round(fitted.f1, 3),
            expected_shipped=round(shipped.expected, 3),
            expected_fitted=round(fitted.expected, 3),
        )
        for document, (shipped, fitted) in zip(learnt.documents, leave_each_out(learnt.lessons, given), strict=True)
    )
    return Fit(dump_weights(fit_near(learnt.lessons, given)), left_out)


def use_fit(resources: Resources, owner: str, fit: Fit, *, by: str) -> FittedWeights:
    """Let an owner's new documents be read by fitted weights."""
    return fitted_weights.use_weights(
        resources.ledger,
        owner,
        id=fit.id,
        weights=fit.weights,
        lessons=len(fit.left_out),
        left_out=fit.left_out,
        by=by,
    )


# --- lessons as a file ------------------------------------------------------------------------------------------------


def write_lessons(lessons: Sequence[LessonFacts], to: Path) -> None:
    """Write lessons as JSON, one a line. Raises InvalidReference for a path that cannot be written, DiskFull."""
    rows = ",\n".join(lesson.model_dump_json() for lesson in lessons)
    with atomic_file(to) as file:
        file.write(f'{{"format": 1, "lessons": [\n{rows}\n]}}\n'.encode())


def read_lessons(file: Path) -> tuple[LessonFacts, ...]:
    """Return the lessons of a file. Raises InvalidReference for one that has none."""
    advice = "Write one with `swatchbook fit --lessons FILE.json`."
    try:
        return LessonFile.model_validate_json(file.read_bytes()).lessons
    except OSError as error:
        raise InvalidReference(f"{file}: {reason_of(error)}.", advice="Check the path.") from error
    except ValidationError as error:
        raise InvalidReference(f"{file} is not a file of lessons.", advice=advice) from error

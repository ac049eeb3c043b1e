"""Find readings of other documents that probably fit a document: its editions, and others of the same maker.

These use the same fonts and sizes on pages of the same size.
"""

import re
from collections import Counter
from collections.abc import Mapping
from typing import Final, NamedTuple, TypeVar

from swatchbook.domain.errors import FileMissing
from swatchbook.domain.records import WHOLE_TEXT, Page, TaughtReading
from swatchbook.resources import Resources
from swatchbook.store.ledger.stored_documents import Document, get_document
from swatchbook_teach.kept_readings import list_readings
from swatchbook_teach.lessons import Lesson, preview_reading
from swatchbook_teach.records import KeptReading, OfferedReading

K = TypeVar("K")

FITS: Final = 0.4
"""The least fit of a document whose reading is offered."""

_FOUND: Final = {"found": True}
"""Traits of a rule that says: the names at present (`learning/learn.py`)."""

_MOST_OFFERED: Final = 3
_PAGES_SHARE: Final = 0.25  # how much the sizes of pages count, against fonts and sizes of letters
_MOST_COMPARED: Final = 20  # documents, those taught last
_MOST_PAGES: Final = 40  # pages of a document that are compared
_SUBSET = re.compile(r"^[A-Z]{6}\+")


class _Look(NamedTuple):
    """Shares of a document's letters by font and size, and of its pages by their size."""

    letters: Mapping[tuple[str, float], float]
    pages: Mapping[tuple[int, int], float]


def offer_readings(resources: Resources, lesson: Lesson) -> list[OfferedReading]:
    """Return the first three readings of `find_fitting` that would find anything, with what they would find."""
    offers = list[OfferedReading]()
    for kept, fit in find_fitting(resources, lesson.document, lesson.reading.pages_file):
        proposal = preview_reading(resources, lesson, kept.reading.rules_only)
        if proposal.names:
            offers.append(OfferedReading(document=kept.document, name=kept.name, fit=round(fit, 3), proposal=proposal))
        if len(offers) == _MOST_OFFERED:
            break
    return offers


def find_fitting(resources: Resources, document: Document, pages_file: str | None) -> list[tuple[KeptReading, float]]:
    """Return the readings of the owner's other documents that probably fit, and how much both look alike (0 to 1).

    `pages_file`: of the document, where stage 1 has stored its pages.
    """
    kept = [each for each in list_readings(resources.ledger, owner=document.owner) if each.in_use]
    others = [each for each in kept if each.document != document.id and _holds_elsewhere(each.reading)]
    own = _look_of(resources, pages_file) if others and pages_file is not None else None
    if own is None:
        return []
    latest = sorted(others, key=lambda each: -each.at)[:_MOST_COMPARED]
    fitting = [(each, fit) for each in latest if (fit := _fit_of(resources, own, each)) >= FITS]
    return sorted(fitting, key=lambda each: -each[1])


def describe_offer(resources: Resources, document: Document) -> str | None:
    """Return a sentence that names a taught document like this one, and the command that shows its reading."""
    from swatchbook.doors.cli.terminal import owner_flag

    if not (fitting := find_fitting(resources, document, document.pages_file)):
        return None
    return (
        f"{document.name} looks like {fitting[0][0].name}, which was taught. To see what its reading would find: "
        f"swatchbook teach {document.id[:8]} --likeliest{owner_flag(document.owner)}"
    )


def _holds_elsewhere(taught: TaughtReading) -> bool:
    """Return whether a reading says anything about other documents: its examples do not, nor that the names are those
    that the layout rules find.
    """
    rules = (*taught.names, *taught.not_names, *taught.codes, *taught.prices)
    of_pictures = taught.grids or taught.decoration or taught.not_decoration or taught.side
    return bool(of_pictures) or any(dict(rule.traits) != _FOUND or rule.cut != WHOLE_TEXT for rule in rules)


def _fit_of(resources: Resources, own: _Look, other: KeptReading) -> float:
    """Return how much two documents look alike, from 0 to 1."""
    pages_file = get_document(resources.ledger, other.document).pages_file
    look = None if pages_file is None else _look_of(resources, pages_file)
    if look is None:
        return 0.0
    return (1 - _PAGES_SHARE) * _shared(own.letters, look.letters) + _PAGES_SHARE * _shared(own.pages, look.pages)


def _shared(some: Mapping[K, float], others: Mapping[K, float]) -> float:
    return sum(min(share, others.get(what, 0.0)) for what, share in some.items())


def _look_of(resources: Resources, pages_file: str) -> _Look | None:
    """Return how a document looks, None if its pages are not stored."""
    letters, sizes = Counter[tuple[str, float]](), Counter[tuple[int, int]]()
    try:
        with resources.files.local(pages_file) as path, path.open("rb") as lines:
            every = lines.readlines()
            for page in map(Page.model_validate_json, every[:: max(1, -(-len(every) // _MOST_PAGES))]):
                sizes[round((page.box[2] - page.box[0]) / 5), round((page.box[3] - page.box[1]) / 5)] += 1
                for span in (span for line in page.lines for span in line.spans if span.font):
                    letters[_SUBSET.sub("", span.font), round(span.size * 2) / 2] += len(span.text.strip())
    except FileMissing:
        return None
    return _Look(_shares(letters), _shares(sizes))


def _shares(counts: Counter[K]) -> dict[K, float]:
    total = sum(counts.values())
    return {what: count / total for what, count in counts.items()} if total else {}

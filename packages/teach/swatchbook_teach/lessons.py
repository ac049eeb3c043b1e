"""Propose readings of a document: how the names of its products are found, and what its pictures are.

Nothing changes before a reading is accepted (`kept_readings.py`).
"""

import difflib
from collections.abc import Collection, Iterable, Sequence
from typing import Final, NamedTuple
from weakref import WeakKeyDictionary

from swatchbook.domain.errors import InvalidReference
from swatchbook.domain.records import (
    OF_PICTURES,
    UNTAUGHT,
    DocumentStatus,
    Example,
    Product,
    Reading,
    Shown,
    TaughtReading,
    fold,
)
from swatchbook.ingest.cache_keys import stage_key
from swatchbook.read_ahead import read_once
from swatchbook.resources import Resources
from swatchbook.store.ledger.edited_products import read_found
from swatchbook.store.ledger.stored_documents import PDF, Document
from swatchbook.store.ledger.trashed_documents import get_trashed
from swatchbook_base.one_line import shorten
from swatchbook_base.reading import iter_pages
from swatchbook_teach.learning.learn import learn
from swatchbook_teach.learning.pictures import DocumentPictures, learn_pictures
from swatchbook_teach.learning.propose import preview, propose
from swatchbook_teach.learning.taught_products import discover_by
from swatchbook_teach.learning.texts import DocumentTexts, PageText, collect_texts
from swatchbook_teach.records import OtherReading, Proposal, ProposedName
from swatchbook_teach.taught_pictures import PageViews, propose_pictures, read_pictures

_MOST_KEPT = 2
"""Documents whose texts a process keeps: a person teaches one at a time, and each click needs them."""

_lessons: WeakKeyDictionary[Resources, "dict[str, tuple[Reading, DocumentTexts]]"] = WeakKeyDictionary()
"""Of each Resources: cache key of stage 1 -> what was read of a document; the last used is last."""

_MOST_ALIKE, _MOST_LETTERS = 5, 50
"""Texts of a page that an error names, and letters of each."""


class Lesson(NamedTuple):
    """A document that can be taught, with what was read of it."""

    document: Document
    reading: Reading
    texts: DocumentTexts


def open_lesson(resources: Resources, document: Document) -> Lesson:
    """Read the texts of a document. Raises what `read_again` raises."""
    key = stage_key("read", document.content, resources.settings, document.options, force=document.force)
    lessons = _lessons.setdefault(resources, {})
    kept = lessons.pop(key, None)
    if kept and document.status != DocumentStatus.DELETING and all(map(resources.files.has, kept[0].files)):
        lessons[key] = kept
        return Lesson(document, *kept)
    reading = read_again(resources, document)
    texts = collect_texts(reading, iter_pages(resources.files, reading))
    lessons[key] = reading, texts
    for oldest in list(lessons)[:-_MOST_KEPT]:
        lessons.pop(oldest, None)
    return Lesson(document, reading, texts)


def read_again(resources: Resources, document: Document) -> Reading:
    """Return what stage 1 reads of a document: its cached result, or that of the PDF if it is gone.

    Raises InvalidReference for what has no pages, is gone or in the trash, and what reading a PDF raises.
    """
    if document.kind != PDF:
        raise InvalidReference(
            f"{document.name} has no pages: it is a {document.kind}.", advice="Name a catalogue: `swatchbook status`."
        )
    if document.status == DocumentStatus.DELETING:
        if get_trashed(resources.ledger, document.id) is None:
            raise InvalidReference(f"{document.name} is being deleted.")
        advice = f"To teach it: `swatchbook trash restore {document.id[:8]}`, then again."
        raise InvalidReference(f"{document.name} is in the trash.", advice=advice)
    if document.file is None:
        raise InvalidReference(f"The file of {document.name} is not stored.", advice="Ingest it again.")
    key = stage_key("read", document.content, resources.settings, document.options, force=document.force)
    with resources.files.local(document.file) as path:
        return read_once(path, resources.files, resources.settings, key)


# --- propose ----------------------------------------------------------------------------------------------------------


MOST_READINGS: Final = 5
"""The most readings that a proposal has, the likeliest with four others."""
_MOST_NAMES: Final = 5  # of another reading


def propose_readings(
    resources: Resources,
    lesson: Lesson,
    examples: Sequence[Example],
    *,
    start: TaughtReading | None = None,
    most: int = MOST_READINGS,
) -> list[Proposal]:
    """Return what the likeliest reading would find that agrees with the examples, and what others would, of which
    one is probably better.

    They go on from `start`, without one from the reading in use. What is shown again says nothing new; what is shown to
    be the opposite counts instead of the answer before.
    """
    in_use = lesson.document.options.taught
    begun = in_use if start is None else start
    answers = {_place(each): each for each in examples}
    kept = tuple(each for each in begun.examples if answers.get(_place(each), each) == each)
    new = [each for each in answers.values() if each not in kept]
    of_pictures = tuple(each for each in new if each.what in OF_PICTURES)
    begun = begun.model_copy(update={"examples": (*kept, *of_pictures)})
    pictures = None
    if begun.pictures_are_taught or in_use.pictures_are_taught:
        pictures = _open_pictures(resources, lesson, begun)
        shown = (*begun.examples, *new)
        dropped = [each for each in in_use.examples if each not in shown]
        begun = learn_pictures(pictures.found, begun, dropped, pictures.views.pixels)
    new = [each for each in new if each not in of_pictures]
    only_pictures = of_pictures or (begun.pictures_are_taught and not begun.names_are_taught)
    proposals = propose(lesson.texts, lesson.reading, new, begun, 1 if only_pictures and not new else most)
    return _compare(resources, lesson, proposals, pictures)


def propose_reading(
    resources: Resources, lesson: Lesson, examples: Sequence[Example], *, start: TaughtReading | None = None
) -> Proposal:
    """Return what the likeliest reading would find that agrees with the examples."""
    return propose_readings(resources, lesson, examples, start=start, most=1)[0]


def summarize_other(likeliest: Proposal, other: Proposal) -> OtherReading:
    """Return what another reading would find in short, with the first names that tell it from the likeliest one."""
    own, shown = ([(each.page, each.name) for each in found.names] for found in (other, likeliest))
    more, lacks = names_apart(own, shown), names_apart(shown, own)
    return OtherReading(
        reading=other.reading,
        probability=other.probability,
        products=other.products,
        pages=other.pages,
        names=tuple(dict.fromkeys((*more, *(name for _, name in own))))[:_MOST_NAMES],
        more=len(more),
        fewer=len(lacks),
        lacks=tuple(lacks[:_MOST_NAMES]),
    )


def names_apart(own: Iterable[tuple[int, str]], shown: Iterable[tuple[int, str]]) -> list[str]:
    """Return the names that only the first of two readings finds. Each is given by its page and name."""
    folded = {(page, fold(name)) for page, name in shown}
    return list(dict.fromkeys(name for page, name in own if (page, fold(name)) not in folded))


def _place(example: Example) -> tuple[object, ...]:
    return example.page, example.box, example.what, fold(example.text or "")


def preview_reading(resources: Resources, lesson: Lesson, taught: TaughtReading) -> Proposal:
    """Return what a reading would find that is known, such as an imported one."""
    pictures = _open_pictures(resources, lesson, taught) if taught.pictures_are_taught else None
    return _compare(resources, lesson, [preview(lesson.texts, lesson.reading, taught)], pictures)[0]


def propose_likeliest(resources: Resources, lesson: Lesson) -> list[Proposal]:
    """Return what the three likeliest readings would find without any example, the likeliest first."""
    return [
        preview_reading(resources, lesson, each.reading).model_copy(update={"probability": round(each.probability, 3)})
        for each in learn(lesson.texts, [], most=3)
    ]


def count_products(resources: Resources, document: str) -> int:
    """Return how many products were found in a document, without edits by hand."""
    return len(read_found(resources.ledger, document).products)


class _Pictures(NamedTuple):
    """The pictures of a lesson, as they were found, and its rendered pages."""

    found: DocumentPictures
    views: PageViews


def _open_pictures(resources: Resources, lesson: Lesson, taught: TaughtReading) -> _Pictures:
    document = lesson.document
    assert document.file is not None  # noqa: S101 - a lesson has read it
    found = read_pictures(resources, document.id, lesson.reading, taught)
    return _Pictures(found, PageViews(resources, document.file))


def _compare(
    resources: Resources, lesson: Lesson, proposals: Sequence[Proposal], pictures: _Pictures | None = None
) -> list[Proposal]:
    """Return proposals with the names that are new and lost, compared with the stored products.

    The first proposal has what becomes of the pictures, if anything about them is or was taught.
    """
    present = read_found(resources.ledger, lesson.document.id).products
    compared = [_compare_with(present, each) for each in proposals]
    if pictures is not None and compared:
        taught = compared[0].reading
        discovery = discover_by(lesson.texts, lesson.reading, taught)
        found = propose_pictures(
            resources, lesson.document.id, lesson.reading, pictures.found, taught, discovery, pictures.views
        )
        compared[0] = compared[0].model_copy(update={"pictures": found})
    return compared


def _compare_with(present: Sequence[Product], proposal: Proposal) -> Proposal:
    known = {(fold(product.name), page) for product in present for page in product.pages}
    proposed = {(fold(each.name), each.page) for each in proposal.names}

    def mark_new(names: Iterable[ProposedName]) -> tuple[ProposedName, ...]:
        return tuple(each.model_copy(update={"new": (fold(each.name), each.page) not in known}) for each in names)

    lost = tuple(
        (product.name, product.first_page)
        for product in present
        if not any((fold(product.name), page) in proposed for page in product.pages)
    )
    return proposal.model_copy(
        update={"names": mark_new(proposal.names), "unsure": mark_new(proposal.unsure), "lost": lost}
    )


# --- examples ---------------------------------------------------------------------------------------------------------


def find_examples(
    lesson: Lesson, page: int, text: str, *, what: Shown = Shown.NAME, right: bool = True
) -> list[Example]:
    """Return the examples that a person means by a text of a page: the largest one of several, but all that are wrong.

    Raises InvalidReference where the page has no such text.
    """
    if not 1 <= page <= lesson.reading.page_count:
        raise InvalidReference(f"{lesson.document.name} has no page {page}: it has {lesson.reading.page_count}.")
    here = [each for each in lesson.texts.texts if each.page == page]
    wanted = fold(text)
    same = [each for each in here if wanted and wanted in (fold(each.name), fold(each.text.text))]
    found = same or [each for each in here if wanted and wanted in fold(each.text.text)]
    if not found:
        raise InvalidReference(
            f"Page {page} of {lesson.document.name} has no text {text!r}.", advice=_advise(here, text)
        )
    found.sort(key=lambda each: (each.is_line, -each.text.size, each.box[1], each.box[0]))
    whole = {each.box for each in found if not each.is_line}
    chosen = found[:1] if right else [each for each in found if not each.is_line or each.box not in whole]
    return [Example(page=page, box=each.box, what=what, text=_as_printed(each, text), right=right) for each in chosen]


def _as_printed(shown: PageText, text: str) -> str:
    """Return the text as the page has it, so that a name keeps its capitals."""
    for whole in (shown.name, shown.text.text):
        if fold(whole) == fold(text):
            return whole
    begin = shown.text.text.casefold().find(text.casefold())
    return shown.text.text[begin : begin + len(text)] if begin >= 0 else text


def _advise(here: Collection[PageText], text: str) -> str:
    names = list(dict.fromkeys(each.name for each in here if each.name))
    if not names:
        return "No text of this page could be read."
    by_letters = {name.casefold(): name for name in names}
    alike = difflib.get_close_matches(text.casefold(), by_letters, n=_MOST_ALIKE, cutoff=0.5)
    shown = [by_letters[each] for each in alike] or names[:_MOST_ALIKE]
    more = "" if alike or len(names) <= _MOST_ALIKE else " …"
    return f"It has {', '.join(repr(shorten(each, _MOST_LETTERS)) for each in shown)}{more}."


def in_use(document: Document) -> TaughtReading | None:
    """Return the reading that a document's names are found by, None for the layout rules."""
    return None if document.options.taught == UNTAUGHT else document.options.taught

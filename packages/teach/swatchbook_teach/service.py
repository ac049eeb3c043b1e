"""Endpoints for teaching a document by example: the texts to show, what follows from examples, accepting and undoing.

What a reading is: `swatchbook/domain/records/teaching.py`. At most two readings are worked out at once, and the texts
of two documents read; others wait up to 20 s, then get 503.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from threading import BoundedSemaphore
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, HTTPException, Query
from pydantic import Field, TypeAdapter

from swatchbook.domain.records import UNTAUGHT, Example, PictureSide, PlacementState, TaughtReading
from swatchbook.resources import Resources
from swatchbook.store.ledger.stored_documents import PDF
from swatchbook_service.auth import Caller, TheCaller, choose_known
from swatchbook_service.documents import DocumentId, find_changeable
from swatchbook_service.images import PageNumber
from swatchbook_service.parameters import (
    Number,
    OwnerOfDocuments,
    Paging,
    RequestModel,
    Seconds,
    StoredId,
    Tools,
    cut_page,
    read_cursor,
)
from swatchbook_service.problems import documented
from swatchbook_teach import lessons
from swatchbook_teach.kept_readings import accept_reading, list_readings, undo_reading
from swatchbook_teach.learning.taught_products import read_names
from swatchbook_teach.lessons import Lesson
from swatchbook_teach.offered_readings import offer_readings
from swatchbook_teach.placed_pictures import read_placed
from swatchbook_teach.records import KeptReading, Proposal
from swatchbook_teach.replies import (
    ListedReadings,
    PageTexts,
    PictureToShow,
    ProposedReadings,
    ShownReadings,
    TextToShow,
)

_BY_TIME: TypeAdapter[tuple[float, str, int]] = TypeAdapter(tuple[Seconds, StoredId, Number])
_TEACHING = "/documents/{document_id}/teaching"

router = APIRouter(tags=["teaching"], responses=documented(404))


class ReadingsQuery(Paging):
    """Whose readings, and which page of the list."""

    owner: OwnerOfDocuments = None


class ShownExamples(RequestModel):
    """What a person shows on the pages of a document."""

    examples: tuple[Example, ...] = Field(
        default=(),
        max_length=500,
        description="Texts, pictures and parts of pages, with what they are or, if not `right`, are not.",
    )
    start: TaughtReading | None = Field(
        default=None, description="The reading that the examples correct; by default the one in use."
    )
    side: PictureSide | None = Field(
        default=None,
        description="Where the picture of a product is, seen from its name; null: as found. Without it, as `start` has "
        "it.",
    )


class AcceptedTeaching(RequestModel):
    """A reading that a person accepts for a document."""

    reading: TaughtReading = Field(description="The reading, as a proposal has it.")


@router.get("/readings", summary="List the taught readings of a collection")
def list_taught_readings(
    resources: Tools, caller: TheCaller, query: Annotated[ReadingsQuery, Query()]
) -> ListedReadings:
    """Those that were accepted for a document, the latest first, with those that were undone."""
    kept = list_readings(resources.ledger, owner=choose_known(resources, caller, query.owner))
    numbered = sorted((((each.at, each.document, each.number), each) for each in kept), key=lambda each: each[0])
    if (after := read_cursor(query.cursor, _BY_TIME)) is not None:
        numbered = [each for each in numbered if each[0] < after]
    page, cursor = cut_page(numbered[::-1][: query.limit + 1], query.limit)
    return ListedReadings(readings=page, next=cursor)


@router.get(
    "/documents/{document_id}/pages/{number}/texts",
    summary="List the texts of a page that can be shown",
    responses=documented(409),
)
def list_page_texts(resources: Tools, caller: TheCaller, document_id: DocumentId, number: PageNumber) -> PageTexts:
    """The first 2,000 paragraphs, headings and captions of a page, and their lines; `is_name`: it names a product at
    present. A box is the place on the page after it is turned clockwise by `turn` degrees, so that it can be read.
    `pictures`: those of the page, at their places before that; hidden and decorative ones are listed, too."""
    with opened_lesson(resources, caller, document_id) as lesson:
        pictures = pictures_of_page(resources, lesson, number)
        return texts_of_page(lesson, number).model_copy(update={"pictures": pictures})


@router.post(
    f"{_TEACHING}/proposal", summary="Propose the reading that examples show", responses=documented(400, 408, 409, 413)
)
def propose_teaching(
    resources: Tools, caller: TheCaller, document_id: DocumentId, shown: ShownExamples
) -> ProposedReadings:
    """What the likeliest reading that agrees with the examples would find and lose, and up to four others that agree
    with them. Nothing changes."""
    with opened_lesson(resources, caller, document_id) as lesson:
        start = lesson.document.options.taught if shown.start is None else shown.start
        if "side" in shown.model_fields_set:
            start = start.model_copy(update={"side": shown.side})
        likeliest, *others = propose(resources, lesson, shown.examples, start)
    summaries = tuple(lessons.summarize_other(likeliest, each) for each in others)
    return ProposedReadings(**dict(likeliest), others=summaries)


@router.get(f"{_TEACHING}/readings", summary="Show the readings to choose from", responses=documented(409))
def show_readings(resources: Tools, caller: TheCaller, document_id: DocumentId) -> ShownReadings:
    """The one in use, the three likeliest ones, and those of documents that look alike, each with what it would
    find."""
    with opened_lesson(resources, caller, document_id) as lesson:
        return ShownReadings(
            in_use=lessons.in_use(lesson.document),
            likeliest=tuple(lessons.propose_likeliest(resources, lesson)),
            offered=tuple(offer_readings(resources, lesson)),
        )


@router.post(_TEACHING, status_code=202, summary="Accept a reading", responses=documented(400, 408, 409, 413))
def accept_teaching(
    resources: Tools, caller: TheCaller, document_id: DocumentId, accepted: AcceptedTeaching
) -> KeptReading:
    """The document is processed again with it: its products, links and facts follow. Later ingests keep it."""
    document = find_changeable(resources, caller, document_id)
    return accept_reading(resources.ledger, document.id, accepted.reading, by=caller.name)


@router.delete(_TEACHING, status_code=202, summary="Undo the reading in use", responses=documented(409))
def undo_teaching(resources: Tools, caller: TheCaller, document_id: DocumentId) -> KeptReading:
    """The reading before it is used again, else the layout rules. The document is processed again; the reading stays in
    the list."""
    document = find_changeable(resources, caller, document_id)
    if document.options.taught == UNTAUGHT:
        raise HTTPException(409, "Nothing to undo: no reading was taught for this document.")
    return undo_reading(resources.ledger, document.id, by=caller.name)


# --- shared -----------------------------------------------------------------------------------------------------------

MOST_TEXTS: Final = 2_000
"""Texts of a page that can be shown."""

_LESSONS_AT_ONCE = 2  # each keeps a processor busy
_WAIT_SECONDS = 20.0
_slots = BoundedSemaphore(_LESSONS_AT_ONCE)
_readers = ThreadPoolExecutor(_LESSONS_AT_ONCE, "lesson")
_being_read: dict[str, Future[Lesson]] = {}  # by the document's id


@contextmanager
def opened_lesson(
    resources: Resources, caller: Caller, document_id: UUID, *, seconds: float | None = _WAIT_SECONDS
) -> Iterator[Lesson]:
    """Read the texts of the caller's document, and work with them in the block while few others do so.

    Raises 404, 409 for a document that has not been read yet, 503 when it does not come to its turn in time, or when
    its texts are not read within `seconds`: that goes on in the background, and a browser asks again by itself.
    """
    document = find_changeable(resources, caller, document_id)
    if document.kind == PDF and document.page_count is None:
        raise HTTPException(409, "The document has not been read yet.")
    reading = _being_read.get(document.id)
    if reading is None:
        reading = _being_read[document.id] = _readers.submit(lessons.open_lesson, resources, document)
        reading.add_done_callback(lambda _: _being_read.pop(document.id, None))
    try:
        lesson = reading.result(seconds)
    except TimeoutError:
        detail = f"The texts of {document.name} are being read, which goes on meanwhile; retry in a moment."
        raise HTTPException(503, detail, headers={"Retry-After": "3", "Refresh": "3"}) from None
    if not _slots.acquire(timeout=_WAIT_SECONDS):
        raise HTTPException(503, "Too many documents are being taught; retry later.", headers={"Retry-After": "5"})
    try:
        yield lesson._replace(document=document)
    finally:
        _slots.release()


def propose(
    resources: Resources, lesson: Lesson, examples: Sequence[Example], start: TaughtReading | None
) -> list[Proposal]:
    """Return what examples would change, the likeliest reading first; without any, first what the reading finds that
    they would correct. Raises 422.
    """
    begun = lesson.document.options.taught if start is None else start
    if not examples and begun == UNTAUGHT:
        raise HTTPException(422, "Nothing is shown: show at least one name or picture.")
    return lessons.propose_readings(resources, lesson, examples, start=begun)


def texts_of_page(lesson: Lesson, number: int) -> PageTexts:
    """Return the texts of a page. Raises 404 for a page that the document does not have, or that was not read."""
    texts = lesson.texts
    layout = next((each for each in texts.document.layouts if each.number == number), None)
    if layout is None:
        raise HTTPException(404, f"Page {number} not found, or it could not be read.")
    taught = lesson.document.options.taught
    found = {n for n, is_name in enumerate(texts.found) if is_name}
    if taught.names_are_taught:
        found = {each.number for each in read_names(texts, taught) if each.number is not None}
    here = [(n, each) for n, each in enumerate(texts.texts) if each.page == number]
    return PageTexts(
        page=number,
        width=layout.width,
        height=layout.height,
        turn=layout.turn,
        texts=tuple(
            TextToShow(box=each.box, text=each.text.text, name=each.name, is_line=each.is_line, is_name=n in found)
            for n, each in here[:MOST_TEXTS]
        ),
    )


def pictures_of_page(resources: Resources, lesson: Lesson, number: int) -> tuple[PictureToShow, ...]:
    """Return the pictures of a page, as stored, in reading order."""
    return tuple(
        PictureToShow(
            placement=each.placement.id,
            image=each.image,
            box=each.placement.bbox,
            kind=each.placement.kind,
            state=each.placement.state,
            reason=each.placement.reason,
            url=f"/images/{each.image}/file" if each.placement.state is PlacementState.SHOWN else None,
        )
        for each in read_placed(resources.ledger, lesson.document.id, number)
    )

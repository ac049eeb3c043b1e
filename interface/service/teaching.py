"""Endpoints for teaching a document by example: accept a reading of its names, undo it, and list the readings.

What a reading is: `swatchbook/records/teaching.py`. The document is processed again after both.
"""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, HTTPException, Query
from pydantic import Field, TypeAdapter

from interface.replies import ListedReadings
from interface.service.auth import TheCaller, choose_known
from interface.service.documents import DocumentId, find, find_changeable
from interface.service.parameters import (
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
from interface.service.problems import documented
from swatchbook.ledger.taught_readings import accept_reading, list_readings, undo_reading
from swatchbook.records import UNTAUGHT, KeptReading, ReadingOrigin, TaughtReading

_BY_TIME: TypeAdapter[tuple[float, str, int]] = TypeAdapter(tuple[Seconds, StoredId, Number])
_TEACHING = "/documents/{document_id}/teaching"

router = APIRouter(tags=["teaching"], responses=documented(404))


class ReadingsQuery(Paging):
    """Whose readings, and which page of the list."""

    owner: OwnerOfDocuments = None


class AcceptedTeaching(RequestModel):
    """A reading that a person accepts for a document."""

    reading: TaughtReading = Field(description="The reading, as a proposal has it.")
    origin: ReadingOrigin = Field(default=ReadingOrigin.SHOWN, description="Where the reading comes from.")
    taken_from: UUID | None = Field(default=None, description="The document that an offered reading was taught on.")
    products: Number | None = Field(default=None, description="How many products the proposal had.")


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


@router.post(_TEACHING, status_code=202, summary="Accept a reading", responses=documented(400, 408, 409, 413))
def accept_teaching(
    resources: Tools, caller: TheCaller, document_id: DocumentId, accepted: AcceptedTeaching
) -> KeptReading:
    """The document is processed again with it: its products, links and facts follow. Later ingests keep it."""
    document = find_changeable(resources, caller, document_id)
    taken_from = find(resources, caller, accepted.taken_from).id if accepted.taken_from else None
    return accept_reading(
        resources.ledger,
        document.id,
        accepted.reading,
        by=caller.name,
        origin=accepted.origin,
        taken_from=taken_from,
        products=accepted.products,
    )


@router.delete(_TEACHING, status_code=202, summary="Undo the reading in use", responses=documented(409))
def undo_teaching(resources: Tools, caller: TheCaller, document_id: DocumentId) -> KeptReading:
    """The reading before it is used again, else the layout rules. The document is processed again; the reading stays in
    the list."""
    document = find_changeable(resources, caller, document_id)
    if document.options.taught == UNTAUGHT:
        raise HTTPException(409, "Nothing to undo: no reading was taught for this document.")
    return undo_reading(resources.ledger, document.id, by=caller.name)

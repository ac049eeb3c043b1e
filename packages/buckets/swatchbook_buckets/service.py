"""Endpoints for the events of object stores: receive them, list those that wait or are dead, and try one again.

A store announces its objects to `POST /hooks/events`. It is answered once the ledger has the events, so that it sends
again what was not answered; the loop ingests the objects. A sender is believed about objects below the sources of its
key's owners only. What becomes of an event: `take_events.py`.
"""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Path, Query, Request
from fastapi.security import APIKeyQuery, HTTPAuthorizationCredentials
from pydantic import Field, TypeAdapter

from swatchbook.domain.records import ObjectEvent
from swatchbook.doors.replies import ListedEvents, ReceivedEvents
from swatchbook_buckets import event_ledger
from swatchbook_buckets.take_events import store_message
from swatchbook_service.auth import BEARER, HEADER, Caller, OwnKeys, TheCaller, authenticate, choose_known
from swatchbook_service.parameters import OwnerOfDocuments, Paging, Seconds, Tools, cut_page, read_cursor
from swatchbook_service.problems import documented

router = APIRouter(tags=["events"], responses=documented(404))
hooks = OwnKeys(tags=["events"], responses=documented(404))
"""What stores send to, with the key in the address, too."""

_QUERY = APIKeyQuery(
    name="key",
    auto_error=False,
    description="One of SWATCHBOOK_API_KEYS, for senders that can send no header, such as Google Pub/Sub.",
)

EventId = Annotated[str, Path(pattern=r"^[0-9a-f]{26}$", description="Event id, as returned by the list.")]

POSITION: TypeAdapter[tuple[float, str]] = TypeAdapter(tuple[Seconds, Annotated[str, Field(pattern=r"^[0-9a-f]{26}$")]])


async def authenticate_sender(
    request: Request,
    resources: Tools,
    bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(BEARER)],
    header: Annotated[str | None, Depends(HEADER)],
    key: Annotated[str | None, Depends(_QUERY)],
) -> Caller:
    """Return the caller, as `authenticate` does; a key in the address goes before one in a header."""
    return await authenticate(request, resources, None if key else bearer, key or header)


TheSender = Annotated[Caller, Depends(authenticate_sender)]


class EventQuery(Paging):
    """Which events, and which page of them."""

    owner: OwnerOfDocuments = None
    ended: bool = Field(default=False, description="Also events that are done or ignored.")


@hooks.post(
    "/hooks/events",
    status_code=202,
    summary="Receive events of an object store",
    responses=documented(400, 408, 413, 415),
    openapi_extra={"requestBody": {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}}},
)
async def receive_events(request: Request, resources: Tools, sender: TheSender) -> ReceivedEvents:
    """Takes the notifications of MinIO and stores like it, those of Amazon S3 as EventBridge posts them, and those of
    Google Cloud Storage as Pub/Sub pushes them.
    Answers 202 once the events are stored, 415 for a message that is no notification. An event that arrives again is
    stored once. New objects below the sources of the key's owners are ingested; all others are recorded as ignored.
    """
    sources = [source for source in resources.settings.event_sources if sender.may(source.owner)]
    if not resources.settings.event_sources:
        raise HTTPException(404, "Events are disabled: SWATCHBOOK_EVENT_SOURCES is empty.")
    body = await request.body()
    return ReceivedEvents(received=await asyncio.to_thread(store_message, resources, body, sources))


@router.get("/events", summary="List events of object stores")
def list_events(resources: Tools, caller: TheCaller, query: Annotated[EventQuery, Query()]) -> ListedEvents:
    """Those that wait, with their next try, and those that are dead, with their reason; the latest first."""
    found = event_ledger.list_events(
        resources.ledger,
        choose_known(resources, caller, query.owner),
        states=event_ledger.STATES if query.ended else event_ledger.UNFINISHED,
        after=read_cursor(query.cursor, POSITION),
        limit=query.limit + 1,
    )
    page, cursor = cut_page([((event.at, event.id), event) for event in found], query.limit)
    return ListedEvents(events=page, next=cursor)


@router.post("/events/{event_id}/retry", status_code=202, summary="Try an event again", responses=documented(400))
def retry_event(resources: Tools, caller: TheCaller, event_id: EventId) -> ObjectEvent:
    """Makes an event that waits or is dead due now, however often it has failed."""
    event = event_ledger.get_event(resources.ledger, event_id)
    if event is None or not (caller.sees_all or (event.owner is not None and caller.may(event.owner))):
        raise HTTPException(404, f"There is no event {event_id}.")
    return event_ledger.try_again(resources.ledger, event)

"""Send server-sent events to pages that show documents, at most once a second, so that they ask for changes.

An event has no content, so that a page and its event never disagree.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Final

from fastapi import HTTPException, Response
from starlette.responses import StreamingResponse

from interface.service.documents import Listing, list_documents
from interface.service.health import Recent
from interface.web.pages import TheView, View, page_router
from swatchbook.errors import Failure

_PAUSE = 1.0  # seconds between two looks of a page
_SHARED = 0.9  # seconds for which a look at the ledger counts for all pages of an owner
_SILENCE = 15  # looks without an event, after which a comment shows whether the browser still listens
_LOOKS = 600  # then the browser asks again, and its key or session is checked again
STREAMS: Final = 100
"""The most browsers that get events at a time. Others ask again by themselves."""

CHANGED, COMMENT = b"event: changed\ndata:\n\n", b":\n\n"

router = page_router()


@router.get("/ui/events")
async def tell_changes(view: TheView) -> Response:
    """Send an event whenever the owner's list of documents has changed. Raises 503 beyond STREAMS."""
    streams: set[object] = view.request.app.state.streams
    if len(streams) >= STREAMS:
        raise HTTPException(503, "Too many pages are open; this one shows changes when it is loaded again.")
    return StreamingResponse(_events(view, streams), media_type="text/event-stream")


async def _events(view: View, streams: set[object]) -> AsyncIterator[bytes]:
    this, before, silent = object(), b"", 0
    streams.add(this)
    try:
        yield b"retry: 2000\n\n"
        for _ in range(_LOOKS):
            if view.request.app.state.stopping():
                return
            now = before
            with suppress(Failure):  # the ledger is away: what the page shows still holds
                now = await _look(view).get()
            silent = 0 if now != before else silent + 1
            if now != before:  # also at first: the page may be older
                yield CHANGED
            elif silent % _SILENCE == 0:
                yield COMMENT
            before = now
            await asyncio.sleep(_PAUSE)
    finally:
        streams.discard(this)


def _look(view: View) -> Recent[bytes]:
    """Return the look at the list of an owner, which all its open pages share."""
    looks: dict[str | None, Recent[bytes]] = view.request.app.state.looks
    return looks.setdefault(view.owner, Recent(lambda: _listed(view), _SHARED))


def _listed(view: View) -> bytes:
    """Return a hash of the list of documents."""
    listed = list_documents(view.resources, view.caller, Listing(owner=view.owner))
    return hashlib.sha256(listed.model_dump_json().encode()).digest()

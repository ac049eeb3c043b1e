"""What has changed, as server-sent events: a page that shows documents is told to ask again, once a second at most. An
event has no content, so that a page and its event never disagree.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Final

from fastapi import HTTPException, Response
from starlette.responses import StreamingResponse

from interface.service.documents import Listing, list_documents
from interface.web.pages import TheView, View, page_router
from swatchbook.errors import Failure

_PAUSE = 1.0  # seconds between two looks
_SILENCE = 15  # looks without an event, after which a comment shows whether the browser still listens
_LOOKS = 600  # then the browser asks again, and its key or session is checked again
STREAMS: Final = 100
"""Browsers that are told at a time: each asks the ledger once a second. Others ask again by themselves."""

CHANGED, COMMENT = b"event: changed\ndata:\n\n", b":\n\n"

router = page_router()


@router.get("/ui/events")
async def tell_changes(view: TheView) -> Response:
    """Tell whenever the list of documents of the owner is another one than before. Raises 503 beyond STREAMS."""
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
                now = await asyncio.to_thread(_listed, view)
            silent = 0 if now != before else silent + 1
            if now != before:  # also at first: the page may be older
                yield CHANGED
            elif silent % _SILENCE == 0:
                yield COMMENT
            before = now
            await asyncio.sleep(_PAUSE)
    finally:
        streams.discard(this)


def _listed(view: View) -> bytes:
    return list_documents(view.resources, view.caller, Listing(owner=view.owner)).model_dump_json().encode()

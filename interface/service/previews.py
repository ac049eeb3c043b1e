"""Endpoints for previews: a page of a document as PNG, and thumbnails of pictures.

At most two are made at once; others wait up to 20 s, then get 503. Cached ones do not wait.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Path, Query, Request, Response
from pydantic import Field
from starlette.concurrency import run_in_threadpool

from interface.service.auth import TheCaller
from interface.service.documents import DocumentId, find
from interface.service.images import ImageId, find_image, picture_response
from interface.service.parameters import RequestModel, Tools
from interface.service.problems import documented
from swatchbook.previews import (
    MAX_SIDE,
    MAX_WIDTH,
    MIN_SIDE,
    MIN_WIDTH,
    Preview,
    RenderedPage,
    Thumbnail,
    find_preview,
    make_preview,
)
from swatchbook.resources import Resources

_AT_ONCE = 2  # each keeps a processor busy
_WAIT_SECONDS = 20.0
_RETRY_SECONDS = "5"

router = APIRouter(responses=documented(404))


class PageSize(RequestModel):
    """Size of a rendered page."""

    width: int = Field(default=800, ge=MIN_WIDTH, le=MAX_WIDTH, description="Pixels.")


class ThumbnailSize(RequestModel):
    """Size of a thumbnail."""

    side: int = Field(default=256, ge=MIN_SIDE, le=MAX_SIDE, description="Most pixels of the longer side.")


class PreviewSlots:
    """Limits how many previews are made at once."""

    def __init__(self) -> None:
        self._slots = asyncio.Semaphore(_AT_ONCE)

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Hold a slot for the block. Raises 503 when none becomes free in time."""
        try:
            async with asyncio.timeout(_WAIT_SECONDS):
                await self._slots.acquire()
        except TimeoutError:
            raise HTTPException(
                503, "Too many previews are being made; retry later.", headers={"Retry-After": _RETRY_SECONDS}
            ) from None
        try:
            yield
        finally:
            self._slots.release()


async def get_preview_slots(request: Request) -> PreviewSlots:
    """Return the preview slots of the process."""
    slots: PreviewSlots = request.app.state.preview_slots
    return slots


ThePreviewSlots = Annotated[PreviewSlots, Depends(get_preview_slots)]
PageNumber = Annotated[int, Path(ge=1, le=1_000_000, description="Page number, from 1.")]


@router.get(
    "/documents/{document_id}/pages/{number}",
    summary="Render a page as PNG",
    tags=["documents"],
    response_class=Response,
    responses={200: {"content": {"image/png": {"schema": {"type": "string", "format": "binary"}}}}},
)
async def get_page(
    resources: Tools,
    caller: TheCaller,
    slots: ThePreviewSlots,
    document_id: DocumentId,
    number: PageNumber,
    query: Annotated[PageSize, Query()],
) -> Response:
    """As wide as `width`; narrower where it would be higher than 4,000 pixels. The picture is cached."""
    document = await run_in_threadpool(find, resources, caller, document_id)
    if document.file is None or document.page_count is None or number > document.page_count:
        has = "has not been read yet" if document.page_count is None else f"has {document.page_count} pages"
        raise HTTPException(404, f"Page {number} not found: the document {has}.")
    preview = RenderedPage(file=document.file, number=number, width=query.width)
    return picture_response(await _make(resources, slots, preview), f"{document.id}-{number}.png")


@router.get(
    "/images/{image_id}/thumbnail",
    summary="Download the picture, made small",
    tags=["images"],
    response_class=Response,
    responses={200: {"content": {"image/jpeg": {"schema": {"type": "string", "format": "binary"}}}}},
)
async def get_image_thumbnail(
    resources: Tools,
    caller: TheCaller,
    slots: ThePreviewSlots,
    image_id: ImageId,
    query: Annotated[ThumbnailSize, Query()],
) -> Response:
    """As JPEG over white; a picture is never enlarged. The thumbnail is cached."""
    image, file = await run_in_threadpool(find_image, resources, caller, image_id)
    preview = Thumbnail(file=file, side=query.side)
    return picture_response(await _make(resources, slots, preview), f"{image}-{query.side}.jpg")


async def _make(resources: Resources, slots: PreviewSlots, preview: Preview) -> bytes:
    if (cached := await run_in_threadpool(find_preview, resources, preview)) is not None:
        return cached
    async with slots.slot():
        return await run_in_threadpool(make_preview, resources, preview)

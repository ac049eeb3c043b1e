"""Endpoints for images (details, the picture's file, missing vectors) and for previews: thumbnails, and pages as PNG.

At most two previews are made at once; others wait up to 20 s, then get 503. Cached ones do not wait.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, HTTPException, Query, Request, Response
from fastapi import Path as PathParameter
from pydantic import Field
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from swatchbook.domain.records import DocumentStatus, ImageDetails
from swatchbook.doors.replies import AcceptedImage
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
from swatchbook.store.ledger.document_commands import regenerate
from swatchbook.store.ledger.queries.image import image_details
from swatchbook.store.ledger.stored_documents import PDF, get_document
from swatchbook.upkeep.queue_again import is_current
from swatchbook_service.auth import Caller, TheCaller
from swatchbook_service.documents import DocumentId, find
from swatchbook_service.parameters import DEFAULT_RETRY, RequestModel, RetryOptions, Tools
from swatchbook_service.problems import documented

_TYPES = {
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".png": "image/png",
    ".webp": "image/webp",
    ".gif": "image/gif",
    ".tif": "image/tiff",
    ".bmp": "image/bmp",
    ".avif": "image/avif",
    ".heif": "image/heif",
    ".jp2": "image/jp2",
}
"""Formats that extraction stores; others are sent as application/octet-stream, which browsers do not render."""

ImageId = Annotated[UUID, PathParameter(description="Image id, as in search results and reports.")]

router = APIRouter(responses=documented(404))


@router.get("/images/{image_id}", summary="Show an image with its placements and states", tags=["images"])
def get_image(resources: Tools, caller: TheCaller, image_id: ImageId) -> ImageDetails:
    """Placements in documents, and for each role its state, failure and next try."""
    return require_image(resources, caller, image_id)


@router.get(
    "/images/{image_id}/file",
    summary="Download the picture",
    tags=["images"],
    response_class=Response,
    responses={
        200: {"content": {kind: {"schema": {"type": "string", "format": "binary"}} for kind in set(_TYPES.values())}}
    },
)
def get_image_file(resources: Tools, caller: TheCaller, image_id: ImageId) -> Response:
    """The extracted file: the original JPEG bytes, else PNG."""
    image, file = find_image(resources, caller, image_id)
    return picture_response(resources.files.read(file), f"{image}{Path(file).suffix}")


@router.post(
    "/images/{image_id}/embed",
    tags=["images"],
    status_code=202,
    summary="Create missing and outdated vectors of an image",
    responses=documented(400, 408, 413),
)
def embed_image(
    resources: Tools, caller: TheCaller, image_id: ImageId, options: RetryOptions = DEFAULT_RETRY
) -> AcceptedImage:
    """Applies to every document that contains it. `force` also retries its failed and rejected items."""
    image = require_image(resources, caller, image_id)
    documents = [get_document(resources.ledger, each) for each in dict.fromkeys(p.document_id for p in image.places)]
    stale = [
        d for d in documents if d.status != DocumentStatus.DELETING and (options.force or not is_current(resources, d))
    ]
    for document in stale:
        regenerate(resources.ledger, document.id, force=options.force, keys=[image.content_key])
    return AcceptedImage(
        id=image.id,
        documents=tuple(document.id for document in stale),
        message="Missing and outdated vectors will be created."
        if stale
        else "Nothing to do: all vectors are up to date.",
    )


def require_image(resources: Resources, caller: Caller, image_id: UUID) -> ImageDetails:
    """Return the caller's image. Raises 404, for other owners' images too."""
    image = image_details(resources.ledger, str(image_id))
    if image is None or not caller.may(image.owner):
        raise HTTPException(404, f"Image {image_id} not found.")
    return image


def find_image(resources: Resources, caller: Caller, image_id: UUID) -> tuple[str, str]:
    """Return the id of the caller's image and the key of its picture. Raises 404, also when it has no picture."""
    image = require_image(resources, caller, image_id)
    if image.file is None:
        raise HTTPException(404, "The image has no file: it could not be taken out of its document.")
    return image.id, image.file


def picture_response(data: bytes, name: str) -> Response:
    """Return a picture, typed by the suffix of its name. Clients may keep it for ever; browsers run nothing in it."""
    return Response(
        data,
        media_type=_TYPES.get(Path(name).suffix, "application/octet-stream"),
        headers={
            "Cache-Control": "private, max-age=31536000, immutable",  # the id is that of its content
            "Content-Disposition": f'inline; filename="{name}"',
            "Content-Security-Policy": "sandbox; default-src 'none'",
        },
    )


# --- previews ---------------------------------------------------------------------------------------------------------

_PREVIEWS_AT_ONCE = 2  # each keeps a processor busy
_WAIT_SECONDS = 20.0
_RETRY_SECONDS = "5"


class PageSize(RequestModel):
    """Size of a rendered page."""

    width: int = Field(default=800, ge=MIN_WIDTH, le=MAX_WIDTH, description="Pixels.")


class ThumbnailSize(RequestModel):
    """Size of a thumbnail."""

    side: int = Field(default=256, ge=MIN_SIDE, le=MAX_SIDE, description="Most pixels of the longer side.")


class PreviewSlots:
    """Limits how many previews are made at once. `request`: whose client may leave before its turn."""

    def __init__(self, slots: asyncio.Semaphore | None = None, request: Request | None = None) -> None:
        self._slots, self._request = slots or asyncio.Semaphore(_PREVIEWS_AT_ONCE), request

    def asked_by(self, request: Request) -> "PreviewSlots":
        """Return the same slots, for a request."""
        return PreviewSlots(self._slots, request)

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Hold a slot for the block. Raises 503 when none becomes free in time, and ClientDisconnect."""
        try:
            async with asyncio.timeout(_WAIT_SECONDS):
                await self._slots.acquire()
        except TimeoutError:
            raise HTTPException(
                503, "Too many previews are being made; retry later.", headers={"Retry-After": _RETRY_SECONDS}
            ) from None
        try:
            if await self._is_gone():  # a page of many pictures that was left would hold up the next one
                raise ClientDisconnect
            yield
        finally:
            self._slots.release()

    async def _is_gone(self) -> bool:
        if self._request is None:
            return False
        # the first look takes in the request's empty body
        return await self._request.is_disconnected() or await self._request.is_disconnected()


async def get_preview_slots(request: Request) -> PreviewSlots:
    """Return the preview slots of the process."""
    slots: PreviewSlots = request.app.state.preview_slots
    return slots.asked_by(request)


ThePreviewSlots = Annotated[PreviewSlots, Depends(get_preview_slots)]
PageNumber = Annotated[int, PathParameter(ge=1, le=1_000_000, description="Page number, from 1.")]


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
        read = "has not been read yet" if document.page_count is None else f"has {document.page_count} pages"
        has = read if document.kind == PDF else "is not a PDF and has no pages"
        raise HTTPException(404, f"Page {number} not found: the document {has}.")
    preview = RenderedPage(file=document.file, number=number, width=query.width)
    return picture_response(await _make_cached(resources, slots, preview), f"{document.id}-{number}.png")


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
    return picture_response(await _make_cached(resources, slots, preview), f"{image}-{query.side}.jpg")


async def _make_cached(resources: Resources, slots: PreviewSlots, preview: Preview) -> bytes:
    if (cached := await run_in_threadpool(find_preview, resources, preview)) is not None:
        return cached
    async with slots.slot():
        return await run_in_threadpool(make_preview, resources, preview)

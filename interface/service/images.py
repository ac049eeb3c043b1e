"""Endpoints for images: details, the picture's file and its media type, and making missing vectors. Thumbnails are in
`previews.py`.
"""

from pathlib import Path
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, HTTPException, Response
from fastapi import Path as PathParameter

from interface.replies import AcceptedImage
from interface.service.auth import Caller, TheCaller
from interface.service.parameters import DEFAULT_RETRY, RetryOptions, Tools
from interface.service.problems import documented
from swatchbook.ledger.document_commands import regenerate
from swatchbook.ledger.documents import get_document
from swatchbook.ledger.queries.image import image_details
from swatchbook.records import DocumentStatus, ImageDetails
from swatchbook.resources import Resources
from swatchbook.upkeep.queue_missing import is_current

_TYPES = {
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".png": "image/png",
    ".webp": "image/webp",
    ".gif": "image/gif",
    ".tif": "image/tiff",
    ".bmp": "image/bmp",
    ".avif": "image/avif",
    ".jp2": "image/jp2",
}
"""Formats that extraction stores; others are sent as application/octet-stream, which browsers do not render."""

ImageId = Annotated[UUID, PathParameter(description="Image id, as in search results and reports.")]

router = APIRouter(prefix="/images", tags=["images"], responses=documented(404))


@router.get("/{image_id}", summary="Show an image with its placements and states")
def get_image(resources: Tools, caller: TheCaller, image_id: ImageId) -> ImageDetails:
    """Placements in documents, and for each role its state, failure and next try."""
    return require_image(resources, caller, image_id)


@router.get(
    "/{image_id}/file",
    summary="Download the picture",
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
    "/{image_id}/embed",
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
        raise HTTPException(404, "The image has no file: its pixels could not be extracted.")
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

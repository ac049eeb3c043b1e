"""One image: what became of it, its picture, and making what it lacks."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, HTTPException, Path, Response

from interface.service.auth import Caller, TheCaller
from interface.service.dependencies import ONCE, RetryOptions, Tools
from interface.service.problems import documented
from swatchbook.ledger.document_commands import regenerate
from swatchbook.ledger.documents import get_document
from swatchbook.ledger.queries.image import ImageDetails, image_details
from swatchbook.records import DocumentStatus, Record
from swatchbook.resources import Resources
from swatchbook.upkeep.regenerate import is_current

_TYPES = {".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".png": "image/png"}
"""What extraction stores; anything else is sent as bytes that no browser shows."""

ImageId = Annotated[UUID, Path(description="As a search result or a report says.")]

router = APIRouter(prefix="/images", tags=["images"], responses=documented(404))


class AcceptedImage(Record):
    """What was asked for is written down; these documents, which show the image, will be worked on."""

    id: str
    documents: tuple[str, ...]
    message: str


@router.get("/{image_id}", summary="One image: where it stands and what became of it")
def get_image(resources: Tools, caller: TheCaller, image_id: ImageId) -> ImageDetails:
    """Its places in documents, and each role with its state, failure and next try."""
    return _find(resources, caller, image_id)


@router.get(
    "/{image_id}/file",
    summary="The picture itself",
    response_class=Response,
    responses={
        200: {"content": {kind: {"schema": {"type": "string", "format": "binary"}} for kind in set(_TYPES.values())}}
    },
)
def get_image_file(resources: Tools, caller: TheCaller, image_id: ImageId) -> Response:
    """As it was extracted: JPEG bytes passed through, else PNG."""
    image = _find(resources, caller, image_id)
    if image.file is None:
        raise HTTPException(404, "Its pixels could not be had.")
    suffix = image.file[image.file.rfind(".") :]
    return Response(
        resources.files.read(image.file),
        media_type=_TYPES.get(suffix, "application/octet-stream"),
        headers={
            "Cache-Control": "private, max-age=31536000, immutable",  # named by content: it never changes
            "Content-Disposition": f'inline; filename="{image.id}{suffix}"',
            "Content-Security-Policy": "sandbox; default-src 'none'",
        },
    )


@router.post(
    "/{image_id}/embed", status_code=202, summary="Make what an image lacks", responses=documented(400, 408, 413)
)
def embed_image(resources: Tools, caller: TheCaller, image_id: ImageId, again: RetryOptions = ONCE) -> AcceptedImage:
    """What is missing or stale, in every document that shows it; by force also what failed or was rejected of it."""
    image = _find(resources, caller, image_id)
    showing = [get_document(resources.ledger, each) for each in dict.fromkeys(p.document_id for p in image.places)]
    asked = [
        d for d in showing if d.status != DocumentStatus.DELETING and (again.force or not is_current(resources, d))
    ]
    for document in asked:
        regenerate(resources.ledger, document.id, force=again.force, keys=[image.content_key])
    return AcceptedImage(
        id=image.id,
        documents=tuple(document.id for document in asked),
        message="What it lacks will be made." if asked else "Nothing to do: all of it is made, by the makers in use.",
    )


def _find(resources: Resources, caller: Caller, image_id: UUID) -> ImageDetails:
    image = image_details(resources.ledger, str(image_id))
    if image is None or not caller.may(image.owner):
        raise HTTPException(404, f"There is no image {image_id}.")
    return image

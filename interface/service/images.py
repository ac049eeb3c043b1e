"""One image: what became of it, its picture, and making what it lacks."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, HTTPException, Path, Response

from interface.service.auth import Caller, TheCaller
from interface.service.given import ONCE, Again, Tools
from interface.service.problems import documented
from swatchbook.lab import Lab
from swatchbook.ledger import accounts, due
from swatchbook.ledger.pictures import KnownImage, known_image
from swatchbook.records import DocumentStatus, Record
from swatchbook.regenerate import is_current

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
def get_image(lab: Tools, caller: TheCaller, image_id: ImageId) -> KnownImage:
    """Its places in documents, and each role with its state, failure and next try."""
    return _find(lab, caller, image_id)


@router.get(
    "/{image_id}/file",
    summary="The picture itself",
    response_class=Response,
    responses={
        200: {"content": {kind: {"schema": {"type": "string", "format": "binary"}} for kind in set(_TYPES.values())}}
    },
)
def get_image_file(lab: Tools, caller: TheCaller, image_id: ImageId) -> Response:
    """As it was extracted: JPEG bytes passed through, else PNG."""
    image = _find(lab, caller, image_id)
    if image.file is None:
        raise HTTPException(404, "Its pixels could not be had.")
    suffix = image.file[image.file.rfind(".") :]
    return Response(
        lab.files.read(image.file),
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
def embed_image(lab: Tools, caller: TheCaller, image_id: ImageId, again: Again = ONCE) -> AcceptedImage:
    """What is missing or stale, in every document that shows it; by force also what failed or was rejected of it."""
    image = _find(lab, caller, image_id)
    showing = [accounts.get_document(lab.ledger, each) for each in dict.fromkeys(p.document_id for p in image.places)]
    asked = [d for d in showing if d.status != DocumentStatus.DELETING and (again.force or not is_current(lab, d))]
    for document in asked:
        due.regenerate(lab.ledger, document.id, force=again.force, keys=[image.content_key])
    return AcceptedImage(
        id=image.id,
        documents=tuple(document.id for document in asked),
        message="What it lacks will be made." if asked else "Nothing to do: all of it is made, by the makers in use.",
    )


def _find(lab: Lab, caller: Caller, image_id: UUID) -> KnownImage:
    image = known_image(lab.ledger, str(image_id))
    if image is None or not caller.may(image.owner):
        raise HTTPException(404, f"There is no image {image_id}.")
    return image

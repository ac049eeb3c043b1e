"""Endpoint `POST /hooks/upload`: a sender announces a file at a URL or object key, signed or with a token.

The owner is by default the first of the source's. A repeated delivery starts nothing. Remembered deliveries:
`store/ledger/webhooks.py`; allowed URLs: `store/files/fetch.py`; lifetime of a signature: `signature.py`.

Senders authenticate with a Standard Webhooks signature (standardwebhooks.com), or with a token if they cannot sign.
Every failed authentication gets the same response, so that none reveals which sources exist.
"""

import asyncio
import hmac
import re
from collections.abc import Mapping
from typing import Annotated, Self
from uuid import UUID

from fastapi import APIRouter, HTTPException, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from swatchbook.domain.display_name import display_name
from swatchbook.domain.errors import InvalidReference
from swatchbook.domain.records import IngestOptions, Owner
from swatchbook.domain.setting_values import WebhookSource
from swatchbook.domain.signature import is_signed
from swatchbook.doors.replies import Uploaded
from swatchbook.ingest.register import Registered, register_upload
from swatchbook.resources import Resources
from swatchbook.store.files.fetch import download, download_object
from swatchbook.store.files.upload_buffer import temporary_file
from swatchbook.store.ledger import webhooks
from swatchbook.store.ledger.stored_documents import get_document
from swatchbook_service.parameters import Tools
from swatchbook_service.problems import documented, refusing
from swatchbook_service.uploads import TheUploadSlots, check_options, full_disk_as_507, inline_schema, uploaded

router = APIRouter(tags=["webhooks"])

_DELIVERY_ID = re.compile(r"[\x21-\x7e]{1,256}")
_NOBODY = WebhookSource(name="nobody", secret=(SecretStr("whsec_" + "A" * 32),), owners=("nobody",))
"""Used for an unknown source, so that checking it takes as long as for a known one."""


class Announcement(BaseModel):
    """A file at a URL, or under SWATCHBOOK_UPLOADS_URL."""

    model_config = ConfigDict(extra="forbid")

    url: str | None = Field(default=None, description="An https URL that needs no further authentication.")
    key: str | None = Field(default=None, description="An object key under SWATCHBOOK_UPLOADS_URL.")
    owner: Owner | None = Field(default=None, description="Owner of the document; the source's first owner by default.")
    name: str | None = Field(default=None, description="Display name; the last part of the URL or key by default.")
    edition_of: UUID | None = Field(default=None, description="It is a newer edition of this document.")
    options: IngestOptions = Field(default=IngestOptions(), description="Ingest options.")

    @model_validator(mode="after")
    def _is_somewhere(self) -> Self:
        if (self.url is None) == (self.key is None):
            raise ValueError("set either url or key")
        return self


@router.post(
    "/hooks/upload",
    status_code=202,
    response_model=Uploaded,
    responses={
        200: {"model": Uploaded, "description": "Repeated delivery, or already complete; nothing is started."},
        **documented(400, 404, 408, 409, 413, 415, 507),
    },
    openapi_extra={
        "requestBody": {"required": True, "content": {"application/json": {"schema": inline_schema(Announcement)}}}
    },
)
async def announce(
    request: Request,
    response: Response,
    resources: Tools,
    upload_slots: TheUploadSlots,
    source: Annotated[
        str | None, Query(max_length=64, description="Name of the source; optional if only one is configured.")
    ] = None,
) -> Uploaded:
    """Ingest a file by its URL or key. The response is sent once the file and its `queued` document are stored.

    Authenticated by the headers `webhook-id`, `webhook-timestamp` and `webhook-signature`, or by the source's token as
    `Authorization: Bearer`. A repeated `webhook-id` within seven days returns the same document and starts nothing.
    """
    if not resources.settings.webhook_sources:
        raise HTTPException(404, "Webhooks are disabled: SWATCHBOOK_WEBHOOK_SOURCES is empty.")
    body = await request.body()
    sender = authenticate(resources.settings.webhook_sources, source, request.headers, body)
    delivery = _delivery_id(request.headers)
    with refusing():
        announcement = Announcement.model_validate_json(body)
    owner = announcement.owner or sender.owners[0]
    if owner not in sender.owners:
        raise HTTPException(403, f"This source has no access to the owner {owner!r}.")
    check_options(resources.settings, announcement.options)
    if delivery is None:
        async with upload_slots.slot(sender.name):
            return uploaded(await fetch_announced(resources, announcement, owner), response)
    with upload_slots.delivery(sender.name, delivery):
        document = await asyncio.to_thread(webhooks.find_delivery, resources.ledger, sender.name, delivery)
        if document is None:
            async with upload_slots.slot(sender.name):
                result = uploaded(await fetch_announced(resources, announcement, owner), response)
            document = await asyncio.to_thread(
                webhooks.record_delivery, resources.ledger, sender.name, delivery, result.id
            )
            if document == result.id:
                return result
        response.status_code = 200
        return await asyncio.to_thread(_earlier_result, resources, document, sender, owner)


def authenticate(
    sources: tuple[WebhookSource, ...], name: str | None, headers: Mapping[str, str], body: bytes
) -> WebhookSource:
    """Return the source of a request. Raises 401, with the same message whatever is wrong."""
    only = sources[0] if name is None and len(sources) == 1 else None
    claimed = next((source for source in sources if source.name == name), only)
    is_authentic = _is_authentic(claimed or _NOBODY, headers, body)
    if claimed is None or not is_authentic:
        detail = "Invalid source, signature, timestamp or token."
        raise HTTPException(401, detail, headers={"WWW-Authenticate": 'Bearer realm="swatchbook"'})
    return claimed


def _is_authentic(source: WebhookSource, headers: Mapping[str, str], body: bytes) -> bool:
    if "webhook-signature" in headers:
        return any(is_signed(secret.get_secret_value(), headers, body) for secret in source.secret)
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if source.token is None or scheme.lower() != "bearer":
        return False
    return hmac.compare_digest(source.token.get_secret_value().encode(), token.strip().encode())


def _delivery_id(headers: Mapping[str, str]) -> str | None:
    delivery = headers.get("webhook-id")
    if delivery is not None and not _DELIVERY_ID.fullmatch(delivery):
        raise HTTPException(422, "The webhook-id must be 1 to 256 printable ASCII characters.")
    return delivery


async def fetch_announced(resources: Resources, announcement: Announcement, owner: str) -> Registered:
    """Download a file, and register it for an owner. Raises what the download and `register_upload` raise."""
    with full_disk_as_507(), temporary_file(resources.settings.temporary_folder) as path:
        if announcement.key is not None:
            file = await download_object(resources.settings, announcement.key, path)
        else:
            file = await download(resources.settings, announcement.url or "", path)
        return await asyncio.to_thread(
            register_upload,
            resources,
            path,
            owner=owner,
            options=announcement.options,
            name=display_name(announcement.name or file.name),
            edition_of=str(announcement.edition_of) if announcement.edition_of else None,
        )


def _earlier_result(resources: Resources, document_id: str, sender: WebhookSource, owner: str) -> Uploaded:
    """Return the document of an earlier delivery; its status is "deleted" when the sender has none with this id."""
    try:
        document = get_document(resources.ledger, document_id)
    except InvalidReference:
        document = None
    if document is None or document.owner not in sender.owners:  # its owner may have been renamed
        return Uploaded(id=document_id, owner=owner, name="", status="deleted")
    return Uploaded(id=document.id, owner=document.owner, name=document.name, status=document.status)

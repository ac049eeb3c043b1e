"""Webhooks: somebody who has put a file elsewhere says so, and it is taken in from there.

Who says it is proved by a Standard Webhooks signature (standardwebhooks.com), or by a token where a sender cannot sign.
Every way of failing to prove it gets the same answer, so that none tells which sources there are.
"""

import asyncio
import hmac
import re
from collections.abc import Mapping
from typing import Annotated, Any, Self

from fastapi import APIRouter, HTTPException, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from interface.service.dependencies import Tools
from interface.service.multipart import TheArrivals, saying_when_full
from interface.service.problems import documented
from interface.service.uploads import Taken, answer, check_options, whole_schema
from swatchbook.display_name import display_name
from swatchbook.errors import InvalidReference
from swatchbook.ledger import deliveries
from swatchbook.ledger.documents import get_document
from swatchbook.pipeline.register import Registered, register_upload
from swatchbook.records import IngestOptions, Owner
from swatchbook.resources import Resources
from swatchbook.settings import WebhookSource
from swatchbook.storage.fetch import download, download_object
from swatchbook.storage.upload_buffer import incoming

router = APIRouter(tags=["webhooks"])

_DELIVERY = re.compile(r"[\x21-\x7e]{1,256}")
_NOBODY = WebhookSource(name="nobody", secret=(SecretStr("whsec_" + "A" * 32),), owners=("nobody",))
"""Stands in for a source that is not known, so that asking for one takes as long."""


class Announced(BaseModel):
    """A file that is elsewhere: at a URL, or under SWATCHBOOK_UPLOADS_URL."""

    model_config = ConfigDict(extra="forbid")

    url: str | None = Field(default=None, description="An https URL that anybody who knows it may read.")
    key: str | None = Field(default=None, description="An object's key under SWATCHBOOK_UPLOADS_URL.")
    owner: Owner | None = Field(default=None, description="Whose collection it joins; the source's first if empty.")
    name: str | None = Field(default=None, description="What people know it by; the last part of URL or key if empty.")
    options: IngestOptions = Field(default=IngestOptions(), description="What to make of it.")

    @model_validator(mode="after")
    def _is_somewhere(self) -> Self:
        if (self.url is None) == (self.key is None):
            raise ValueError("give either url or key")
        return self


@router.post(
    "/hooks/upload",
    status_code=202,
    response_model=Taken,
    responses={
        200: {"model": Taken, "description": "A known delivery, or complete with these options: nothing is started."},
        **documented(400, 404, 408, 409, 413, 415, 507),
    },
    openapi_extra={
        "requestBody": {"required": True, "content": {"application/json": {"schema": whole_schema(Announced)}}}
    },
)
async def announce(
    request: Request,
    response: Response,
    resources: Tools,
    arrivals: TheArrivals,
    source: Annotated[str | None, Query(max_length=64, description="Who sends; needless where there is one.")] = None,
) -> Taken:
    """Take in a file by its URL or key. The answer comes once the file and its `queued` document are durable.

    Signed by headers `webhook-id`, `webhook-timestamp` and `webhook-signature`, or with the source's token as
    `Authorization: Bearer`. The same `webhook-id` within seven days is the same document and starts nothing.
    """
    if not resources.settings.webhook_sources:
        raise HTTPException(404, "No senders of webhooks are set: SWATCHBOOK_WEBHOOK_SOURCES is empty.")
    body = await request.body()
    sender = authenticate(resources.settings.webhook_sources, source, request.headers, body)
    delivery = _delivery(request.headers)
    announced = _announced(body)
    owner = announced.owner or sender.owners[0]
    if owner not in sender.owners:
        raise HTTPException(403, f"This source is not for the owner {owner!r}.")
    check_options(resources.settings, announced.options)
    if delivery is None:
        async with arrivals.place(sender.name):
            return answer(await _take(resources, announced, owner), response)
    with arrivals.alone(sender.name, delivery):
        known = await asyncio.to_thread(deliveries.find, resources.ledger, sender.name, delivery)
        if known is None:
            async with arrivals.place(sender.name):
                taken = answer(await _take(resources, announced, owner), response)
            known = await asyncio.to_thread(deliveries.record, resources.ledger, sender.name, delivery, taken.id)
            if known == taken.id:
                return taken
        response.status_code = 200
        return await asyncio.to_thread(_recall, resources, known, owner)


def authenticate(
    sources: tuple[WebhookSource, ...], name: str | None, headers: Mapping[str, str], body: bytes
) -> WebhookSource:
    """The source that this comes from. Raises 401, in the same words whatever is wrong."""
    only = sources[0] if name is None and len(sources) == 1 else None
    claimed = next((source for source in sources if source.name == name), only)
    proved = _is_proved(claimed or _NOBODY, headers, body)
    if claimed is None or not proved:
        told = "The webhook's source, signature, time or token is not right."
        raise HTTPException(401, told, headers={"WWW-Authenticate": 'Bearer realm="swatchbook"'})
    return claimed


def _is_proved(source: WebhookSource, headers: Mapping[str, str], body: bytes) -> bool:
    if "webhook-signature" in headers:
        return any(is_signed(secret.get_secret_value(), headers, body) for secret in source.secret)
    scheme, _, given = headers.get("authorization", "").partition(" ")
    if source.token is None or scheme.lower() != "bearer":
        return False
    return hmac.compare_digest(source.token.get_secret_value().encode(), given.strip().encode())


def is_signed(secret: str, headers: Mapping[str, str], body: bytes) -> bool:
    """Whether the headers sign this body by HMAC-SHA256 with the secret, not more than five minutes ago or ahead."""
    try:
        Webhook(secret).verify(body, dict(headers), json_parse=False)
    except (WebhookVerificationError, ValueError):  # the latter for a header that is no signature at all
        return False
    return True


def _delivery(headers: Mapping[str, str]) -> str | None:
    given = headers.get("webhook-id")
    if given is not None and not _DELIVERY.fullmatch(given):
        raise HTTPException(422, "The webhook-id is not 1 to 256 printable ASCII characters.")
    return given


def _announced(body: bytes) -> Announced:
    try:
        return Announced.model_validate_json(body)
    except ValidationError as error:
        wrong: list[dict[str, Any]] = [{**e, "loc": ("body", *e["loc"])} for e in error.errors(include_url=False)]
        raise RequestValidationError(wrong) from error


async def _take(resources: Resources, announced: Announced, owner: str) -> Registered:
    with saying_when_full(), incoming(resources.settings.incoming) as path:
        if announced.key is not None:
            found = await download_object(resources.settings, announced.key, path)
        else:
            found = await download(resources.settings, announced.url or "", path)
        name = display_name(announced.name or found.name)
        return await asyncio.to_thread(
            register_upload, resources, path, owner=owner, options=announced.options, name=name
        )


def _recall(resources: Resources, document: str, owner: str) -> Taken:
    """What an earlier delivery led to, also where that was deleted since."""
    try:
        known = get_document(resources.ledger, document)
    except InvalidReference:
        return Taken(id=document, owner=owner, name="", status="deleted")
    return Taken(id=known.id, owner=known.owner, name=known.name, status=known.status)

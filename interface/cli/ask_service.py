"""`swatchbook search` and `facets` through a running service (SWATCHBOOK_SERVICE_URL): a key is sent over https only,
except to this machine; `document=` needs the full id; the answer may take 60 s; each HTTP status becomes a failure. It
opens no ledger and loads no models.
"""

import json
import ssl
from collections.abc import Mapping, Sequence
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode, urlsplit
from uuid import UUID, uuid4

from pydantic import ValidationError

from interface.cli.where import KEYS
from swatchbook.errors import Authentication, Configuration, InvalidReference, ProviderDown, TooLarge, reason_of
from swatchbook.index.base import Where
from swatchbook.loopback import is_loopback
from swatchbook.records import Facets, SearchResults
from swatchbook.settings import Settings

ANSWER_SECONDS = 60.0  # a service that has just started loads its models first
_MAX_BYTES = 32 << 20  # of a response: a hundred results take 200 kB
_OR_LOCAL = "or unset SWATCHBOOK_SERVICE_URL to search on this machine."


class Service(NamedTuple):
    """Address of the service, parsed; `path` is the prefix of its paths."""

    url: str
    tls: bool
    host: str
    port: int | None
    path: str


def search_at_service(
    settings: Settings,
    *,
    text: str | None,
    image: Path | None,
    like: Sequence[str],
    unlike: Sequence[str],
    owner: Sequence[str] | None,
    where: Where,
    documents: Sequence[str],
    by: str,
    k: int,
    offset: int,
    weights: str | None,
) -> SearchResults:
    """Return what the service finds. `documents` are full ids.

    Raises Configuration for an invalid address or one of another kind of service, Authentication for a missing or
    rejected key, ProviderDown when there is no response, InvalidReference and TooLarge for a rejected query.
    """
    service = read_address(settings)
    query = {"text": text, "k": k, "offset": offset, "weights": weights, "explain": "true"}
    fields = [(name, str(value)) for name, value in query.items() if value is not None]
    fields += [("like", image) for image in like] + [("not", image) for image in unlike]
    fields += _filters(owner, where, documents, by)
    if image is None:
        reply = _request(service, settings, "GET", f"/search?{urlencode(fields)}")
    else:
        kind, body = _form(fields, _read(image, settings))
        reply = _request(service, settings, "POST", "/search", body=body, headers={"Content-Type": kind})
    try:
        return SearchResults.model_validate(reply)
    except ValidationError:
        raise _not_swatchbook(service) from None


def facets_at_service(
    settings: Settings,
    *,
    owner: Sequence[str] | None,
    where: Where,
    documents: Sequence[str],
    by: str,
    text: str | None = None,
) -> Facets:
    """Return the values to filter by, with counts. `documents` are full ids. Raises as `search_at_service` does."""
    service = read_address(settings)
    fields = _filters(owner, where, documents, by) + ([("text", text)] if text else [])
    try:
        return Facets.model_validate(_request(service, settings, "GET", f"/facets?{urlencode(fields)}"))
    except ValidationError:
        raise _not_swatchbook(service) from None


def read_address(settings: Settings) -> Service:
    """Parse SWATCHBOOK_SERVICE_URL. Raises Configuration for an invalid address, or a key over plain http."""
    url = (settings.service_url or "").rstrip("/")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        parts, host, port = urlsplit(""), "", None
    if parts.scheme not in ("http", "https") or not host or parts.query or parts.fragment or "@" in parts.netloc:
        raise Configuration(
            "SWATCHBOOK_SERVICE_URL is not a valid address.",
            advice="Set it to an address such as https://swatchbook.example.com or http://127.0.0.1:8420; "
            "set the key as SWATCHBOOK_SERVICE_KEY.",
        )
    if settings.service_key and parts.scheme == "http" and not is_loopback(host):
        raise Configuration(
            f"SWATCHBOOK_SERVICE_KEY would be sent to {host} without encryption.",
            advice="Set SWATCHBOOK_SERVICE_URL to an https address.",
        )
    return Service(url=url, tls=parts.scheme == "https", host=host, port=port, path=parts.path)


def _filters(owner: Sequence[str] | None, where: Where, documents: Sequence[str], by: str) -> list[tuple[str, str]]:
    for document in documents:
        try:
            UUID(document)
        except ValueError:
            raise InvalidReference(
                f"document={document}: SWATCHBOOK_SERVICE_URL is set, so the filter needs the full document id.",
                advice="`search --json` shows it as `document_id`.",
            ) from None
    given: dict[str, Any] = {"owner": [*(owner or ())], "by": by}
    given |= {key: getattr(where, field) for key, field in KEYS.items()} | {"document": documents}
    given["editions"] = None if where.editions == "newest" else where.editions
    lists = ((name, value if isinstance(value, tuple | list) else [value]) for name, value in given.items())
    return [(name, str(value)) for name, values in lists for value in values if value is not None]


def _read(image: Path, settings: Settings) -> bytes:
    try:
        if image.stat().st_size > settings.max_image_mb << 20:
            raise TooLarge(f"{image}: larger than {settings.max_image_mb} MiB.", advice="Use a smaller picture.")
        return image.read_bytes()
    except OSError as error:
        raise InvalidReference(f"{image}: {reason_of(error)}.", advice="Check the path of the picture.") from error


def _form(fields: Sequence[tuple[str, str]], picture: bytes) -> tuple[str, bytes]:
    """Encode fields and picture as multipart/form-data. Return the content type and the body."""
    boundary = uuid4().hex
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields
    ]
    parts += [
        f'--{boundary}\r\nContent-Disposition: form-data; name="image"; filename="image"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n".encode(),
        picture,
        f"\r\n--{boundary}--\r\n".encode(),
    ]
    return f"multipart/form-data; boundary={boundary}", b"".join(parts)


# --- HTTP -------------------------------------------------------------------------------------------------------------


def _request(
    service: Service, settings: Settings, method: str, path: str, *, body: bytes = b"", headers: Mapping[str, str] = {}
) -> Any:
    """Send a request and return the JSON of the response. Redirects are not followed: the key is for this address."""
    key = {"Authorization": f"Bearer {settings.service_key.get_secret_value()}"} if settings.service_key else {}
    connection = (
        HTTPSConnection(service.host, service.port, timeout=ANSWER_SECONDS)
        if service.tls
        else HTTPConnection(service.host, service.port, timeout=ANSWER_SECONDS)
    )
    try:
        connection.request(method, service.path + path, body or None, {**headers, **key})
        with connection.getresponse() as response:
            content = response.read(_MAX_BYTES)
    except ssl.SSLError as error:
        raise Configuration(
            f"TLS verification of {service.url} failed: {reason_of(error)}.",
            advice="Check SWATCHBOOK_SERVICE_URL and the server's certificate; set SSL_CERT_FILE for a private CA.",
        ) from error
    except (OSError, HTTPException) as error:
        raise ProviderDown(
            f"No service responds at {service.url}: {reason_of(error)}.",
            advice=f"Start it with `swatchbook serve`, correct SWATCHBOOK_SERVICE_URL, {_OR_LOCAL}",
        ) from error
    except ValueError as error:  # http.client rejects the header
        raise Authentication("SWATCHBOOK_SERVICE_KEY contains characters that are invalid in a key.") from error
    finally:
        connection.close()
    try:
        reply = json.loads(content)
    except ValueError:
        reply = None
    return reply if response.status == 200 and isinstance(reply, dict) else _raise_problem(service, response, reply)


def _raise_problem(service: Service, response: HTTPResponse, reply: Any) -> Any:
    """Raise the problem that the service reports, or Configuration when the response is not Swatchbook's."""
    problem = reply if isinstance(reply, dict) else {}
    detail = str(problem.get("detail") or problem.get("title") or f"status {response.status}")
    advice = str(problem["advice"]) if problem.get("advice") else None
    if response.status in (401, 403) and problem:
        raise Authentication(
            f"The service at {service.url} denied access: {detail}",
            advice="Set SWATCHBOOK_SERVICE_KEY to one of its SWATCHBOOK_API_KEYS, and --owner to an owner of that key.",
        )
    if response.status >= 500:
        raise ProviderDown(
            f"The service at {service.url} failed: {detail}.",
            advice=f"See its log. Try again later, {_OR_LOCAL}",
        )
    if response.status == 413 and problem:
        raise TooLarge(detail, advice=advice)
    if response.status in (400, 408, 415, 422, 429) and problem:
        raise InvalidReference(detail, advice=advice)
    raise _not_swatchbook(service)


def _not_swatchbook(service: Service) -> Configuration:
    return Configuration(
        f"The server at {service.url} is not a Swatchbook service of this version.",
        advice=f"Set SWATCHBOOK_SERVICE_URL to the final address (redirects are not followed), {_OR_LOCAL}",
    )

"""`swatchbook search` asked of a running service (SWATCHBOOK_SERVICE_URL): nothing is opened or loaded here."""

import json
import ssl
from collections.abc import Iterable, Mapping, Sequence
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from ipaddress import ip_address
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode, urlsplit
from uuid import UUID, uuid4

from pydantic import ValidationError

from swatchbook.errors import Authentication, Configuration, InvalidReference, ProviderDown, TooLarge
from swatchbook.index.base import Where
from swatchbook.records import Hit
from swatchbook.settings import Settings

ANSWER_SECONDS = 60.0  # a service that has just started loads its models first
_MOST_BYTES = 32 << 20  # of an answer: a hundred results take 200 kB
_HERE = "or unset SWATCHBOOK_SERVICE_URL to search on this machine."


class Service(NamedTuple):
    """Where the service is: https or not, host and port, and what stands before its paths."""

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
    owner: str | None,
    where: Where,
    documents: Sequence[str],
    by: str,
    k: int,
) -> list[Hit]:
    """The hits of `swatchbook.search.search.search` as the service finds them; `documents` are whole ids.

    Raises Configuration for an address that cannot be used or is no such service's, Authentication where the key is
    missing or refused, ProviderDown where nobody answers, InvalidReference and TooLarge for what the service refuses.
    """
    service = read_address(settings)
    fields = _fields(text, owner, where, documents, by, k)
    if image is None:
        answer = _ask(service, settings, "GET", f"/search?{urlencode(fields)}")
    else:
        kind, body = _form(fields, _read(image, settings))
        answer = _ask(service, settings, "POST", "/search", body=body, headers={"Content-Type": kind})
    try:
        return [Hit.model_validate(hit) for hit in answer["hits"]]
    except (KeyError, TypeError, ValidationError):
        raise _no_service(service) from None


def read_address(settings: Settings) -> Service:
    """SWATCHBOOK_SERVICE_URL in parts. Raises Configuration; a key goes to another machine by https alone."""
    url = (settings.service_url or "").rstrip("/")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        parts, host, port = urlsplit(""), "", None
    if parts.scheme not in ("http", "https") or not host or parts.query or parts.fragment or "@" in parts.netloc:
        raise Configuration(
            "SWATCHBOOK_SERVICE_URL is no address of a service.",
            advice="It should be like https://swatchbook.example.com or http://127.0.0.1:8420; "
            "a key goes into SWATCHBOOK_SERVICE_KEY.",
        )
    if settings.service_key and parts.scheme == "http" and not _is_this_machine(host):
        raise Configuration(
            f"SWATCHBOOK_SERVICE_KEY would be sent to {host} without encryption.",
            advice="Set SWATCHBOOK_SERVICE_URL to an https address.",
        )
    return Service(url=url, tls=parts.scheme == "https", host=host, port=port, path=parts.path)


def _is_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _fields(
    text: str | None, owner: str | None, where: Where, documents: Sequence[str], by: str, k: int
) -> list[tuple[str, str]]:
    for document in documents:
        try:
            UUID(document)
        except ValueError:
            raise InvalidReference(
                f"document={document}: with SWATCHBOOK_SERVICE_URL a document is named by its whole id.",
                advice="`search --json` says it as `document_id`.",
            ) from None
    one: dict[str, Any] = {
        "text": text, "owner": owner, "by": by, "k": k, "price_min": where.price_min, "price_max": where.price_max,
        "explain": "true",
    }  # fmt: skip
    several: dict[str, Iterable[Any]] = {
        "document": documents, "product": where.products, "category": where.category, "material": where.material,
        "color": where.colors, "page": where.pages,
    }  # fmt: skip
    given = [(name, str(value)) for name, value in one.items() if value is not None]
    return given + [(name, str(value)) for name, values in several.items() for value in values]


def _read(image: Path, settings: Settings) -> bytes:
    try:
        if image.stat().st_size > settings.max_image_mb << 20:
            raise TooLarge(f"{image}: more than {settings.max_image_mb} MiB.", advice="Give a smaller picture.")
        return image.read_bytes()
    except OSError as error:
        raise InvalidReference(f"{image}: {(error.strerror or '').lower()}.", advice="Give a picture file.") from error


def _form(fields: Sequence[tuple[str, str]], picture: bytes) -> tuple[str, bytes]:
    """A multipart form and its content type."""
    boundary = uuid4().hex
    said = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields
    ]
    said += [
        f'--{boundary}\r\nContent-Disposition: form-data; name="image"; filename="image"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n".encode(),
        picture,
        f"\r\n--{boundary}--\r\n".encode(),
    ]
    return f"multipart/form-data; boundary={boundary}", b"".join(said)


# --- asking -----------------------------------------------------------------------------------------------------------


def _ask(
    service: Service, settings: Settings, method: str, path: str, *, body: bytes = b"", headers: Mapping[str, str] = {}
) -> Any:
    """The answer's JSON. No redirect is followed: the key is for this address alone."""
    key = {"Authorization": f"Bearer {settings.service_key.get_secret_value()}"} if settings.service_key else {}
    connection = (
        HTTPSConnection(service.host, service.port, timeout=ANSWER_SECONDS)
        if service.tls
        else HTTPConnection(service.host, service.port, timeout=ANSWER_SECONDS)
    )
    try:
        connection.request(method, service.path + path, body or None, {**headers, **key})
        with connection.getresponse() as answer:
            said = answer.read(_MOST_BYTES)
    except ssl.SSLError as error:
        raise Configuration(
            f"The service at {service.url} cannot be trusted: {error.reason or error}.",
            advice="Check SWATCHBOOK_SERVICE_URL and the certificate there; SSL_CERT_FILE names a CA of your own.",
        ) from error
    except (OSError, HTTPException) as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise ProviderDown(
            f"No service answers at {service.url}: {reason}.",
            advice=f"Start it there with `swatchbook serve`, correct SWATCHBOOK_SERVICE_URL, {_HERE}",
        ) from error
    except ValueError as error:  # what stands in no header
        raise Authentication("SWATCHBOOK_SERVICE_KEY holds characters that stand in no key.") from error
    finally:
        connection.close()
    try:
        told = json.loads(said)
    except ValueError:
        told = None
    return told if answer.status == 200 and isinstance(told, dict) else _refuse(service, answer, told)


def _refuse(service: Service, answer: HTTPResponse, told: Any) -> Any:
    """Raise what the service says, or that it is none."""
    problem = told if isinstance(told, dict) else {}
    detail = str(problem.get("detail") or problem.get("title") or f"status {answer.status}")
    advice = str(problem["advice"]) if problem.get("advice") else None
    if answer.status in (401, 403) and problem:
        raise Authentication(
            f"The service at {service.url} refuses: {detail}",
            advice="Set SWATCHBOOK_SERVICE_KEY to one of its SWATCHBOOK_API_KEYS, and --owner to an owner of that key.",
        )
    if answer.status >= 500:
        raise ProviderDown(
            f"The service at {service.url} cannot answer now: {detail}.",
            advice=f"Its log says why. Try again later, {_HERE}",
        )
    if answer.status == 413 and problem:
        raise TooLarge(detail, advice=advice)
    if answer.status in (400, 408, 415, 422, 429) and problem:
        raise InvalidReference(detail, advice=advice)
    raise _no_service(service)


def _no_service(service: Service) -> Configuration:
    return Configuration(
        f"What answers at {service.url} is no Swatchbook service of this version.",
        advice=f"Set SWATCHBOOK_SERVICE_URL to the service's own address (no redirect is followed), {_HERE}",
    )

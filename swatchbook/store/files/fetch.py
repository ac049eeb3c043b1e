"""Download a document or pictures from https URLs, or copy a document from an object store (SWATCHBOOK_UPLOADS_URL).

Only public addresses are allowed, with at most five redirects, within the limits of size and time; eight pictures at a
time, at most two minutes each. A server that asks to wait is asked again meanwhile; a host that three pictures in a row
do not reach is left alone.

URLs come from outside, so a URL may try to make this machine read what only this machine can reach (SSRF). Each host is
resolved once, all its addresses must be public, and the connection is made to one of these addresses: a name that
resolves differently a moment later has no effect. Redirects are followed here, and each target is checked in the same
way.
"""

import asyncio
import logging
import re
import socket
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpcore
import httpx

from swatchbook.domain.backoff import retry_after
from swatchbook.domain.errors import (
    SHARED_POLICIES,
    Failure,
    HostAway,
    InvalidReference,
    ProviderError,
    ProviderTimeout,
    RefusedAddress,
    TooLarge,
    UnsupportedFormat,
)
from swatchbook.domain.public_addresses import is_public
from swatchbook.domain.records import Record
from swatchbook.domain.settings import Settings
from swatchbook.store.files.object_store import open_file_system, store_failure
from swatchbook.store.files.upload_buffer import WRITE_BYTES, is_remote, save
from swatchbook.store.files.urls import URL_CHARACTERS
from swatchbook_base.check_file import check_size

log = logging.getLogger(__name__)

Resolve = Callable[[str, int], Awaitable[list[str]]]
"""(host, port) -> IP addresses as text."""

_REDIRECTS = 5
_CONNECT_SECONDS = 10.0
_PICTURES = 8  # pictures that are downloaded at a time
_PICTURE_SECONDS = 120.0  # seconds for one picture: many slow servers must not hold up a batch for hours
_DOCUMENT_TYPES = "application/pdf, */*;q=0.5"
_PICTURE_TYPES = "image/jpeg, image/png, image/webp, */*;q=0.5"
_REDIRECT_STATUSES = {301, 302, 303, 307, 308}
_NOT_COMPRESSED = frozenset({"", "identity", "none", "utf-8", "utf8"})
"""Values of Content-Encoding that servers send with bytes as they are."""
_RETRYABLE_STATUSES = {408, 425}
_PAUSES = (2.0, 4.0, 8.0)  # seconds before a busy server is asked again, where it does not say
_LONGEST_WAIT = 60.0  # seconds; who asks for more is asked by a later run
_AWAY = 3  # pictures in a row that do not reach a host: the others are not tried in this run
_REFUSED = "The URL is refused: it does not lead to a public https address."
_INVALID_KEY = "The key does not name an object."
_ADVICE = "Upload the file itself, or name its host in SWATCHBOOK_FETCH_PRIVATE_HOSTS."

_HOST = re.compile(rb"[A-Za-z0-9_.-]{1,253}|[0-9a-fA-F:.]{2,45}")  # a name, or an IPv6 address


class Fetched(Record):
    """A downloaded file: its size in bytes, and the last part of its URL or key as a name for people."""

    size: int
    name: str


async def resolve(host: str, port: int) -> list[str]:
    """Return all addresses of a host by the system's resolver. Raises OSError."""
    infos = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in infos]


async def download(settings: Settings, url: str, into: Path) -> Fetched:
    """Download a URL to the file `into`, within the limits of the settings.

    A URL below SWATCHBOOK_UPLOADS_URL is read as an object, with the credentials of this process; any other is fetched
    without. Raises what `fetch` and `copy_object` raise.
    """
    max_bytes = settings.max_document_mb << 20
    store = settings.uploads_url and settings.uploads_url.rstrip("/") + "/"
    if store and is_remote(store) and url.startswith(store):
        return await copy_object(store, url.removeprefix(store), into, max_bytes=max_bytes)
    return await fetch(
        url,
        into,
        max_bytes=max_bytes,
        private_hosts=settings.fetch_private_hosts,
        seconds=settings.upload_seconds,
        idle_seconds=settings.upload_idle_seconds,
    )


async def download_object(settings: Settings, key: str, into: Path) -> Fetched:
    """Copy an object under SWATCHBOOK_UPLOADS_URL to the file `into`. Raises what `copy_object` raises."""
    if settings.uploads_url is None:
        raise InvalidReference("Object keys are not enabled.", advice="Set SWATCHBOOK_UPLOADS_URL, or send a URL.")
    return await copy_object(settings.uploads_url, key, into, max_bytes=settings.max_document_mb << 20)


async def download_pictures(
    settings: Settings, urls: Mapping[str, Path], *, progress: Callable[[], None], away: Counter[str]
) -> dict[str, Fetched | Failure]:
    """Download pictures, each URL to its file, within the limits of the settings. Return what became of each.

    `progress` is called after each. What it raises ends the downloads, as does a failure that concerns them all, such
    as a full disk. `away` counts how often in a row a host was not reached, by its name, and is kept between calls.
    """
    tls = httpx.create_ssl_context() if any(url.lower().startswith("https:") for url in urls) else None
    slots = asyncio.Semaphore(_PICTURES)

    async def download_one(url: str) -> tuple[str, Fetched | Failure]:
        for pause in _PAUSES:
            result = await try_once(url)
            if not isinstance(result, _Busy):
                break
            await asyncio.sleep(min(pause if result.seconds is None else result.seconds, _LONGEST_WAIT))
        else:
            result = await try_once(url)
        return url, result

    async def try_once(url: str) -> Fetched | Failure:
        host = urlsplit(url).netloc
        async with slots:
            if away[host] >= _AWAY:
                return _away(host)
            try:
                fetched = await fetch(
                    url,
                    urls[url],
                    max_bytes=settings.max_image_mb << 20,
                    private_hosts=settings.fetch_private_hosts,
                    seconds=min(settings.upload_seconds, _PICTURE_SECONDS),
                    idle_seconds=settings.upload_idle_seconds,
                    accept=_PICTURE_TYPES,
                    tls=tls,
                )
            except HostAway as failure:
                away[host] += 1
                return failure
            except TooLarge:  # its advice is about documents
                return TooLarge(
                    f"The picture's file has more than {settings.max_image_mb} MiB.",
                    advice="Raise SWATCHBOOK_MAX_IMAGE_MB, then ingest again with --force.",
                )
            except Failure as failure:
                if failure.policy in SHARED_POLICIES:
                    raise
                away[host] = 0  # it has answered
                return failure
            away[host] = 0
            return fetched

    results = dict[str, Fetched | Failure]()
    for next_one in asyncio.as_completed([asyncio.ensure_future(download_one(url)) for url in urls]):
        url, result = await next_one
        results[url] = result
        progress()
    return results


# --- a URL ------------------------------------------------------------------------------------------------------------


async def fetch(
    url: str,
    into: Path,
    *,
    max_bytes: int,
    private_hosts: Collection[str] = (),
    seconds: float = 900,
    idle_seconds: float = 20,
    accept: str = _DOCUMENT_TYPES,
    tls: ssl.SSLContext | None = None,
    resolve: Resolve = resolve,
) -> Fetched:
    """Download a URL to the file `into`, in at most `seconds` for the whole download and its redirects.

    `accept`: the media types to ask for; `tls`: to be shared by many downloads, because it takes a while to make.

    Only https on port 443 to public addresses is allowed; a host of `private_hosts` may have private addresses, and may
    be reached by http and on any port. Raises InvalidReference (refused or not found), TooLarge, UnsupportedFormat,
    DiskFull, ProviderTimeout and ProviderError.
    """
    first = target = _parse_url(url)
    trusted = {host.casefold() for host in private_hosts}
    with _http_errors_as_failures():
        async with asyncio.timeout(seconds):  # for the whole: a server could send a byte now and then for ever
            for _ in range(_REDIRECTS + 1):
                addresses = await _resolve_checked(target, trusted, resolve)
                result = await _get(
                    target, addresses, into, max_bytes=max_bytes, idle_seconds=idle_seconds, accept=accept, tls=tls
                )
                if isinstance(result, int):
                    return Fetched(size=result, name=first.path.rsplit("/", 1)[-1])
                target = result
    raise InvalidReference(f"The URL is redirected more than {_REDIRECTS} times.", advice="Give the final address.")


def _parse_url(url: str) -> httpx.URL:
    try:
        if len(url) > URL_CHARACTERS:
            raise InvalidReference(f"The URL is longer than {URL_CHARACTERS} characters.")
        return _check_url(httpx.URL(url))
    except (httpx.InvalidURL, ValueError) as error:  # ValueError: an invalid host name
        raise InvalidReference("The URL is malformed.", advice="Give an https URL.") from error


def _check_url(url: httpx.URL) -> httpx.URL:
    if url.userinfo:
        raise InvalidReference("The URL contains a user name or password.", advice="Use a pre-signed URL.")
    try:
        host = url.host  # decodes Punycode
    except ValueError as error:
        raise InvalidReference("The host of the URL is malformed.", advice="Give an https URL.") from error
    if url.scheme not in ("http", "https") or not host or not _HOST.fullmatch(url.raw_host):
        raise InvalidReference("The URL is not an https URL.", advice="Give an https URL.")
    return url


async def _resolve_checked(url: httpx.URL, trusted: Collection[str], resolve: Resolve) -> list[str]:
    """Return the addresses to connect to. Raises RefusedAddress if they are not allowed, and HostAway without any."""
    private = url.host.casefold() in trusted
    port = url.port or (443 if url.scheme == "https" else 80)
    if not private and (url.scheme != "https" or port != 443):
        raise RefusedAddress(_REFUSED, advice=_ADVICE)
    try:
        addresses = await resolve(url.raw_host.decode("ascii"), port)
    except UnicodeError as error:
        raise RefusedAddress(_REFUSED, advice=_ADVICE) from error
    except OSError as error:
        raise _away(url.host) from error
    if not addresses or not (private or all(map(is_public, addresses))):
        log.warning("a URL was refused", extra={"host": url.host, "addresses": addresses})
        raise RefusedAddress(_REFUSED, advice=_ADVICE)
    return addresses


async def _get(
    url: httpx.URL,
    addresses: list[str],
    into: Path,
    *,
    max_bytes: int,
    idle_seconds: float,
    accept: str,
    tls: ssl.SSLContext | None,
) -> int | httpx.URL:
    """Write the body of the answer to the file and return its size in bytes; or return the target of a redirect."""
    timeout = {"connect": _CONNECT_SECONDS, "read": idle_seconds, "write": idle_seconds}
    headers: dict[str | bytes, str | bytes] = {
        "Host": url.netloc,
        "User-Agent": "swatchbook",
        "Accept": accept,
        "Accept-Encoding": "identity",  # a small compressed answer could expand into a large one
    }
    if tls is None and url.scheme == "https":  # only then: it loads all root certificates
        tls = httpx.create_ssl_context()
    target = httpcore.URL(scheme=url.scheme, host=url.raw_host, port=url.port, target=url.raw_path)
    async with (
        httpcore.AsyncConnectionPool(ssl_context=tls, network_backend=_Pinned(addresses)) as pool,
        pool.stream("GET", target, headers=headers, extensions={"timeout": timeout}) as answer,
    ):
        fields = {name.lower(): value.decode("latin-1") for name, value in answer.headers}
        if answer.status in _REDIRECT_STATUSES and b"location" in fields:
            return _check_url(url.join(_readable(fields[b"location"].encode("latin-1"))))
        _check_answer(answer.status, fields, max_bytes)
        return await save(answer.aiter_stream(), into, max_bytes=max_bytes)


def _readable(location: bytes) -> str:
    """Return the target of a redirect, which servers also send as UTF-8; other bytes stay as they are, as `%FC`."""
    try:
        return location.decode()
    except UnicodeDecodeError:
        return "".join(chr(byte) if byte < 0x80 else f"%{byte:02X}" for byte in location)


class _Busy(ProviderError):
    """The server asks to wait; `seconds`: how long, if it says so."""

    seconds: float | None = None


def _away(host: str) -> HostAway:
    return HostAway(f"We could not reach {host}.", advice="Try again later.")


def _check_answer(status: int, fields: dict[bytes, str], max_bytes: int) -> None:
    if status in (429, 503):
        busy = _Busy(f"The URL's server answered {status}.", advice="Try again later.")
        busy.seconds = retry_after({name.decode(): value for name, value in fields.items()})
        raise busy
    if status in _RETRYABLE_STATUSES or status >= 500:
        raise ProviderError(f"The URL's server answered {status}.", advice="Try again later.")
    if status != 200:
        raise InvalidReference(f"The URL's server answered {status}.", advice="Check that the URL is still valid.")
    if not _NOT_COMPRESSED.issuperset(fields.get(b"content-encoding", "").replace(" ", "").casefold().split(",")):
        raise UnsupportedFormat("The URL's server sends compressed content, although it was asked not to.")
    length = fields.get(b"content-length", "")
    if length.isdecimal():
        check_size(int(length), max_bytes)


@contextmanager
def _http_errors_as_failures() -> Iterator[None]:
    try:
        yield
    except httpx.InvalidURL as error:
        raise InvalidReference("The URL redirects to a malformed URL.") from error
    except (httpcore.TimeoutException, TimeoutError) as error:
        raise ProviderTimeout("The URL's server did not answer in time.", advice="Try again later.") from error
    except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.UnsupportedProtocol) as error:
        raise ProviderError(
            "The URL's server cannot be reached, or closed the connection.", advice="Try again later."
        ) from error


class _Pinned(httpcore.AsyncNetworkBackend):
    """Connects to the addresses that were checked, without resolving the host name again."""

    def __init__(self, addresses: list[str]) -> None:
        self._addresses = addresses
        self._sockets = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - as httpcore calls it
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        last: Exception | None = None
        for address in self._addresses[:4]:  # a host with many dead addresses must not use up the time
            try:
                return await self._sockets.connect_tcp(address, port, timeout=timeout)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                last = error
        raise _away(host) from last


# --- an object --------------------------------------------------------------------------------------------------------


async def copy_object(store: str, key: str, into: Path, *, max_bytes: int) -> Fetched:
    """Copy the object `key` under `store`, a folder or fsspec URL, to the file `into`.

    Raises InvalidReference if the object does not exist or its key leads out of the store, TooLarge, DiskFull,
    FilesDown and Configuration.
    """
    parts = key.split("/")
    if any(part in ("", ".", "..") for part in parts) or "\\" in key or not key.isprintable():
        raise InvalidReference(_INVALID_KEY, advice="Give the key relative to SWATCHBOOK_UPLOADS_URL.")
    system, root = await asyncio.to_thread(open_file_system, store, "SWATCHBOOK_UPLOADS_URL")
    path = f"{root}/{key}"
    if "file" in system.protocol and not await asyncio.to_thread(_is_below, Path(path), Path(root)):
        raise InvalidReference(_INVALID_KEY)  # a symbolic link that leads out of the folder
    size = await save(_object_bytes(system, path), into, max_bytes=max_bytes)
    return Fetched(size=size, name=parts[-1])


def _is_below(path: Path, root: Path) -> bool:
    return path.resolve().is_relative_to(root.resolve())


async def _object_bytes(system: Any, path: str) -> AsyncIterator[bytes]:
    try:
        with await asyncio.to_thread(system.open, path, "rb") as source:
            while data := await asyncio.to_thread(source.read, WRITE_BYTES):
                yield data
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
        raise InvalidReference("There is no such object under SWATCHBOOK_UPLOADS_URL.") from error
    except Failure:
        raise
    except Exception as error:  # each store's package has its own classes
        raise store_failure(error, "The store of SWATCHBOOK_UPLOADS_URL", advice="Try again later.") from error

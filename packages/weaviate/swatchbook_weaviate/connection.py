"""The connection to a Weaviate server, its timeouts, and its errors (unreachable, wrong key, disk full) as failures.

The first call connects; a call during an outage raises IndexDown at once, and the same object works again afterwards.
"""

import logging
import socket
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from threading import Lock
from urllib.parse import SplitResult, urlsplit

import grpc
import httpx
from weaviate import WeaviateClient, connect_to_custom
from weaviate.classes.init import AdditionalConfig, Auth, Timeout
from weaviate.config import GrpcConfig
from weaviate.exceptions import (
    WeaviateBaseError,
    WeaviateClosedClientError,
    WeaviateConnectionError,
    WeaviateStartUpError,
    WeaviateTimeoutError,
)

from swatchbook.domain.errors import (
    Authentication,
    Configuration,
    DiskFull,
    Failure,
    IndexDown,
    PayloadTooLarge,
    ProviderError,
    reason_of,
)
from swatchbook.index.contract import WRITE_SECONDS

CONNECT_SECONDS, QUERY_SECONDS = 5, 30

AWAY = (
    WeaviateConnectionError,
    WeaviateStartUpError,
    WeaviateTimeoutError,
    WeaviateClosedClientError,
    httpx.TransportError,
)
AWAY_CODES = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.CANCELLED)
LOCKED_CODES = (grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED)
NO_ROOM = ("read-only", "no space left", "disk usage")
# while it starts, before its collections are open
STARTING = ("non-existing index", "could not find index", "could not find class")


class Connection:
    """The connection to the server at `url`, whose gRPC port is on the same host. Thread-safe.

    `on_error` is called before any error of a request is raised.
    """

    def __init__(self, url: str, *, grpc_port: int, api_key: str | None, on_error: Callable[[], None]) -> None:
        self._url = url
        self._grpc_port = grpc_port
        self._api_key = api_key
        self._on_error = on_error
        self._client: WeaviateClient | None = None
        self._connecting = Lock()

    @contextmanager
    def answering(self) -> Iterator[WeaviateClient]:
        """Yield a connected client; raise its errors as Failures."""
        try:
            yield self._connected()
        except (WeaviateBaseError, httpx.TransportError, OSError) as error:
            self._on_error()
            raise self._failure(error) from error

    def require_loaded(self) -> None:
        """Raise IndexDown while the server starts: it answers as if it had no collection until it has loaded them."""
        ready = httpx.get(f"{self._url.rstrip('/')}/v1/.well-known/ready", timeout=CONNECT_SECONDS)
        if ready.status_code != httpx.codes.OK:
            raise self._away("starting")

    def require_writable(self, collections: Collection[str] | None = None) -> None:
        """Raise DiskFull if one of these collections is read-only; without them, if any is."""
        with self.answering() as client:
            shards = [shard for node in client.cluster.nodes(output="verbose") for shard in node.shards]
        read_only = {each.collection for each in shards if each.vector_indexing_status == "READONLY"}
        if read_only if collections is None else read_only.intersection(collections):
            raise self._no_room()

    def check_message(self, message: str) -> None:
        """Raise DiskFull or IndexDown if an object was refused for a reason that is not its own."""
        if _says(message, NO_ROOM):
            raise self._no_room()
        if _says(message, STARTING):
            raise self._away("starting")

    def close(self) -> None:
        with self._connecting:
            if self._client is not None:
                self._client.close()
            self._client = None

    def _connected(self) -> WeaviateClient:
        host = _parse_url(self._url).hostname
        # The port is checked first: the client's own retries would sleep up to a minute if gRPC does not answer.
        socket.create_connection((host, self._grpc_port), CONNECT_SECONDS).close()
        with self._connecting:
            if self._client is None:
                self._client = _connect(self._url, self._grpc_port, self._api_key)
            return self._client

    def _failure(self, error: Exception) -> Failure:
        status = getattr(error, "status_code", None)
        codes = _codes(error)
        message = str(error)  # it is only searched for signs
        if status in (401, 403) or any(code in LOCKED_CODES for code in codes):
            return Authentication(
                f"Weaviate at {self._url} rejected the API key.", advice="Check SWATCHBOOK_WEAVIATE__API_KEY."
            )
        if status == 413 or grpc.StatusCode.RESOURCE_EXHAUSTED in codes:
            return PayloadTooLarge("The request is too large for Weaviate.")
        if is_away(error) or (status or 0) >= 500 or _says(message, STARTING):
            return self._away(f"status {status}" if status else reason_of(error))
        return self._no_room() if _says(message, NO_ROOM) else ProviderError(f"Weaviate failed: {reason_of(error)}.")

    def _away(self, reason: str) -> IndexDown:
        return IndexDown(
            f"Weaviate at {self._url} (gRPC port {self._grpc_port}) does not answer: {reason}.",
            advice="Start the server, or check SWATCHBOOK_WEAVIATE__URL and SWATCHBOOK_WEAVIATE__GRPC_PORT.",
        )

    def _no_room(self) -> DiskFull:
        return DiskFull(
            f"Weaviate at {self._url} is read-only.",
            advice="Free some of its disk space (it stops writing at 90 %), then set its shards to READY.",
        )


def is_away(error: Exception) -> bool:
    """Return whether the server could not be reached or did not answer in time."""
    return isinstance(error, (*AWAY, OSError)) or any(code in AWAY_CODES for code in _codes(error))


def _codes(error: Exception) -> list[grpc.StatusCode]:
    return [each.code() for each in _causes(error) if isinstance(each, grpc.Call)]


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _parse_url(url: str) -> SplitResult:
    """Parse the URL. Raises Configuration if it is not an http(s) URL with a host."""
    address = urlsplit(url)
    if address.scheme not in ("http", "https") or not address.hostname:
        raise Configuration(
            f"SWATCHBOOK_WEAVIATE__URL is not a valid URL: {url!r}.", advice="Use the form http://host:8080."
        )
    return address


def _connect(url: str, grpc_port: int, api_key: str | None) -> WeaviateClient:
    address = _parse_url(url)
    secure = address.scheme == "https"
    host = str(address.hostname)
    # The client logs rejected objects with their vectors; we report rejections ourselves.
    logging.getLogger("weaviate-client").setLevel(logging.CRITICAL)
    return connect_to_custom(
        http_host=host,
        http_port=address.port or (443 if secure else 80),
        http_secure=secure,
        grpc_host=host,
        grpc_port=grpc_port,
        grpc_secure=secure,
        auth_credentials=Auth.api_key(api_key) if api_key else None,
        skip_init_checks=True,  # the checks look for newer clients on the Internet
        additional_config=AdditionalConfig(
            timeout=Timeout(init=CONNECT_SECONDS, query=QUERY_SECONDS, insert=WRITE_SECONDS),
            # By default gRPC waits up to two minutes before it reconnects after an outage.
            grpc_config=GrpcConfig(channel_options=[("grpc.max_reconnect_backoff_ms", 1_000)]),
        ),
    )


def _says(message: str, signs: Sequence[str]) -> bool:
    return any(sign in message for sign in signs)

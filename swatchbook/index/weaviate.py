"""The index on a Weaviate server, with one collection for each space and one alias for each role.

Swatchbook provides vectors and schemas. Here are timeouts, batch sizes, and which vectors are compared by 8-bit codes
first. The server's errors (unreachable, wrong key, disk full) become failures. The first call connects; a call during
an outage raises IndexDown at once, and the same object works again afterwards.
"""

import logging
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from threading import Lock
from typing import Any
from urllib.parse import SplitResult, urlsplit

import grpc
import httpx
import numpy as np
from weaviate import WeaviateClient, connect_to_custom
from weaviate.classes.config import (
    Configure,
    DataType,
    Property,
    StopwordsPreset,
    Tokenization,
    VectorDistances,
)
from weaviate.classes.data import DataObject
from weaviate.classes.init import AdditionalConfig, Auth, Timeout
from weaviate.classes.query import Filter, MetadataQuery
from weaviate.collections import Collection
from weaviate.collections.classes.filters import FilterReturn
from weaviate.config import GrpcConfig
from weaviate.exceptions import (
    UnexpectedStatusCodeError,
    WeaviateBaseError,
    WeaviateClosedClientError,
    WeaviateConnectionError,
    WeaviateInsertManyAllFailedError,
    WeaviateStartUpError,
    WeaviateTimeoutError,
)

from swatchbook.errors import (
    Authentication,
    Configuration,
    DiskFull,
    Failure,
    IndexDown,
    PayloadTooLarge,
    ProviderError,
    reason_of,
)
from swatchbook.index.contract import (
    BY_WORDS,
    COLUMNS,
    SUPERSEDED,
    TERMS,
    WRITE_SECONDS,
    IndexObject,
    Match,
    Payload,
    Space,
    Vector,
    Where,
)
from swatchbook.index.matching import is_uuid
from swatchbook.index.rules import (
    AMOUNTS,
    EXACT,
    KEYWORDS,
    NUMBERS,
    WORDS,
    Condition,
    admit,
    check_query,
    conditions,
    foreign_space,
    keywords_column,
    missing_space,
    words_column,
)
from swatchbook.index.terms import question_terms
from swatchbook.index.words import word_pattern
from swatchbook.one_line import one_line, shorten
from swatchbook.records import Role
from swatchbook.settings import Settings

PREFIX = "Swatchbook_"
"""The prefix of every collection and alias, so that the server can have collections of other applications, too."""

SHORT = frozenset({Role.COLOR, Role.TEXTURE})
"""Roles with short vectors, which are compared exactly. The other roles' vectors are compared by 8-bit codes first."""

RESCORE = 100
"""The candidates that are then compared exactly: as many as a search requests per role."""

BATCH = 500
"""The objects per write and ids per query: all that an ingest publishes at once, 3 MB for vectors of 1,024 numbers."""

PAGE = 1_000
"""The ids per page of the cursor."""

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
STARTING = ("non-existing index", "could not find index")  # while it starts, before its collections are open


def open_index(settings: Settings, *, lag: float = 0.0) -> "WeaviateIndex":
    """Return the index on the server of the settings, which has no lag."""
    key = settings.weaviate_api_key
    return WeaviateIndex(
        settings.weaviate_url,
        grpc_port=settings.weaviate_grpc_port,
        api_key=key.get_secret_value() if key else None,
    )


class WeaviateIndex:
    """The index contract (contract.py) on the server at `url`, whose gRPC port is on the same host. Thread-safe."""

    def __init__(self, url: str, *, grpc_port: int, api_key: str | None) -> None:
        self._url = url
        self._grpc_port = grpc_port
        self._api_key = api_key
        self._client: WeaviateClient | None = None
        self._connecting = Lock()
        self._compared = set[str]()  # collections with the right schema; checked again after any error

    def probe(self) -> None:
        """Run the kinds of queries that publishing needs. Raises DiskFull if the server is read-only."""
        with self._answering() as client:
            names = _names(client)
            if names:
                client.collections.use(names[0]).query.fetch_objects(limit=1, return_properties=[])
            if any(s.vector_indexing_status == "READONLY" for s in _shards(client) if s.collection in names):
                raise self._no_room()

    def ensure(self, space: Space) -> None:
        with self._answering() as client:
            name, alias = _collection(space), _alias(space.role)
            self._require_loaded()
            if client.collections.exists(alias) and client.alias.get(alias_name=alias) is None:
                raise Configuration(
                    f"Weaviate has a collection {alias}, a name that Swatchbook needs for an alias.",
                    advice="Delete the collection, or set SWATCHBOOK_WEAVIATE_URL to another server.",
                )
            if not client.collections.exists(name):
                try:
                    _create(client, space)
                except UnexpectedStatusCodeError:
                    if not client.collections.exists(name):  # else another process was quicker
                        raise
            _compare(space, client.collections.use(name))

    def upsert(self, space: Space, objects: Sequence[IndexObject]) -> Mapping[str, Failure]:
        admitted, failures = admit(space, objects)
        if not admitted:
            return failures
        with self._using(space) as collection:
            for start in range(0, len(admitted), BATCH):
                failures |= self._write(space, collection, admitted[start : start + BATCH])
        return failures

    def fetch(self, space: Space, ids: Sequence[str]) -> Mapping[str, IndexObject]:
        wanted = [each for each in dict.fromkeys(ids) if is_uuid(each)]
        with self._using(space) as collection:
            found = [
                _object(each)
                for start in range(0, len(wanted), BATCH)
                for each in collection.query.fetch_objects_by_ids(
                    wanted[start : start + BATCH], limit=BATCH, include_vector=True
                ).objects
            ]
        return {each.id: each for each in found}

    def delete(self, space: Space, ids: Sequence[str]) -> None:
        wanted = [each for each in dict.fromkeys(ids) if is_uuid(each)]
        with self._answering() as client:
            if not wanted or not client.collections.exists(_collection(space)):
                return
            data = client.collections.use(_collection(space)).data
            for start in range(0, len(wanted), BATCH):
                done = data.delete_many(where=Filter.by_id().contains_any(wanted[start : start + BATCH]))
                if done.failed and any(s.vector_indexing_status == "READONLY" for s in _shards(client)):
                    raise self._no_room()
                if done.failed:
                    raise ProviderError(f"Weaviate could not delete {done.failed} objects of {space.name}.")

    def ids(self, space: Space) -> Iterator[str]:
        with self._using(space) as collection:
            for each in collection.iterator(return_properties=[], cache_size=PAGE):
                yield str(each.uuid)

    def search(self, space: Space, vector: Vector, k: int, where: Where | None = None) -> list[Match]:
        check_query(space, vector)
        with self._asking(space) as collection:
            found = collection.query.near_vector(
                near_vector=vector.tolist(),
                limit=k,
                filters=_filters(where),
                return_metadata=MetadataQuery(distance=True),
                return_properties=[],
            )
        return [Match(id=str(each.uuid), distance=max(0.0, each.metadata.distance or 0.0)) for each in found.objects]

    def keyword(self, space: Space, text: str, k: int, where: Where | None = None) -> list[Match]:
        with self._asking(space) as collection:
            if not (terms := question_terms(text)):  # without terms the server fails, while LanceDB has no match
                return []
            found = collection.query.bm25(
                query=terms,
                query_properties=[KEYWORDS],
                limit=k,
                filters=_filters(where),
                return_metadata=MetadataQuery(score=True),
                return_properties=[],
            )
        return [Match(id=str(each.uuid), score=each.metadata.score) for each in found.objects]

    def count(self, space: Space, where: Where | None = None) -> int:
        with self._using(space) as collection:
            return collection.aggregate.over_all(total_count=True, filters=_filters(where)).total_count or 0

    def activate(self, space: Space) -> None:
        with self._using(space) as collection, self._answering() as client:
            alias = _alias(space.role)
            if client.alias.update(alias_name=alias, new_target_collection=collection.name):
                return
            try:
                client.alias.create(alias_name=alias, target_collection=collection.name)
            except UnexpectedStatusCodeError:
                if not client.alias.update(alias_name=alias, new_target_collection=collection.name):
                    raise

    def active(self, role: Role) -> str | None:
        with self._answering() as client:
            self._require_loaded()
            alias = client.alias.get(alias_name=_alias(role))
        return alias.collection.removeprefix(PREFIX) if alias else None

    def spaces(self) -> Sequence[str]:
        with self._answering() as client:
            self._require_loaded()
            return [name.removeprefix(PREFIX) for name in _names(client)]

    def drop(self, space: Space) -> None:
        with self._answering() as client:
            if self.active(space.role) == space.name:
                client.alias.delete(alias_name=_alias(space.role))
            client.collections.delete(_collection(space))

    def compact(self, *, at_once: bool = False) -> None:
        """Weaviate compacts by itself."""

    def close(self) -> None:
        with self._connecting:
            if self._client is not None:
                self._client.close()
            self._client = None

    def _write(
        self, space: Space, collection: Collection[Any, Any], objects: Sequence[IndexObject]
    ) -> dict[str, Failure]:
        """Write one batch, and return id -> failure for the objects that the server refused.

        Raises DiskFull, IndexDown or Configuration if the objects are not the cause.
        """
        sent = [DataObject(uuid=each.id, properties=_properties(each), vector=each.vector.tolist()) for each in objects]
        try:
            errors = {index: refused.message for index, refused in collection.data.insert_many(sent).errors.items()}
        except WeaviateInsertManyAllFailedError as error:
            errors = dict.fromkeys(range(len(objects)), str(error))
        for message in errors.values():
            if _says(message, NO_ROOM):
                raise self._no_room()
            if _says(message, STARTING):
                raise self._away("starting")
        if errors:
            _compare(space, collection)
        return {
            objects[i].id: ProviderError(f"Weaviate rejected the object: {shorten(one_line(message), 300)}")
            for i, message in errors.items()
        }

    @contextmanager
    def _using(self, space: Space, *, known: bool = False) -> Iterator[Collection[Any, Any]]:
        """Yield a space's collection with the right schema; if `known`, do not ask for one that was there before."""
        with self._answering() as client:
            name = _collection(space)
            known = known and name in self._compared
            if not known and self._is_missing(client, name):
                self._compared.discard(name)
                raise missing_space(space)
            collection = client.collections.use(name)
            try:
                if name not in self._compared:
                    _compare(space, collection)
                    self._compared.add(name)
                yield collection
            except WeaviateBaseError as error:
                if _is_away(error) or not self._is_missing(client, name):
                    raise
                self._compared.discard(name)
                raise missing_space(space) from error  # it was dropped meanwhile

    def _is_missing(self, client: WeaviateClient, name: str) -> bool:
        """Return whether the server has no collection of this name. Raises IndexDown while it loads its collections."""
        if client.collections.exists(name):
            return False
        self._require_loaded()
        return not client.collections.exists(name)  # it may have been loaded since

    def _require_loaded(self) -> None:
        """Raise IndexDown while the server starts: it answers as if it had no collection until it has loaded them."""
        ready = httpx.get(f"{self._url.rstrip('/')}/v1/.well-known/ready", timeout=CONNECT_SECONDS)
        if ready.status_code != httpx.codes.OK:
            raise self._away("starting")

    def _asking(self, space: Space) -> AbstractContextManager[Collection[Any, Any]]:
        """Yield a collection for a search in one request, without asking whether it exists.

        A search of a missing collection fails. A write could create it on servers with another configuration.
        """
        return self._using(space, known=True)

    @contextmanager
    def _answering(self) -> Iterator[WeaviateClient]:
        """Yield a connected client; raise its errors as Failures."""
        try:
            yield self._connected()
        except (WeaviateBaseError, httpx.TransportError, OSError) as error:
            self._compared.clear()
            raise self._failure(error) from error

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
                f"Weaviate at {self._url} rejected the API key.", advice="Check SWATCHBOOK_WEAVIATE_API_KEY."
            )
        if status == 413 or grpc.StatusCode.RESOURCE_EXHAUSTED in codes:
            return PayloadTooLarge("The request is too large for Weaviate.")
        if _is_away(error) or (status or 0) >= 500 or _says(message, STARTING):
            return self._away(f"status {status}" if status else reason_of(error))
        return self._no_room() if _says(message, NO_ROOM) else ProviderError(f"Weaviate failed: {reason_of(error)}.")

    def _away(self, reason: str) -> IndexDown:
        return IndexDown(
            f"Weaviate at {self._url} (gRPC port {self._grpc_port}) does not answer: {reason}.",
            advice="Start the server, or check SWATCHBOOK_WEAVIATE_URL and SWATCHBOOK_WEAVIATE_GRPC_PORT.",
        )

    def _no_room(self) -> DiskFull:
        return DiskFull(
            f"Weaviate at {self._url} is read-only.",
            advice="Free some of its disk space (it stops writing at 90 %), then set its shards to READY.",
        )


def _parse_url(url: str) -> SplitResult:
    """Parse the URL. Raises Configuration if it is not an http(s) URL with a host."""
    address = urlsplit(url)
    if address.scheme not in ("http", "https") or not address.hostname:
        raise Configuration(
            f"SWATCHBOOK_WEAVIATE_URL is not a valid URL: {url!r}.", advice="Use the form http://host:8080."
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


def _is_away(error: Exception) -> bool:
    """Return whether the server could not be reached or did not answer in time."""
    return isinstance(error, (*AWAY, OSError)) or any(code in AWAY_CODES for code in _codes(error))


def _codes(error: Exception) -> list[grpc.StatusCode]:
    return [each.code() for each in _causes(error) if isinstance(each, grpc.Call)]


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _says(message: str, signs: Sequence[str]) -> bool:
    return any(sign in message for sign in signs)


def _collection(space: Space) -> str:
    return PREFIX + space.name


def _alias(role: Role) -> str:
    return PREFIX + role.value.capitalize()


def _names(client: WeaviateClient) -> list[str]:
    return [name for name in client.collections.list_all(simple=True) if name.startswith(PREFIX)]


def _shards(client: WeaviateClient) -> list[Any]:
    return [shard for node in client.cluster.nodes(output="verbose") for shard in node.shards]


def _description(space: Space) -> str:
    """Return the collection's description, which has the dimension: an empty collection does not store it."""
    return f"Swatchbook: {space.role.value} vectors by {space.tag}, {space.dimension} dimensions"


def _create(client: WeaviateClient, space: Space) -> None:
    code = None if space.role in SHORT else Configure.VectorIndex.Quantizer.rq(rescore_limit=RESCORE, cache=True)
    # Flat, not HNSW: it is exact, about 20 times faster to write, and a hundred equal vectors do not cut off others. A
    # search takes 15 ms at 40,000 objects, and more with their number.
    index = Configure.VectorIndex.flat(distance_metric=VectorDistances.COSINE, quantizer=code)
    client.collections.create(
        _collection(space),
        description=_description(space),
        properties=_columns(),
        vector_config=Configure.Vectors.self_provided(vector_index_config=index),
        # English stop words would also be removed from filters, such as the category "other".
        inverted_index_config=Configure.inverted_index(stopwords_preset=StopwordsPreset.NONE),
    )


def _columns() -> list[Property]:
    """Return the properties: the payload, its `_words`, and the terms of keyword search. Values are kept whole."""

    def whole(name: str, kind: DataType, *, filterable: bool = True) -> Property:
        return Property(
            name=name,
            data_type=kind,
            tokenization=Tokenization.FIELD,
            index_filterable=filterable,
            index_searchable=False,
        )

    return [
        whole("owner", DataType.TEXT),
        whole("kind", DataType.TEXT),
        *(whole(name, DataType.TEXT_ARRAY) for name in (*EXACT, *BY_WORDS, *TERMS)),
        *(whole(f"{name}_words", DataType.TEXT_ARRAY) for name in WORDS),
        *(whole(name, DataType.TEXT_ARRAY, filterable=False) for name in ("names", "languages")),
        *(whole(name, DataType.TEXT, filterable=False) for name in ("text", "file")),
        Property(
            name=KEYWORDS,
            data_type=DataType.TEXT,
            tokenization=Tokenization.WHITESPACE,
            index_filterable=False,
            index_searchable=True,
        ),
        *(
            Property(name=name, data_type=DataType.NUMBER, index_filterable=True, index_range_filters=True)
            for name in AMOUNTS
        ),
        *(Property(name=name, data_type=DataType.INT_ARRAY, index_filterable=True) for name in NUMBERS),
    ]


def _compare(space: Space, collection: Collection[Any, Any]) -> None:
    """Raise Configuration if the collection's schema differs from that of `_create`."""
    config = collection.config.get()
    if config.description != _description(space):
        raise foreign_space(space, f"it is {config.description!r}, not {_description(space)!r}")
    expected = {column.name: (column.dataType.value, column.tokenization) for column in _columns()}
    found = {column.name: (column.data_type.value, column.tokenization) for column in config.properties}
    if strange := sorted(name for name in {*expected, *found} if expected.get(name) != found.get(name)):
        raise foreign_space(space, f"its properties differ in {', '.join(strange)}")
    vectors = config.vector_config or {}
    if [*vectors] != ["default"] or vectors["default"].vectorizer.vectorizer != "none":
        raise foreign_space(
            space, f"its vectors are {', '.join(vectors) or 'of the older kind'}, not one that the client provides"
        )
    if getattr(vectors["default"].vector_index_config, "distance_metric", None) != VectorDistances.COSINE:
        raise foreign_space(space, "its distance is not cosine")
    if config.multi_tenancy_config.enabled:
        raise foreign_space(space, "it is multi-tenant")
    for held in collection.query.fetch_objects(limit=1, include_vector=True, return_properties=[]).objects:
        if (found_dimension := len(held.vector.get("default", ()))) != space.dimension:
            raise foreign_space(space, f"its vectors have {found_dimension} dimensions, not {space.dimension}")


def _properties(each: IndexObject) -> dict[str, Any]:
    """Return the properties that have a value.

    Several values are lists, which the client sends as arrays: it would send a tuple as a structure, one value by one.
    """
    given = {name: value for name, value in each.payload if value not in (None, ())}
    words = {f"{name}_words": words_column(name, given[name]) for name in WORDS if name in given}
    lists = {name: list(value) for name, value in given.items() if isinstance(value, tuple)}
    return given | lists | words | {KEYWORDS: keywords_column(each.payload)}


def _object(found: Any) -> IndexObject:
    given = {name: found.properties.get(name) for name in COLUMNS}
    payload = Payload(**{name: value for name, value in given.items() if value is not None})
    return IndexObject(str(found.uuid), np.asarray(found.vector["default"], dtype=np.float32), payload)


def _filters(where: Where | None) -> FilterReturn | None:
    """Return the client's filter; None if there is none."""
    if where is None:
        return None
    asked = [_any_of(condition) for condition in conditions(where)]
    if where.newest_only:
        asked.append(Filter.by_property("kind").not_equal(SUPERSEDED))
    if where.whose:
        asked.append(Filter.by_property("owner").contains_any(list(where.whose)))
    return Filter.all_of(asked) if asked else None


def _any_of(condition: Condition) -> FilterReturn:
    exact = [Filter.by_property(name).contains_any(values) for name, values in condition.exact.items() if values]
    words = [
        Filter.by_property(name).like(f"*{word_pattern(each, '*')}*")  # within one value: each is a separate token
        for name, alternatives in condition.words.items()
        for each in alternatives
    ]
    limits = [Filter.by_property(name).greater_or_equal(limit) for name, limit in condition.at_least.items()]
    limits += [Filter.by_property(name).less_or_equal(limit) for name, limit in condition.at_most.items()]
    return Filter.any_of([*exact, *words, *limits])

"""The index on a Weaviate server, with one collection for each space and one alias for each role.

Here are requests and batch sizes; `connection.py` has the connection, timeouts and failures, `filters.py` the filters,
`schema.py` the collections, `tenants.py` the tenants of owners.
"""

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final, TypeVar

import numpy as np
from weaviate import WeaviateClient
from weaviate.classes.data import DataObject
from weaviate.classes.query import Filter, MetadataQuery
from weaviate.exceptions import (
    UnexpectedStatusCodeError,
    WeaviateBaseError,
    WeaviateInsertManyAllFailedError,
    WeaviateQueryError,
)

from swatchbook.domain.errors import Configuration, Failure, ProviderError
from swatchbook.domain.records import Role
from swatchbook.domain.settings import Settings
from swatchbook.index.contract import COLUMNS, IndexObject, Match, MoveState, Payload, Space, Vector, Where
from swatchbook.index.matching import is_uuid
from swatchbook.index.rules import KEYWORDS, WORDS, admit, check_query, keywords_column, missing_space, words_column
from swatchbook.index.terms import question_terms
from swatchbook_base.one_line import one_line, shorten
from swatchbook_weaviate.connection import Connection, is_away
from swatchbook_weaviate.filters import filters_of
from swatchbook_weaviate.schema import (
    LEAVING,
    RESCORE,
    SHORT,
    Layout,
    alias_of,
    compare,
    create,
    description_of,
    has_tenants,
    layouts_of,
    own_collections,
    space_name,
    tenant_name,
)
from swatchbook_weaviate.tenants import AnyCollection, Place, SeedOf, Tenants, best_of, itself

BATCH = 500
"""The objects per write and ids per query: all that an ingest publishes at once, 3 MB for vectors of 1,024 numbers."""

PAGE = 1_000
"""The ids per page of the cursor."""

KNOWN_SECONDS = 0.5
"""How long searches read the same collection without asking whether a move has exchanged it."""

DEFAULT_LAYOUT: Final = Layout()

T = TypeVar("T")

_EQUAL = 1e-4  # distance of vectors that are equal but for rounding


def open_index(settings: Settings, *, lag: float = 0.0, seed_of: SeedOf = itself) -> "WeaviateIndex":
    """Return the index on the server of the settings, which has no lag."""
    key = settings.weaviate.api_key
    return WeaviateIndex(
        settings.weaviate.url,
        grpc_port=settings.weaviate.grpc_port,
        api_key=key.get_secret_value() if key else None,
        layout=Layout(settings.weaviate.index, settings.weaviate.tenants),
        seed_of=seed_of,
    )


class WeaviateIndex:
    """The index contract (contract.py) on the server at `url`, whose gRPC port is on the same host. Thread-safe.

    New spaces get the `layout`; others keep the one that they have until they are moved. While a space is moved, it is
    written in both, but not what they hold already: while Weaviate replaces an object, a keyword search may miss it.
    """

    def __init__(
        self,
        url: str,
        *,
        grpc_port: int,
        api_key: str | None,
        layout: Layout = DEFAULT_LAYOUT,
        seed_of: SeedOf = itself,
    ) -> None:
        self._server = Connection(url, grpc_port=grpc_port, api_key=api_key, on_error=self._forget)
        self._wanted = layout
        self._tenants = Tenants(seed_of)
        self._layouts = dict[str, tuple[list[Layout], float]]()  # of spaces, and until when searches trust them
        self._compared = set[str]()  # collections with the right schema; checked again after any error

    def probe(self) -> None:
        """Run the kinds of queries that publishing needs. Raises DiskFull if the server is read-only."""
        with self._server.answering() as client:
            names = own_collections(client)
            plain = [name for name in names if not has_tenants(name)]
            if plain:
                try:
                    client.collections.use(plain[0]).query.fetch_objects(limit=1, return_properties=[])
                except WeaviateQueryError:
                    if plain[0] in own_collections(client):  # one that was dropped meanwhile is no failure
                        raise
            elif names:
                client.collections.use(next(iter(names))).tenants.exists(tenant_name("probe"))
            self._server.require_writable(names)

    def ensure(self, space: Space) -> None:
        with self._server.answering() as client:
            alias = alias_of(space.role)
            self._server.require_loaded()
            if client.collections.exists(alias) and client.alias.get(alias_name=alias) is None:
                raise Configuration(
                    f"Weaviate has a collection {alias}, a name that Swatchbook needs for an alias.",
                    advice="Delete the collection, or set SWATCHBOOK_WEAVIATE__URL to another server.",
                )
            if not self._layouts_of(client, space):
                try:
                    create(client, space, self._wanted)
                except UnexpectedStatusCodeError:
                    if not self._layouts_of(client, space):  # else another process was quicker
                        raise
            for layout in self._layouts_of(client, space):
                compare(space, layout, client.collections.use(layout.name(space)))

    def upsert(self, space: Space, objects: Sequence[IndexObject]) -> Mapping[str, Failure]:
        admitted, failures = admit(space, objects)
        if not admitted:
            return failures

        def write(places: Sequence[Place]) -> None:
            for place in places:
                wanted = self._differing(place, admitted) if len(places) > 1 else admitted
                for part, own in self._tenants.divide(place, wanted):
                    for start in range(0, len(own), BATCH):
                        failures.update(self._write(space, place, part, own[start : start + BATCH]))

        self._with(space, write)
        return failures

    def fetch(self, space: Space, ids: Sequence[str]) -> Mapping[str, IndexObject]:
        wanted = [each for each in dict.fromkeys(ids) if is_uuid(each)]
        return self._with(space, lambda places: self._fetch(self._tenants.all(places[0]), wanted))

    def _fetch(self, parts: Iterable[AnyCollection], ids: Sequence[str]) -> dict[str, IndexObject]:
        found = dict[str, IndexObject]()
        for part in parts:
            if not (left := [each for each in ids if each not in found]):
                break
            for some in _batches(left):
                answer = part.query.fetch_objects_by_ids(some, limit=BATCH, include_vector=True)
                found |= {str(each.uuid): _object(each) for each in answer.objects}
        return found

    def _differing(self, place: Place, objects: Sequence[IndexObject]) -> list[IndexObject]:
        """Return the objects that the place does not hold as they are."""
        parts = self._tenants.of(place, [each.payload.owner for each in objects])
        held = self._fetch(parts, [each.id for each in objects])
        return [each for each in objects if not (each.id in held and _is_same(each, held[each.id]))]

    def delete(self, space: Space, ids: Sequence[str]) -> None:
        self._delete(space, ids, self._tenants.all)

    def delete_owned(self, space: Space, ids: Sequence[str], owner: str) -> None:
        self._delete(space, ids, lambda place: self._tenants.of(place, [owner]))

    def _delete(self, space: Space, ids: Sequence[str], parts: Callable[[Place], Iterable[AnyCollection]]) -> None:
        wanted = [each for each in dict.fromkeys(ids) if is_uuid(each)]

        def delete(places: Sequence[Place]) -> None:
            for part in (part for place in places for part in parts(place)):
                for some in _batches(wanted):
                    done = part.data.delete_many(where=Filter.by_id().contains_any(some))
                    if done.failed:
                        self._server.require_writable()
                        raise ProviderError(f"Weaviate could not delete {done.failed} objects of {space.name}.")

        with self._server.answering() as client:
            if not wanted or not self._layouts_of(client, space):
                return
        self._with(space, delete)

    def ids(self, space: Space) -> Iterator[str]:
        with self._server.answering() as client:
            yield from self._ids(self._places(client, space)[0])

    def _ids(self, place: Place) -> Iterator[str]:
        for part in self._tenants.all(place):
            for each in part.iterator(return_properties=[], cache_size=PAGE):
                yield str(each.uuid)

    def search(self, space: Space, vector: Vector, k: int, where: Where | None = None) -> list[Match]:
        check_query(space, vector)

        def ask(places: Sequence[Place]) -> list[Match]:
            filters = filters_of(where, places[0].layout)
            near, asked = vector.tolist(), MetadataQuery(distance=True)

            def query(part: AnyCollection) -> Any:
                return part.query.near_vector(
                    near, limit=k, filters=filters, return_metadata=asked, return_properties=[]
                )

            found = self._tenants.ask(places[0], where, query)
            return [Match(id=str(each.uuid), distance=max(0.0, each.metadata.distance or 0.0)) for each in found]

        return best_of(self._with(space, ask, known=True), k, lambda match: match.distance or 0.0)

    def keyword(self, space: Space, text: str, k: int, where: Where | None = None) -> list[Match]:
        terms = question_terms(text)

        def ask(places: Sequence[Place]) -> list[Match]:
            if not terms:  # without terms the server fails, while LanceDB has no match
                return []
            filters, asked = filters_of(where, places[0].layout), MetadataQuery(score=True)

            def query(part: AnyCollection) -> Any:
                return part.query.bm25(
                    terms,
                    query_properties=[KEYWORDS],
                    limit=k,
                    filters=filters,
                    return_metadata=asked,
                    return_properties=[],
                )

            found = self._tenants.ask(places[0], where, query)
            return [Match(id=str(each.uuid), score=each.metadata.score) for each in found]

        return best_of(self._with(space, ask, known=True), k, lambda match: -(match.score or 0.0))

    def count(self, space: Space, where: Where | None = None) -> int:
        def ask(places: Sequence[Place]) -> int:
            whose = where.whose if where else ()
            parts = self._tenants.of(places[0], whose) if whose else self._tenants.all(places[0])
            filters = filters_of(where, places[0].layout)
            return sum(part.aggregate.over_all(total_count=True, filters=filters).total_count or 0 for part in parts)

        return self._with(space, ask)

    def activate(self, space: Space) -> None:
        def point(places: Sequence[Place]) -> None:
            alias, name = alias_of(space.role), places[0].layout.name(space)
            with self._server.answering() as client:
                if client.alias.update(alias_name=alias, new_target_collection=name):
                    return
                try:
                    client.alias.create(alias_name=alias, target_collection=name)
                except UnexpectedStatusCodeError:
                    if not client.alias.update(alias_name=alias, new_target_collection=name):
                        raise

        self._with(space, point)

    def active(self, role: Role) -> str | None:
        with self._server.answering() as client:
            self._server.require_loaded()
            alias = client.alias.get(alias_name=alias_of(role))
        return space_name(alias.collection) if alias else None

    def spaces(self) -> Sequence[str]:
        with self._server.answering() as client:
            self._server.require_loaded()
            return list(dict.fromkeys(map(space_name, own_collections(client))))

    def drop(self, space: Space) -> None:
        with self._server.answering() as client:
            if self.active(space.role) == space.name:
                client.alias.delete(alias_name=alias_of(space.role))
            for layout in self._layouts_of(client, space):
                client.collections.delete(layout.name(space))

    def compact(self, *, at_once: bool = False) -> None:
        """Weaviate compacts by itself."""

    def close(self) -> None:
        self._tenants.close()
        self._server.close()

    # --- layouts ------------------------------------------------------------------------------------------------------

    def move_state(self, space: Space) -> MoveState:
        with self._server.answering() as client:
            found = self._layouts_of(client, space)
        if not found:
            raise missing_space(space)
        return MoveState(read=str(found[0]), wanted=str(self._wanted), done=found == [self._wanted])

    def begin_move(self, space: Space) -> None:
        """Create the layout of the settings next to the one that is read, unless it exists."""
        with self._server.answering() as client:
            if self._wanted not in self._layouts_of(client, space):
                create(client, space, self._wanted, filling=True)
            compare(space, self._wanted, client.collections.use(self._wanted.name(space)))
            self._layouts.pop(space.name, None)

    def moved_ids(self, space: Space) -> Iterator[str]:
        """Yield all ids that the layout of the settings has."""
        with self._server.answering() as client:
            yield from self._ids(Place(self._wanted, client.collections.use(self._wanted.name(space))))

    def switch_move(self, space: Space) -> None:
        """Let searches read the layout of the settings, and the public name point to it."""
        with self._server.answering() as client:
            client.collections.use(self._wanted.name(space)).config.update(description=description_of(space))
            for layout in self._layouts_of(client, space):
                if layout != self._wanted:
                    leaving = description_of(space) + LEAVING
                    client.collections.use(layout.name(space)).config.update(description=leaving)
            self._layouts.pop(space.name, None)
        if self.active(space.role) == space.name:
            self.activate(space)

    def end_move(self, space: Space) -> None:
        """Wait until no search reads the other layouts of a space any more, and delete them, unless one is read."""
        time.sleep(2 * KNOWN_SECONDS)  # a search must not meet a collection that is being deleted
        with self._server.answering() as client:
            found = self._layouts_of(client, space)
            if found[:1] == [self._wanted]:
                for layout in found[1:]:
                    client.collections.delete(layout.name(space))
            self._layouts.pop(space.name, None)

    # --- tenants ------------------------------------------------------------------------------------------------------

    def drop_unused_tenants(self, owners: Callable[[], Collection[str]]) -> int:
        with self._server.answering() as client:
            found = [client.collections.use(name) for name in own_collections(client) if has_tenants(name)]
            return self._tenants.drop_unused(found, owners)

    def rest(self) -> int:
        with self._server.answering() as client:
            found = [client.collections.use(name) for name in own_collections(client) if has_tenants(name)]
            return self._tenants.rest(found)

    def last_start(self) -> str:
        """Return the terms of the cluster's elections: each start of a server brings a new one."""
        with self._server.answering() as client:
            return " ".join(f"{each.name}:{each.raft.term}" for each in client.cluster.statistics().statistics)

    def lost_vectors(self, space: Space, *, graphs: bool = True) -> list[str]:
        def look(places: Sequence[Place]) -> list[str]:
            if space.role in SHORT or not places[0].layout.kind.startswith("hnsw"):
                return [*self._lost_of_flat(space, places[0])]
            return [*self._lost_of_graph(places[0])] if graphs else []

        return self._with(space, look)

    def _lost_of_flat(self, space: Space, place: Place) -> Iterator[str]:
        """Yield the objects without a distance: with a condition, a flat index compares all objects that satisfy it."""
        anywhere = [1.0, *[0.0] * (space.dimension - 1)]
        for part in self._tenants.all(place):
            present = (str(each.uuid) for each in part.iterator(return_properties=[], cache_size=PAGE))
            while some := list(islice(present, PAGE)):
                condition = Filter.by_id().contains_any(some)
                answer = part.query.near_vector(anywhere, limit=PAGE, filters=condition, return_properties=[])
                yield from set(some) - {str(each.uuid) for each in answer.objects}

    def _lost_of_graph(self, place: Place) -> Iterator[str]:
        """Yield the objects of an HNSW graph that are not among the nearest to their own vector, nor equal to all."""
        asked = MetadataQuery(distance=True)
        for part in self._tenants.all(place):
            for each in part.iterator(include_vector=True, return_properties=[], cache_size=BATCH):
                if not (vector := each.vector.get("default")):
                    yield str(each.uuid)
                    continue
                found = part.query.near_vector(vector, limit=RESCORE, return_metadata=asked, return_properties=[])
                near = found.objects
                equal = len(near) == RESCORE and (near[-1].metadata.distance or 0.0) < _EQUAL
                if not equal and each.uuid not in {match.uuid for match in near}:
                    yield str(each.uuid)

    # --- requests -----------------------------------------------------------------------------------------------------

    def _write(
        self, space: Space, place: Place, part: AnyCollection, objects: Sequence[IndexObject]
    ) -> dict[str, Failure]:
        """Write one batch, and return id -> failure for the objects that the server refused.

        Raises DiskFull, IndexDown or Configuration if the objects are not the cause.
        """
        sent = [DataObject(uuid=each.id, properties=_properties(each), vector=each.vector.tolist()) for each in objects]
        try:
            errors = {index: refused.message for index, refused in part.data.insert_many(sent).errors.items()}
        except WeaviateInsertManyAllFailedError as error:
            errors = dict.fromkeys(range(len(objects)), str(error))
        for message in errors.values():
            self._server.check_message(message)
        if errors:
            compare(space, place.layout, place.collection)
        return {
            objects[i].id: ProviderError(f"Weaviate rejected the object: {shorten(one_line(message), 300)}")
            for i, message in errors.items()
        }

    def _forget(self) -> None:
        """Forget what is known of the collections: an error may come from a change of them."""
        self._compared.clear()
        self._layouts.clear()

    def _layouts_of(self, client: WeaviateClient, space: Space) -> list[Layout]:
        """Return the layouts of a space, as `layouts_of`. Raises IndexDown while the server loads its collections."""
        if not (found := layouts_of(client, space, self._wanted)):
            self._server.require_loaded()
            found = layouts_of(client, space, self._wanted)  # it may have been loaded since
        return found

    def _with(self, space: Space, work: Callable[[Sequence[Place]], T], *, known: bool = False) -> T:
        """Return what `work` returns for the collections of a space, first the one that searches read.

        If they were exchanged meanwhile, it is done again with the new ones. With `known` they are read again only
        after KNOWN_SECONDS: most searches are one request. Raises Configuration for a missing space, or another schema.
        """
        with self._server.answering() as client:
            places = list[Place]()
            try:
                places = self._places(client, space, known=known)
                return work(places)
            except WeaviateBaseError as error:
                if is_away(error):
                    raise
                newer = self._places(client, space)
                if [each.layout for each in newer] == [each.layout for each in places]:
                    raise
            return work(newer)

    def _places(self, client: WeaviateClient, space: Space, *, known: bool = False) -> list[Place]:
        layouts, until = self._layouts.get(space.name, ([], 0.0))
        if not known or time.monotonic() > until:
            until = time.monotonic() + KNOWN_SECONDS
            layouts = self._layouts_of(client, space)
            self._layouts[space.name] = layouts, until
            if not layouts:
                self._layouts.pop(space.name)
                raise missing_space(space)
        places = [Place(layout, client.collections.use(layout.name(space))) for layout in layouts]
        for place in places:
            if (name := place.layout.name(space)) not in self._compared:
                compare(space, place.layout, place.collection)
                self._compared.add(name)
        return places


def _batches(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    return (ids[start : start + BATCH] for start in range(0, len(ids), BATCH))


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


def _is_same(one: IndexObject, other: IndexObject) -> bool:
    return _properties(one) == _properties(other) and np.array_equal(one.vector, other.vector)

"""What is Weaviate's own: keys, refusals, aliases, read-only shards, and a server that goes away."""

import time
from collections.abc import Iterator
from typing import Any

import httpx
import numpy as np
import pytest
import weaviate
from weaviate.classes.config import Configure, DataType, Property, VectorDistances
from weaviate.classes.init import Auth
from weaviate.classes.query import Filter

from devtools.weaviate import free_ports
from swatchbook.domain.errors import Authentication, Configuration, DiskFull, IndexDown, ProviderError
from swatchbook.domain.records import Role
from swatchbook.index.contract import Payload, Space
from swatchbook_weaviate.index import WeaviateIndex
from swatchbook_weaviate.schema import columns, own_collections
from tests.index.objects import made, number_id, unit_vectors
from tests.serving import Answers, StandIn, serving
from tests.weaviate_server import RunningWeaviate

pytestmark = pytest.mark.gate


@pytest.fixture
def index(weaviate_server: RunningWeaviate) -> Iterator[WeaviateIndex]:
    own = weaviate_server.index()
    yield own
    own.close()


@pytest.fixture
def client(weaviate_server: RunningWeaviate) -> Iterator[weaviate.WeaviateClient]:
    with weaviate.connect_to_local(
        port=weaviate_server.port,
        grpc_port=weaviate_server.grpc_port,
        auth_credentials=Auth.api_key(weaviate_server.api_key),
        skip_init_checks=True,
    ) as ordinary:
        yield ordinary


@pytest.fixture
def space(index: WeaviateIndex, request: pytest.FixtureRequest) -> Iterator[Space]:
    own = Space(role=Role.TEXTURE, tag=f"{request.node.name}@1/plain", dimension=8)
    index.ensure(own)
    yield own
    index.drop(own)


def test_people_query_the_alias_with_their_own_client(
    index: WeaviateIndex, space: Space, client: weaviate.WeaviateClient
) -> None:
    newer = space.model_copy(update={"tag": f"{space.tag}-next"})
    index.ensure(newer)
    index.upsert(space, made(2, category=("Tiles",), text="the older"))
    index.upsert(newer, made(1, category=("Tiles",), text="the newer"))
    shown = client.collections.use("Swatchbook_Texture")
    for active, text, count in ((space, "the older", 2), (newer, "the newer", 1), (space, "the older", 2)):
        index.activate(active)
        assert index.active(space.role) == active.name
        found = shown.query.near_vector(
            unit_vectors(1, 8)[0].tolist(), filters=Filter.by_property("category").equal("Tiles")
        ).objects
        assert len(found) == count
        assert found[0].properties["text"] == text
        assert str(found[0].uuid) == number_id(0)
    index.drop(newer)
    assert index.active(space.role) == space.name
    index.drop(space)
    assert index.active(space.role) is None
    with pytest.raises(Configuration, match="rebuild-index"):
        index.activate(space)


def index_at(server: RunningWeaviate, **changed: Any) -> WeaviateIndex:
    given = {"url": server.url, "grpc_port": server.grpc_port, "api_key": server.api_key, **changed}
    return WeaviateIndex(given.pop("url"), **given)


def test_wrong_keys_and_urls_name_their_setting(weaviate_server: RunningWeaviate) -> None:
    for key in (None, "a wrong one"):
        with pytest.raises(Authentication, match="SWATCHBOOK_WEAVIATE__API_KEY") as refused:
            index_at(weaviate_server, api_key=key).probe()
        assert "wrong" not in str(refused.value)
    for url in ("", "127.0.0.1:8080", "ftp://127.0.0.1:8080", "http://"):
        with pytest.raises(Configuration, match="SWATCHBOOK_WEAVIATE__URL"):
            index_at(weaviate_server, url=url, api_key=None).probe()


def test_no_server_is_an_outage_at_once(weaviate_server: RunningWeaviate) -> None:
    nobody, other = free_ports(2)
    before = time.monotonic()
    for url, grpc_port in ((f"http://127.0.0.1:{nobody}", other), (weaviate_server.url, other)):
        with pytest.raises(IndexDown, match="SWATCHBOOK_WEAVIATE__URL and SWATCHBOOK_WEAVIATE__GRPC_PORT"):
            index_at(weaviate_server, url=url, grpc_port=grpc_port).probe()
    with pytest.raises(IndexDown):
        index_at(weaviate_server, url=f"http://127.0.0.1:{nobody}").probe()
    assert time.monotonic() - before < 5


def test_refused_objects_are_named_and_the_rest_stored(index: WeaviateIndex, space: Space) -> None:
    objects = made(450)
    for at in (7, 449):
        objects[at].payload = Payload(owner="ann", kind="image", price=float("inf"))
    failures = index.upsert(space, objects)
    assert failures.keys() == {number_id(7), number_id(449)}
    assert all(isinstance(each, ProviderError) and "price" in each.message for each in failures.values())
    assert index.count(space) == 448
    assert index.upsert(space, [objects[7]]).keys() == {number_id(7)}  # alone, the client raises instead


def test_a_collection_dropped_during_a_probe_is_fine(
    index: WeaviateIndex, space: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    dropped = list[str]()

    def list_and_drop(client: weaviate.WeaviateClient) -> dict[str, str]:
        names = own_collections(client)
        if not dropped:
            dropped.extend(name for name, description in names.items() if space.tag in name + description)
            index.drop(space)
            return {name: names[name] for name in dropped}
        return names

    monkeypatch.setattr("swatchbook_weaviate.index.own_collections", list_and_drop)
    index.probe()
    assert dropped


def test_read_only_shards_block_until_ready(
    index: WeaviateIndex, space: Space, client: weaviate.WeaviateClient
) -> None:
    index.upsert(space, made(3))
    config = client.collections.use(f"Swatchbook_{space.name}").config
    config.update_shards(status="READONLY")
    for write in (lambda: index.upsert(space, made(2)), lambda: index.delete(space, [number_id(0)]), index.probe):
        with pytest.raises(DiskFull, match="is read-only"):
            write()
    assert index.count(space) == 3
    config.update_shards(status="READY")
    index.probe()
    assert index.upsert(space, made(4)) == {}


FLAT = Configure.VectorIndex.flat
PLAIN = Configure.Vectors.self_provided(vector_index_config=FLAT(distance_metric=VectorDistances.COSINE))

FOREIGN: dict[str, tuple[dict[str, Any], str]] = {
    "properties": ({"properties": [Property(name="owner", data_type=DataType.INT)]}, r"differ in brand.*owner"),
    "named vectors": (
        {"vector_config": [Configure.Vectors.self_provided(name=name) for name in ("eye", "ear")]},
        "its vectors are ear, eye",
    ),
    "distance": (
        {"vector_config": Configure.Vectors.self_provided(
            vector_index_config=FLAT(distance_metric=VectorDistances.L2_SQUARED))},
        "not cosine",
    ),
    "tenants": ({"multi_tenancy_config": Configure.multi_tenancy(enabled=True)}, "multi-tenant"),
    "description": ({"description": "Somebody else's"}, "it is \"Somebody else's\", not 'Swatchbook"),
    "dimension": ({}, "its vectors have 4 dimensions, not 8"),
}  # fmt: skip


@pytest.fixture(params=FOREIGN)
def difference(
    request: pytest.FixtureRequest, weaviate_server: RunningWeaviate, space: Space, client: weaviate.WeaviateClient
) -> str:
    """What is wrong with a collection that somebody else has made under the name of ours."""
    changed, told = FOREIGN[request.param]
    name = f"Swatchbook_{space.name}"
    ours = client.collections.use(name).config.get()
    client.collections.delete(name)
    made_by_others = {"description": ours.description, "properties": columns(), "vector_config": PLAIN, **changed}
    theirs = client.collections.create(name, **made_by_others)
    if request.param == "dimension":
        theirs.data.insert({"owner": "somebody"}, vector=[0.5] * 4)
    return told


def test_a_collection_of_somebody_elses_blocks_everything(
    weaviate_server: RunningWeaviate, index: WeaviateIndex, space: Space, difference: str
) -> None:
    """Of a process that sees it for the first time, and of one that has known ours."""
    for known in (weaviate_server.index(), index):
        for asked in (
            lambda known=known: known.upsert(space, made(3)),
            lambda known=known: known.search(space, made(1)[0].vector, 3),
            lambda known=known: known.keyword(space, "oak", 3),
            lambda known=known: known.fetch(space, [number_id(0)]),
            lambda known=known: known.ensure(space),
        ):
            with pytest.raises(Configuration, match=difference) as refused:
                asked()
            assert "SWATCHBOOK_WEAVIATE__URL" in str(refused.value)
            assert "rebuild-index" in str(refused.value)


def test_a_collection_named_like_the_alias_blocks(index: WeaviateIndex, client: weaviate.WeaviateClient) -> None:
    space = Space(role=Role.APPLICATION, tag="taken@1/plain", dimension=8)
    client.collections.create("Swatchbook_Application")
    try:
        with pytest.raises(Configuration, match="has a collection Swatchbook_Application"):
            index.ensure(space)
    finally:
        client.collections.delete("Swatchbook_Application")
    index.ensure(space)
    index.activate(space)
    index.ensure(space)
    index.drop(space)


@pytest.mark.parametrize(("role", "coded"), [(Role.TEXTURE, False), (Role.UNDERSTANDING, True)])
def test_long_vectors_are_coded_and_exact(
    index: WeaviateIndex, client: weaviate.WeaviateClient, role: Role, coded: bool
) -> None:
    space = Space(role=role, tag=f"coded-{coded}@1/plain", dimension=384)
    index.ensure(space)
    vectors = client.collections.use(f"Swatchbook_{space.name}").config.get().vector_config
    assert vectors is not None
    index_config = vectors["default"].vector_index_config
    assert index_config is not None
    assert (getattr(index_config, "quantizer", None) is not None) == coded
    objects = made(800, dimension=384)
    index.upsert(space, objects)
    query = unit_vectors(1, 384, seed=3)[0]
    nearest = np.argsort(-(np.stack([each.vector for each in objects]) @ query))[:10]
    assert [match.id for match in index.search(space, query, 10)] == [number_id(i) for i in nearest]
    index.drop(space)


PASSED = ("authorization", "content-type")


class Loading(Answers):
    """In front of the real server: while `loads`, it answers as one that has not loaded its collections yet."""

    server: "Front"

    def answer(self) -> None:
        if self.server.loads and self.path.endswith("/ready"):
            status, body = 503, b""
        elif self.server.loads and "/schema" in self.path:
            status, body = (200, b'{"classes": []}') if self.path.endswith("/schema") else (404, b"")
        else:
            sent = self.read()
            passed = {name: value for name, value in self.headers.items() if name.lower() in PASSED}
            got = httpx.request(self.command, self.server.behind + self.path, content=sent, headers=passed)
            status, body = got.status_code, got.content
        self.say(status, body, {"Content-Type": "application/json"})

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = answer


class Front(StandIn):
    def __init__(self, behind: str) -> None:
        super().__init__(Loading)
        self.behind, self.loads = behind, False


@pytest.fixture
def front(weaviate_server: RunningWeaviate) -> Iterator[Front]:
    with serving(Front(weaviate_server.url)) as server:
        yield server


def test_collections_not_loaded_yet_are_an_outage(weaviate_server: RunningWeaviate, front: Front, space: Space) -> None:
    index = index_at(weaviate_server, url=front.url)
    (one,) = made(1)
    index.upsert(space, [one])
    index._compared.clear()  # as after a request that the killed server did not answer
    front.loads = True
    for asked in (
        lambda: index.search(space, one.vector, 1),
        lambda: index.count(space),
        lambda: index.upsert(space, [one]),
        lambda: index.ensure(space),
        lambda: index.active(space.role),
        index.spaces,
    ):
        with pytest.raises(IndexDown, match="starting"):
            asked()
    front.loads = False
    assert [match.id for match in index.search(space, one.vector, 1)] == [one.id]
    index.close()


def test_twins_hide_nobody(index: WeaviateIndex, space: Space) -> None:
    """A graph index would fail here: a hundred equal vectors are each other's neighbours, and nobody else's."""
    objects = made(150)
    for each in objects[:120]:
        each.vector = objects[0].vector
    index.upsert(space, objects)
    assert index.search(space, objects[130].vector, 1)[0].id == objects[130].id

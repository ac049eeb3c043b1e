"""What every index must do: LanceDB, a real Weaviate, and the plugin of docs/plugins.md alike."""

import itertools
import os
import time
import unicodedata
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from swatchbook.domain.errors import Configuration, Failure, InvalidModelOutput, InvalidReference
from swatchbook.domain.records import Role
from swatchbook.index.contract import FILTERS, Index, IndexObject, Kind, Payload, Space, Where
from swatchbook.index.matching import satisfies
from tests.forked import warm
from tests.index.objects import made, number_id, unit_vectors
from tests.index.writers import write_six_hundred

pytestmark = pytest.mark.gate

SEVERAL = settings(max_examples=settings().max_examples // 2)
"""A space serves all examples of a test: each writes over what the one before has left."""


def test_probe_and_ensure_keep_what_is_there(index: Index, space: Space) -> None:
    index.probe()
    index.upsert(space, made(3))
    index.probe()
    index.ensure(space)
    assert index.count(space) == 3
    assert space.name in index.spaces()


def test_the_last_of_an_id_replaces_it_whole(index: Index, space: Space) -> None:
    first = Payload(owner="ann", kind="image", price=9.5, pages=(1, 2), material=("oak",), text="a plank")
    second = Payload(owner="ann", kind="chunk", category=("tiles",))
    for seed, payload in enumerate((first, second)):
        index.upsert(space, [IndexObject(number_id(0), unit_vectors(1, 8, seed)[0], payload)])
    found = index.fetch(space, [number_id(0)])[number_id(0)]
    assert found.payload == second
    assert np.array_equal(found.vector, unit_vectors(1, 8, seed=1)[0])
    assert index.count(space) == 1
    assert index.keyword(space, "plank", 5) == []
    assert index.count(space, Where(material=("oak",))) == 0
    earlier, later = made(1, seed=1, text="earlier"), made(1, seed=2, text="later")
    assert index.upsert(space, earlier + later) == {}, "twice in a batch"
    assert index.count(space) == 1
    assert index.fetch(space, [number_id(0)])[number_id(0)].payload.text == "later"


UNUSABLE = [
    (np.full(8, np.nan, np.float32), "not finite"), (np.array([np.inf] + [0.0] * 7, np.float32), "not finite"),
    (np.zeros(8, np.float32), "zero"), (np.full(8, 1e-30, np.float32), "zero"),
    (np.ones(7, np.float32), "dimensions"), (np.ones((1, 8), np.float32), "dimensions"),
    (np.ones(0, np.float32), "dimensions"),
]  # fmt: skip
"""Invalid vectors, each with a word of its error."""


def test_unusable_objects_cost_only_themselves(index: Index, space: Space) -> None:
    batch = made(len(UNUSABLE) + 4)
    for each, (vector, _) in zip(batch, UNUSABLE, strict=False):
        each.vector = vector
    batch[-1].id = "not a uuid"
    batch[-2].payload = Payload(owner="ann", kind="image", text="half a letter: \ud83d")
    failures = index.upsert(space, batch)
    assert {*index.ids(space)} == {each.id for each in batch[-4:-2]} == {*(e.id for e in batch)} - {*failures}
    assert isinstance(failures.pop("not a uuid"), InvalidReference)
    assert isinstance(failures.pop(batch[-2].id), InvalidModelOutput)
    for each, (_, says) in zip(batch, UNUSABLE, strict=False):
        assert isinstance(failures[each.id], InvalidModelOutput)
        assert says in failures[each.id].message


def test_nothing_in_nothing_out(index: Index, space: Space) -> None:
    assert index.upsert(space, []) == {}
    assert index.fetch(space, []) == {}
    index.delete(space, [])
    assert [*index.ids(space)] == []
    assert index.count(space) == 0
    assert index.search(space, unit_vectors(1, 8)[0], 5) == []
    assert index.keyword(space, "oak", 5) == []


def test_many_are_listed_fetched_and_deleted(index: Index, space: Space) -> None:
    objects = made(2_345)
    index.upsert(space, objects)
    assert sorted(index.ids(space)) == [each.id for each in objects], "each once over many pages"
    odd = ["not a uuid", "' OR true --"]
    found = index.fetch(space, [*(number_id(i) for i in range(2_000, 3_000)), *odd])
    assert found.keys() == {number_id(i) for i in range(2_000, 2_345)}
    index.delete(space, [*(number_id(i) for i in range(100, 3_000)), *odd])
    left = {number_id(i) for i in range(100)}
    assert {*index.ids(space)} == left == {match.id for match in index.search(space, objects[400].vector, 100)}


WORDED = ("category", "brand", "condition", "currency", "host")
"""Filters by words in the values of a column of the same name."""

WORDS = st.text(st.sampled_from("aBßéÉ中'\"\\;-%_*[]() \n\0🙂"), min_size=1, max_size=12)
PAYLOADS = st.builds(
    Payload,
    owner=st.sampled_from(["ann", "bob"]),
    kind=st.sampled_from(["image", "chunk"]),
    price=st.none() | st.floats(0, 1e9),
    pages=st.lists(st.integers(1, 100_000), max_size=3).map(tuple),
    file=WORDS,
    text=st.text(st.characters(exclude_categories=["Cs"]), max_size=80),
    **dict.fromkeys(("documents", "names", "size", *WORDED), st.lists(WORDS, max_size=3).map(tuple)),
)


@SEVERAL
@given(payload=PAYLOADS)
def test_a_payload_comes_back_as_given(index: Index, space: Space, payload: Payload) -> None:
    assert index.upsert(space, [IndexObject(number_id(0), unit_vectors(1, 8)[0], payload)]) == {}
    assert index.fetch(space, [number_id(0)])[number_id(0)].payload == payload


def test_search_agrees_with_numpy(index: Index, space: Space) -> None:
    objects = made(600)
    index.upsert(space, objects)
    for query in unit_vectors(5, 8, seed=9) * 3:  # length is nothing to a cosine
        matches = index.search(space, query, 10)
        distances = 1 - np.stack([each.vector for each in objects]) @ (query / np.linalg.norm(query))
        assert [match.id for match in matches] == [number_id(i) for i in np.argsort(distances)[:10]]
        assert np.allclose([match.distance for match in matches], np.sort(distances)[:10], atol=1e-5)
    nearest = index.search(space, objects[17].vector, 1)[0]
    assert nearest.id == number_id(17)
    assert 0 <= (nearest.distance or 0) < 1e-5
    for query in (np.ones(7, np.float32), np.zeros(8, np.float32), np.full(8, np.nan, np.float32)):
        with pytest.raises(InvalidModelOutput):
            index.search(space, query, 5)


def test_a_filter_finds_its_k_behind_nearer_ones(index: Index, space: Space) -> None:
    objects = made(1_000)
    query = objects[0].vector
    far = sorted(objects, key=lambda each: float(each.vector @ query))[:5]
    for each in far:
        each.payload = Payload(owner="bob", kind="image")
    index.upsert(space, objects)
    assert {match.id for match in index.search(space, query, 5, Where(owner="bob"))} == {each.id for each in far}


def words(text: str) -> set[str]:
    """By hand for what is asked here: runs of letters and digits, caseless, é as e."""
    bare = "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c)).casefold()
    return {"".join(run) for is_word, run in itertools.groupby(bare, lambda c: c.isalnum() or c == "_") if is_word}


def expected(payload: Payload, where: Where) -> bool:
    def said(asked: tuple[str, ...], values: tuple[str, ...]) -> bool:
        return not asked or any(words(a) and words(a) <= words(v) for a in asked for v in values)

    return (
        where.owner in (None, payload.owner)
        and (payload.kind != "superseded" or where.editions == "all" or bool(where.document))
        and (not where.document or bool({*where.document} & {*payload.documents}))
        and all(said(getattr(where, name), getattr(payload, name)) for name in WORDED)
        and said(where.product, payload.names)
        and (not where.page or bool({*where.page} & {*payload.pages}))
        and (where.price_min is None or (payload.price is not None and payload.price >= where.price_min))
        and (where.price_max is None or (payload.price is not None and payload.price <= where.price_max))
    )


NAMES = st.sampled_from([
    "Tiles", "tiles", "TILES ", "the", "Ann's", 'a "b"', "x\\", "'; DROP", "straße", "STRASSE", "中", "wall tiles",
    "Tiles for the wall", "Décor", "decor, b", "a*b", "?", "<b>", "a|b", "a_b",
])  # fmt: skip
IDS = st.sampled_from(["d1", "d2", "D1", "d'1", "' OR true --"])
PRICES = st.sampled_from([0.0, 1e-7, 9.99, 10.0, 1e9])
FILTERED = st.builds(
    Payload,
    owner=st.sampled_from(["ann", "Ann", "bob"]),
    kind=st.sampled_from(["image", "image", "superseded"]),
    documents=st.lists(IDS, max_size=2).map(tuple),
    price=st.none() | PRICES,
    pages=st.lists(st.integers(1, 4), max_size=2).map(tuple),
    **dict.fromkeys((*WORDED, "names"), st.lists(NAMES, max_size=2).map(tuple)),
)
WHERES = st.builds(
    Where,
    owner=st.none() | st.sampled_from(["ann", "Ann", "eve", "' OR true --"]),
    document=st.lists(IDS, max_size=2).map(tuple),
    **dict.fromkeys((*WORDED, "product"), st.just(()) | st.lists(NAMES | WORDS, max_size=2).map(tuple)),
    price_min=st.none() | PRICES,
    price_max=st.none() | PRICES | st.just(float("inf")),
    page=st.lists(st.integers(1, 4), max_size=2).map(tuple),
    editions=st.sampled_from(["newest", "all"]),
)


SHADES = st.sampled_from(
    ["navy", "Blau", "dark blue", "oak", "Rovere bianco", "white oak", "gres porcellanato", "&", "x"]
)
TINTED = st.builds(
    Payload,
    owner=st.just("ann"),
    kind=st.just("image"),
    material=st.lists(SHADES, max_size=2).map(tuple),
    colors=st.lists(SHADES, max_size=2).map(tuple),
    price=st.none() | PRICES,
)
TINTS = SHADES | st.sampled_from(["blue", "porcelain", "white", "bianco", "wood", "blue porcelain", "blue marble"])
TINTED_WHERES = st.builds(
    Where,
    material=st.lists(TINTS, max_size=2).map(tuple),
    color=st.lists(TINTS, max_size=1).map(tuple),
    price_min=st.none() | PRICES,
)


@SEVERAL
@given(
    payloads=st.lists(FILTERED | TINTED, min_size=12, max_size=12),
    wheres=st.lists(WHERES | TINTED_WHERES, min_size=4, max_size=4),
)
def test_filters_hold_for_count_and_search(
    index: Index, space: Space, payloads: list[Payload], wheres: list[Where]
) -> None:
    objects = made(12)
    for each, payload in zip(objects, payloads, strict=True):
        each.payload = payload
    index.delete(space, [each.id for each in objects])  # an id is of one owner for good
    index.upsert(space, objects)
    for where in wheres:
        right = {each.id for each in objects if satisfies(where)(each.payload)}
        if not (where.material or where.color):
            assert right == {each.id for each in objects if expected(each.payload, where)}
        assert {match.id for match in index.search(space, objects[0].vector, 12, where)} == right
        assert index.count(space, where) == len(right)


VALUES: Mapping[Kind, Any] = {
    **dict.fromkeys((Kind.IDS, Kind.PRODUCTS, Kind.WORDS, Kind.TERMS), ("x", "y", "z")),
    Kind.NUMBERS: (1, 2, 3),
    **dict.fromkeys((Kind.AT_LEAST, Kind.AT_MOST), 2.0),
}
"""Of several values an object has the first two, and the last two are asked for; a price is that and the limit."""


def test_every_filter_finds_its_column(index: Index, space: Space) -> None:
    columns = dict.fromkeys(each.column for each in FILTERS.values())
    kinds = {each.column: each.kind for each in FILTERS.values()}
    objects = made(1 + len(columns))
    held = dict(zip(columns, objects[1:], strict=True))
    for column, each in held.items():
        value = VALUES[kinds[column]]
        own = value[:2] if isinstance(value, tuple) else value
        each.payload = Payload.model_validate({"owner": "ann", "kind": "image", column: own})
    index.upsert(space, objects)
    for name, each in FILTERS.items():
        value = VALUES[each.kind]
        where = Where.model_validate({name: value[1:] if isinstance(value, tuple) else value, "editions": "all"})
        assert [match.id for match in index.search(space, objects[0].vector, 20, where)] == [held[each.column].id], name
        assert [o.id for o in objects if satisfies(where)(o.payload)] == [held[each.column].id], name
    beyond = (Where(price_min=2.1), Where(price_max=1.9), Where(product=(number_id(901),)))
    assert [index.count(space, where) for where in beyond] == [0, 0, 0]


def test_a_product_is_found_by_id_or_name(index: Index, space: Space) -> None:
    objects = made(3)
    objects[0].payload = Payload(owner="ann", kind="image", products=(number_id(901),), names=("Nordvik Oak",))
    objects[1].payload = Payload(owner="ann", kind="image", products=(number_id(902),), names=("Terra Nova",))
    index.upsert(space, objects)

    def found(*products: str) -> list[str]:
        return sorted(match.id for match in index.search(space, objects[0].vector, 9, Where(product=products)))

    assert found(number_id(902)) == found("nova") == [number_id(1)]
    assert found("oak nordvik", number_id(902)) == [number_id(0), number_id(1)]
    assert found(number_id(903)) == []


def test_keywords_are_found_in_text_and_names(index: Index, space: Space) -> None:
    objects = made(4)
    for each, text, names in zip(
        objects,
        ["Oak plank, brushed", "Marble for floors; marble for walls. Marble!", "Größe 60x120 der Serie", "plain"],
        [(), (), (), ("Oak & Co.", "Séville")],
        strict=True,
    ):
        each.payload = Payload(owner="ann" if each is not objects[0] else "bob", kind="image", text=text, names=names)
    index.upsert(space, objects)

    def found(query: str, where: Where | None = None) -> set[str]:
        return {match.id for match in index.keyword(space, query, 10, where)}

    assert found("OAK") == {number_id(0), number_id(3)}
    assert found("oak", Where(owner="ann")) == {number_id(3)}
    assert found("grosse") | found("Größe") == {number_id(2)}
    assert found("seville") == {number_id(3)}
    assert found("der") == {number_id(2)}  # no stop words: catalogues speak many languages
    assert found("walls oak") == {number_id(0), number_id(1), number_id(3)}
    assert found("zebrano") == found("") == found("!?") == found("'") == set()
    scores = [match.score or 0 for match in index.keyword(space, "marble oak", 10)]
    assert scores == sorted(scores, reverse=True)
    assert index.keyword(space, "marble", 1)[0].id == number_id(1)


def test_only_the_owners_asked_for_are_searched(index: Index, space: Space) -> None:
    (vector,) = unit_vectors(1, 8)
    owners = ("ann", "Ann", "bert", "carl")
    for number, owner in enumerate(owners):
        payload = Payload(owner=owner, kind="image", text="oak")
        index.upsert(space, [IndexObject(number_id(number), vector, payload)])
    where = Where(owners=("ann", "bert"))
    for found in (index.search(space, vector, 10, where), index.keyword(space, "oak", 10, where)):
        assert {match.id for match in found} == {number_id(0), number_id(2)}
    assert index.count(space, where) == 2
    found_here = [owner for owner in owners if satisfies(where)(Payload(owner=owner, kind="image"))]
    assert found_here == ["ann", "bert"]


def test_a_dropped_space_may_come_back_empty(index: Index, space: Space) -> None:
    index.upsert(space, made(3))
    index.drop(space)
    index.drop(space)
    assert space.name not in index.spaces()
    index.delete(space, [number_id(0)])
    for asked in (
        lambda: index.count(space),
        lambda: index.fetch(space, [number_id(0)]),
        lambda: index.search(space, unit_vectors(1, 8)[0], 1),
        lambda: index.keyword(space, "oak", 1),
        lambda: index.upsert(space, made(1)),
        lambda: [*index.ids(space)],
    ):
        with pytest.raises(Configuration, match="rebuild-index"):
            asked()
    index.ensure(space)
    assert index.count(space) == 0


def test_spaces_are_all_listed_with_one_dimension(index: Index, space: Space) -> None:
    with pytest.raises(Configuration, match=r"8.* not .*9"):
        index.ensure(space.model_copy(update={"dimension": 9}))
    more = [space.model_copy(update={"tag": f"{space.tag}{i}"}) for i in range(12)]
    for each in more:
        index.ensure(each)
    assert {each.name for each in [space, *more]} <= {*index.spaces()}, "more than fit a page"
    for each in more:
        index.drop(each)
    index.upsert(space, made(1))
    index.close()
    index.close()
    assert index.count(space) == 1, "a closed index opens again"


def test_threads_share_one_index(index: Index, space: Space) -> None:
    objects = made(400)

    def write(start: int) -> int:
        assert index.upsert(space, objects[start : start + 50]) == {}
        return len(index.search(space, objects[start].vector, 5))

    with ThreadPoolExecutor(4) as threads:
        assert [*threads.map(write, range(0, 400, 50))] == [5] * 8
    assert index.count(space) == 400


def test_three_processes_leave_each_id_once(
    index: Index, space: Space, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    if name := {"lance": "index", "plugin": "vectors"}.get(request.node.callspec.params["index"]):
        folder, server = tmp_path / name, ("", 0, "")
    elif request.node.callspec.params["index"] == "minio":
        folder, server = tmp_path, (f"{request.getfixturevalue('minio_bucket').url}/shop/index", 0, "")
    else:
        running = request.getfixturevalue("weaviate_server")
        folder, server = None, (running.url, running.grpc_port, running.api_key)
    barrier = warm().Barrier(3)
    writers = [
        warm().Process(target=write_six_hundred, args=(barrier, space, seed, folder, server, {**os.environ}))
        for seed in range(3)
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(180)
    assert [writer.exitcode for writer in writers] == [0, 0, 0]
    assert sorted(index.ids(space)) == [number_id(i) for i in range(600)]
    assert index.count(space) == 600


def test_search_during_a_drop_is_whole_or_fails(index: Index) -> None:
    vector = unit_vectors(1, 8)[0]

    def search_until_it_fails(space: Space) -> set[int]:
        found = set[int]()
        with suppress(Failure):
            while True:
                found.add(len(index.search(space, vector, 10)))
        return found

    with ThreadPoolExecutor(4) as threads:
        for number in range(5):
            space = Space(role=Role.VISUAL, tag=f"dropped@{number}/plain", dimension=8)
            index.ensure(space)
            index.upsert(space, made(5))
            searches = [threads.submit(search_until_it_fails, space) for _ in range(4)]
            time.sleep(0.02)
            index.drop(space)
            assert all(search.result() <= {5} for search in searches)
            with pytest.raises(Configuration, match="no space"):
                index.search(space, vector, 10)

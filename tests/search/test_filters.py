"""Filters hold and find: every result by image, product and chunk satisfies them all, and nothing that does is missing;
on both indexes, in the library and over HTTP. Facets count what searches find.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from swatchbook.domain.records import Hit, ResultKind
from swatchbook.domain.settings import Settings
from swatchbook.index.contract import FILTERS, Where
from swatchbook.resources import Resources
from swatchbook.search.judged_hits import Ranked, judge, weights_of_relevance
from swatchbook.search.relevance import probability
from swatchbook.search.request import SearchRequest
from swatchbook.search.search import search
from swatchbook.store.ledger.queries.filters import facets_of, unmatched
from swatchbook.store.ledger.space_registry import registered
from swatchbook.store.ledger.stored_documents import all_documents
from swatchbook_service.app import create_app
from tests.doors.conftest import ADDRESS
from tests.doors.served import rest
from tests.fixtures import SOAK
from tests.search.filtered import ANNA, BY_WORDS, MADE_UP, OTHER, SAME, SEEN, Thing, fill, has, things
from tests.tables import check_rows
from tests.weaviate_server import WEAVIATE, RunningWeaviate

KINDS: tuple[ResultKind, ...] = ("image", "product", "chunk")


class Collection(NamedTuple):
    resources: Resources
    client: TestClient
    things: dict[str, dict[str, Thing]]

    @property
    def documents(self) -> dict[str, str]:
        of = all_documents(self.resources.ledger, ANNA)
        return {"older" if each.superseded_by else "newer": each.id for each in of}

    def over_http(self, by: ResultKind, asked: dict[str, Any]) -> set[str]:
        answer = self.client.get("/search", params={"text": "oak", "by": by, "k": 100, "owner": ANNA, **asked})
        assert answer.status_code == 200, answer.text
        return {id for hit in answer.json()["hits"] if hit["close"] for id in (hit["id"], *hit["alike"])}

    def hits(self, by: ResultKind, asked: dict[str, Any], k: int = 100, folded: bool = False) -> list[Hit]:
        return search(self.resources, SearchRequest("oak", where=where(asked), by=by, k=k), folded=folded)

    def found(self, by: ResultKind, asked: dict[str, Any], k: int = 100) -> set[str]:
        return {hit.id for hit in self.hits(by, asked, k)}

    def right(self, by: ResultKind, asked: dict[str, Any]) -> set[str]:
        return {id for id, thing in self.things[by].items() if has(thing, asked)}

    def product(self, name: str) -> str:
        return next(id for id, each in self.things["product"].items() if name in each.names and each.owner == ANNA)

    def relevant(self, hits: list[Hit], by: ResultKind, owners: list[str]) -> set[str]:
        """Return what a search of these owners (none: all) shows of the hits: each is judged by what its owner has."""
        floor = self.resources.settings.relevance_floor
        fitted = weights_of_relevance(self.resources)
        judged = judge(self.resources, [Ranked(hit, hit.why) for hit in hits], "oak", by, Where(owners=tuple(owners)))
        shown = [hit for hit, each in zip(hits, judged, strict=True) if probability(each.evidence, fitted) >= floor]
        return {id for hit in shown for id in (hit.id, *hit.alike)}


ONE_SPELLING = {"nord": "Nord"}
"""Values that filters do not tell apart; which of them a facet shows depends on the counts."""


def where(asked: dict[str, Any]) -> Where:
    """The filters and owners, as over HTTP, as the library takes them."""
    given = dict(asked)
    owners = given.pop("owner", [ANNA])
    whose = {"owner": owners[0]} if len(owners) == 1 else {"owners": owners}
    return Where.model_validate(whose | given)


@pytest.fixture(scope="module", params=["lance", WEAVIATE])
def collection(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, ingested_home: Path
) -> Iterator[Collection]:
    home = tmp_path_factory.mktemp("filtered") / "home"
    shutil.copytree(ingested_home, home)
    chosen = Settings(home=home)
    if request.param == "weaviate":
        server: RunningWeaviate = request.getfixturevalue("weaviate_server")
        chosen = Settings(
            home=home,
            index="weaviate",
            weaviate={"url": server.url, "grpc_port": server.grpc_port, "api_key": SecretStr(server.api_key)},
        )  # fmt: skip
    app = create_app(chosen, loop=rest)
    with TestClient(app, base_url=ADDRESS) as client:
        resources: Resources = app.state.resources
        fill(resources)
        yield Collection(resources, client, things(resources.ledger))
        for each in registered(resources.ledger):
            resources.index.drop(each.space)  # the server goes on with other tests


TEXTS = {
    "material": st.sampled_from([*(each for each in SAME if each not in ("blue", "blau")), "spazzolato", "titanium"]),
    "color": st.sampled_from([*SAME, *SEEN, "chartreuse"]),
    "category": st.sampled_from(["tiles", "FLOOR tiles", "wood", "terrazzo stone", "lamps", "chairs"]),
    "brand": st.sampled_from(["nord", "Sohne", "öst", "ost", "other"]),
    "size": st.sampled_from(["60x120", "60 × 120", "30 X 30 ", "120", "cm", "xl", "1,5 m"]),
    "condition": st.sampled_from(["new", "USED", "good used", "like new", "broken"]),
    "currency": st.sampled_from(["EUR", "chf", "DH", "GBP"]),
    "host": st.sampled_from(["shop.example", "www.shop.example", "outlet.example", "example", "broken"]),
    "product": st.sampled_from([*MADE_UP, "palladio", "grande brina", "nobody"]),
}
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    **{name: st.lists(values, min_size=1, max_size=2, unique=True) for name, values in TEXTS.items()},
    "page": st.lists(st.integers(1, 8), min_size=1, max_size=3, unique=True),
    "price_min": st.sampled_from([0.0, 12.5, 50.0, 90.0, 200.0]),
    "price_max": st.sampled_from([12.5, 50.0, 100.0, 210.0]),
    "editions": st.sampled_from(["newest", "all", "all"]),
    "document": st.lists(st.sampled_from(["older", "newer"]), min_size=1, max_size=2, unique=True),
}
ASKED = st.lists(st.sampled_from(sorted(FIELDS)), min_size=1, max_size=3, unique=True).flatmap(
    lambda names: st.fixed_dictionaries({name: FIELDS[name] for name in names})
)
assert FIELDS.keys() == {*FILTERS, "editions"}, "every filter is tried"

OWNERS = st.sampled_from([[ANNA, OTHER], [], [OTHER], [ANNA]])  # none: all


@pytest.mark.gate
def test_results_satisfy_owner_and_filters(collection: Collection) -> None:
    matching = list[bool]()

    @settings(max_examples=60 if SOAK else 12, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(asked=ASKED, owners=OWNERS)
    def hold(asked: dict[str, Any], owners: list[str]) -> None:
        asked = asked | {"owner": owners}
        if "document" in asked:
            asked = asked | {"document": [collection.documents[name] for name in asked["document"]]}
        right = {by: collection.right(by, asked) for by in KINDS}
        matching.append(any(right.values()))
        for by in KINDS:
            hits = collection.hits(by, asked, folded=True)
            assert {id for hit in hits for id in (hit.id, *hit.alike)} == right[by], (by, asked)
            assert collection.over_http(by, asked) == collection.relevant(hits, by, owners), (by, asked)

    hold()
    assert sum(matching) >= len(matching) / 2


def test_price_is_that_of_the_product(collection: Collection) -> None:
    dear = collection.product("Brina Grande")
    shared = [
        each for each in collection.things["image"].values() if dear in each.products and (each.price({}) or 0) <= 50
    ]
    assert shared, "a picture of it that shows a cheaper product too"
    assert dear not in collection.found("product", {"price_max": 50})
    assert dear in collection.found("product", {"price_min": 200})


@pytest.mark.parametrize("by", KINDS)
def test_few_results_are_as_true_as_many(collection: Collection, by: ResultKind) -> None:
    for asked in ({"color": ["blue"]}, {"price_min": 90.0}, {"page": [3]}, {"material": ["porcelain"]}):
        right = collection.right(by, asked)
        assert len(collection.found(by, asked, k=1)) == min(1, len(right))
        assert collection.found(by, asked, k=3) <= right


@pytest.mark.parametrize(
    ("by", "asked"),
    [
        *((by, {}) for by in KINDS),
        ("image", {"color": ["blue"]}),
        *((by, {"price_max": 60.0, "currency": ["EUR"]}) for by in ("image", "product")),
        ("chunk", {"page": [2], "category": ["tiles"]}),
    ],
)
def test_facets_count_what_a_search_finds(collection: Collection, by: ResultKind, asked: dict[str, Any]) -> None:
    right = [collection.things[by][id] for id in collection.right(by, asked)]
    counted = facets_of(collection.resources.read_cache(), by, where(asked))
    answer = collection.client.get("/facets", params={"by": by, "owner": ANNA, **asked})
    assert answer.json() == counted.model_dump(mode="json")
    assert (counted.by, counted.total) == (by, len(right))
    fields = {"category": "category", "product": "names", "page": "pages"} | {name: name for name in BY_WORDS}
    for field, of in fields.items():
        expected: dict[str, int] = {}
        for thing in right:
            for value in {ONE_SPELLING.get(value, value) for value in getattr(thing, of)}:
                expected[str(value)] = expected.get(str(value), 0) + 1
        values = counted.fields[field].values
        spelt = {each.value.replace(" × ", "x") if field == "size" else each.value: each.count for each in values}
        assert {ONE_SPELLING.get(value, value): count for value, count in spelt.items()} == expected
        assert [each.count for each in values] == sorted(expected.values(), reverse=True)
    prices = [price for thing in right if (price := thing.price(asked)) is not None]
    assert (counted.price is None) == (not prices)
    if counted.price:
        assert (counted.price.lowest, counted.price.highest) == (min(prices), max(prices))
        assert counted.price.count == len(prices)


@pytest.mark.parametrize("by", KINDS)
def test_values_of_facets_find_what_they_count(collection: Collection, by: ResultKind) -> None:
    for field, facet in facets_of(collection.resources.read_cache(), by, where({})).fields.items():
        for each in facet.values[: None if SOAK else 1]:
            assert len(collection.found(by, {field: [each.value]})) >= each.count, (field, each)


def test_the_nearest_values_are_named(collection: Collection) -> None:
    def nearest(asked: dict[str, Any], field: str) -> str:
        assert collection.found("product", asked) == set()
        missed = {each.field: each for each in unmatched(collection.resources.ledger, "product", where(asked))}
        params = {"text": "oak", "by": "product", "owner": ANNA, **asked}
        told = collection.client.get("/search", params=params).json()["unmatched"]
        assert told == [each.model_dump(mode="json") for each in missed.values()]
        return missed[field].nearest[0]

    check_rows(__file__, "nearest", nearest)


def test_only_filters_that_match_nothing_are_named(collection: Collection) -> None:
    def fields(by: ResultKind, asked: Where) -> list[str]:
        return [each.field for each in unmatched(collection.resources.ledger, by, asked)]

    nothing = where({"material": ["titanium"], "category": ["chairs"]})
    assert fields("product", nothing) == ["category", "material"]
    assert fields("product", where({"material": ["porcelain"]})) == fields("product", where({})) == []
    assert fields("image", Where(owner="nobody", material=("oak",))) == []


@pytest.mark.parametrize("by", KINDS)
def test_older_editions_are_found_by_who_asks(collection: Collection, by: ResultKind) -> None:
    older = {id for id, thing in collection.things[by].items() if thing.superseded and thing.owner == ANNA}
    assert older
    assert older.isdisjoint(collection.found(by, {}))
    assert older <= collection.found(by, {"editions": "all"})
    asked = {"document": [collection.documents["older"]]}
    assert older <= collection.found(by, asked) == collection.right(by, asked)
    assert collection.found(by, {"price_max": 5.0}) == set()  # also of a picture that the newer edition shows too
    assert collection.found(by, {"price_max": 5.0, "editions": "all"}) == older
    values = facets_of(collection.resources.read_cache(), by, where({})).fields
    assert [each.value for each in values["document"].values] == [collection.documents["newer"]]
    assert "Vecchio" not in {each.value for each in values["product"].values}

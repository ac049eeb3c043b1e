"""Owners moved into Weaviate's tenants and back, and to other vector indexes: always searched, killed anywhere."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import pytest
from weaviate.classes.query import MetadataQuery

from swatchbook.domain.errors import Configuration
from swatchbook.domain.settings import flatten, replace
from swatchbook.index.contract import MovableIndex, Space, Where
from swatchbook.ingest.delete import delete, delete_owner
from swatchbook.ingest.publish import publish_all
from swatchbook.resources import Resources, open_resources
from swatchbook.store.ledger import publishing
from swatchbook.store.ledger.space_registry import active_spaces
from swatchbook.upkeep.rename_owner import rename
from swatchbook.upkeep.verify import rebuild, repair_index, verify
from swatchbook_weaviate.index import WeaviateIndex
from swatchbook_weaviate.move_spaces import move_spaces, plan_move
from tests.command import forked
from tests.ingest.test_delete import make
from tests.new_collection import NewCollection, environment_of
from tests.store.ledger.scene import image
from tests.upkeep.test_verify import spaces

pytestmark = pytest.mark.stack

OWNERS = ("anna", "bert", "Bert")
PICTURES = 40  # of each owner


def pictures() -> tuple[str, ...]:
    return tuple(f"picture {number}" for number in range(PICTURES))


def visual(resources: Resources) -> Space:
    return next(space for space in spaces(resources) if space.role == "visual")


def found(resources: Resources, where: Where | None = None) -> set[str]:
    """Every picture that a search by vector finds."""
    space = visual(resources)
    matches = resources.index.search(space, np.ones(space.dimension, np.float32), 1_000, where)
    assert [each.distance for each in matches] == sorted(each.distance or 0 for each in matches)
    return {match.id for match in matches}


def of(*owners: str) -> set[str]:
    return {image(name, owner) for owner in owners for name in pictures()}


@contextmanager
def chosen(resources: Resources, **settings: object) -> Iterator[Resources]:
    """The same collection in a process with other settings."""
    with open_resources(replace(resources.settings, flatten(settings))) as other:
        yield other


@contextmanager
def searched(resources: Resources) -> Iterator[None]:
    """Somebody searches until the end of the block, with the settings from before; then every answer was whole."""
    stop, wrong, answers = threading.Event(), list[object](), list[int]()
    expected = of(*OWNERS)

    def ask() -> None:
        while not stop.is_set():
            try:
                if missing := expected - found(resources):
                    wrong.append(len(missing))
                of_anna = {
                    each.id for each in resources.index.keyword(visual(resources), "oak", 1_000, Where(owner="anna"))
                }
                if missing := of("anna") - of_anna:
                    wrong.append(f"keyword: {len(missing)}, layouts {resources.index.move_state(visual(resources))}")
                answers.append(1)
            except Exception as error:
                wrong.append(error)

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        yield
    finally:
        stop.set()
        asking.join()
    assert wrong == []
    assert answers


def assert_whole(resources: Resources) -> None:
    """Every space has one collection, in the layout of the settings, with what the ledger says; aliases point there."""
    assert plan_move(resources) == []
    for space in spaces(resources):
        held = list(resources.index.ids(space))
        assert sorted(held) == sorted(publishing.searchable_ids(resources.ledger, space)) != []
        assert resources.index.count(space) == len(held)
    assert isinstance(resources.index, MovableIndex)
    for role, each in active_spaces(resources.ledger).items():
        assert resources.index.active(role) == each.space.name
    assert publishing.count_unpublished(resources.ledger) == 0
    assert all(not each.missing and not each.foreign for each in verify(resources).spaces)


def filled(collection: Resources) -> Resources:
    for owner in OWNERS:
        make(collection, *pictures(), owner=owner)
    return collection


@pytest.fixture
def resources(new_collection: NewCollection) -> Resources:
    """Three owners together, in the default layout."""
    return filled(new_collection(index="weaviate"))


@pytest.fixture
def apart(new_collection: NewCollection) -> Resources:
    """Three owners in tenants."""
    return filled(new_collection(index="tenants"))


def tenants(resources: Resources) -> dict[str, str]:
    """The tenants of the visual space, with their state."""
    assert isinstance(resources.index, WeaviateIndex)
    with resources.index._server.answering() as client:
        found = client.collections.use(f"Swatchbook_{visual(resources).name}__tenants").tenants.get()
        return {name: each.activity_status.value for name, each in found.items()}


OTHERS = [
    {"weaviate": {"tenants": True}},
    {"weaviate": {"index": "hnsw_sq"}},
    {"weaviate": {"index": "flat_bq", "tenants": True}},
]


@pytest.mark.parametrize("settings", OTHERS, ids=str)
def test_owners_move_there_and_back_while_people_search(resources: Resources, settings: dict[str, object]) -> None:
    with searched(resources):
        with chosen(resources, **settings) as other:
            assert {each.space for each in move_spaces(other)} == {space.name for space in spaces(resources)}
            assert_whole(other)
            assert found(other) == of(*OWNERS)
            assert found(other, Where(owner="bert")) == of("bert")
            assert found(other, Where(owners=("bert", "Bert"))) == of("bert", "Bert")
            assert other.index.count(visual(other), Where(owner="anna")) == PICTURES
            assert move_spaces(other) == []
        assert len(move_spaces(resources)) == len(spaces(resources))
    assert_whole(resources)


class Died(BaseException):
    """The process was killed here."""


STEPS = [(name, when) for name in ("begin_move", "switch_move", "end_move") for when in ("before", "after")]


@pytest.mark.parametrize(("step", "when"), STEPS)
def test_move_that_died_at_any_step_goes_on(
    resources: Resources, step: str, when: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real: Callable[[WeaviateIndex, Space], None] = getattr(WeaviateIndex, step)

    def die(index: WeaviateIndex, space: Space) -> None:
        if when == "after":
            real(index, space)
        raise Died

    with searched(resources), chosen(resources, weaviate={"tenants": True}) as other:
        with monkeypatch.context() as patch:
            patch.setattr(WeaviateIndex, step, die)
            with pytest.raises(Died):
                move_spaces(other)
        late = make(resources, "late", content="of the time between")  # by a process with the older settings
        assert image("late") in found(resources)
        assert delete(resources, late)
        move_spaces(other)
        assert_whole(other)


def test_killed_command_goes_on(resources: Resources) -> None:
    environment = environment_of(resources) | {"SWATCHBOOK_WEAVIATE__TENANTS": "true"}
    names = {f"Swatchbook_{space.name}__tenants" for space in spaces(resources)}
    assert isinstance(resources.index, WeaviateIndex)
    with searched(resources):
        for begun in (1, len(names)):
            with forked("spaces", "move", **environment) as command:
                while command.poll() is None and len(names & collections(resources)) < begun:
                    threading.Event().wait(0.01)
                command.kill()
        with chosen(resources, weaviate={"tenants": True}) as other:
            move_spaces(other)
            assert_whole(other)


def test_move_writes_only_what_differs_where_people_search(resources: Resources) -> None:
    """Weaviate's keyword search misses an object now and then while it is replaced, even by itself."""

    def publish() -> None:
        publishing.mark_dirty(resources.ledger, publishing.searchable_ids(resources.ledger, space))
        publish_all(resources, at_most=0)

    def written() -> dict[str, object]:
        asked = MetadataQuery(last_update_time=True)
        with resources.index._server.answering() as client:
            held = client.collections.use(f"Swatchbook_{space.name}").query.fetch_objects(
                limit=200, return_metadata=asked
            )
        return {str(each.uuid): each.metadata.last_update_time for each in held.objects}

    assert isinstance(resources.index, WeaviateIndex)
    space = visual(resources)
    with chosen(resources, weaviate={"index": "hnsw_sq"}) as other:
        assert isinstance(other.index, WeaviateIndex)
        before = written()
        other.index.begin_move(space)
        publish()
        assert sorted(other.index.moved_ids(space)) == sorted(before)
        assert written() == before
        changed = sorted(before)[0]
        [held] = resources.index.fetch(space, [changed]).values()
        held.payload = held.payload.model_copy(update={"text": "Its text has changed."})
        assert resources.index.upsert(space, [held]) == {}
        assert {id for id, time in written().items() if time != before[id]} == {changed}
        publish()  # the ledger's text again, which differs
        move_spaces(other)
        assert_whole(other)


def collections(resources: Resources) -> set[str]:
    assert isinstance(resources.index, WeaviateIndex)
    with resources.index._server.answering() as client:
        return set(client.collections.list_all(simple=True))


def test_renamed_owner_keeps_its_tenant(apart: Resources) -> None:
    before = tenants(apart)
    assert len(before) == len(OWNERS)
    rename(apart, "anna", "lena")
    assert found(apart, Where(owner="lena")) == of("anna")
    assert found(apart, Where(owner="anna")) == set()
    make(apart, "new")  # under the old name begins another collection
    assert len(found(apart, Where(owner="anna"))) == 1
    assert len(tenants(apart)) == len(OWNERS) + 1
    assert verify(apart).spaces
    assert_whole(apart)


def test_deleted_owner_has_no_tenant(apart: Resources) -> None:
    assert delete_owner(apart, "bert")
    assert len(tenants(apart)) == 2
    assert found(apart) == of("anna", "Bert")
    assert found(apart, Where(owner="bert")) == set()
    assert_whole(apart)


def test_idle_tenant_rests_and_wakes_when_searched(apart: Resources, monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(apart.index, MovableIndex)
    assert apart.index.rest() == 0
    assert set(tenants(apart).values()) == {"ACTIVE"}
    monkeypatch.setattr("swatchbook_weaviate.tenants.IDLE_SECONDS", 0.0)
    apart.index.rest()
    assert set(tenants(apart).values()) == {"INACTIVE"}
    assert found(apart, Where(owner="bert")) == of("bert")
    assert sorted(tenants(apart).values()) == ["ACTIVE", "INACTIVE", "INACTIVE"]
    assert repair_index(apart) == 0
    assert sorted(tenants(apart).values()) == ["ACTIVE", "INACTIVE", "INACTIVE"], "the others rest again"
    assert found(apart) == of(*OWNERS)


def test_lost_tenants_are_published_again(apart: Resources) -> None:
    assert isinstance(apart.index, MovableIndex)
    apart.index.drop_unused_tenants(lambda: ["anna"])
    assert found(apart) == of("anna")
    assert repair_index(apart) > 0
    assert_whole(apart)
    rebuild(apart)
    assert_whole(apart)
    assert found(apart, Where(owner="Bert")) == of("Bert")


def test_other_index_says_that_it_has_one_layout(new_collection: NewCollection) -> None:
    with pytest.raises(Configuration, match="only one layout"):
        move_spaces(new_collection(index="lance"))

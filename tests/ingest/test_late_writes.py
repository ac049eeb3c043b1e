"""Writes to the index that arrive after their publisher has died, hung or given up leave nothing behind."""

import asyncio
from collections.abc import Mapping, Sequence

import pytest

from swatchbook.deployments.tick import tick
from swatchbook.domain.errors import Failure, IndexDown
from swatchbook.index.contract import WRITE_SECONDS, IndexObject, Space
from swatchbook.ingest import publish as publish_module
from swatchbook.ingest.delete import delete
from swatchbook.ingest.publish import publish_all, publish_round
from swatchbook.resources import Resources
from swatchbook.store.ledger import publishing, stage_results
from swatchbook.store.ledger.item_tries import LEASE_SECONDS
from swatchbook.store.ledger.runs import Run
from swatchbook.store.ledger.space_registry import registered
from swatchbook.store.ledger.tables import images, late_writes
from tests.doubles.index import TroubledIndex, once, troubled
from tests.store.ledger.scene import begin, change, extraction, image, make_all, placed, rows_of

PICTURES = tuple(f"picture {n}" for n in range(5))


def made(resources: Resources, *names: str, caption: str = "") -> Run:
    """A document whose pictures are made and not yet published."""
    run = begin(resources.ledger)
    shown = [placed(run, name, caption=caption) for name in names]
    stage_results.save_extraction(resources.ledger, run, extraction(*shown))
    make_all(resources.ledger, run)
    return run


KEPT = image("of another document")


def published(resources: Resources) -> Run:
    """A document that is published, and to be published again; another one keeps its spaces when it is deleted."""
    other = begin(resources.ledger, content="another")
    stage_results.save_extraction(resources.ledger, other, extraction(placed(other, "of another document")))
    make_all(resources.ledger, other)
    run = made(resources, *PICTURES)
    publish_round(resources)
    publishing.mark_dirty(resources.ledger)
    return run


def spaces(resources: Resources) -> list[Space]:
    return [each.space for each in registered(resources.ledger)]


def held(resources: Resources) -> set[str]:
    """The ids of all objects in the index, but for those of the other document."""
    return {each for space in spaces(resources) for each in resources.index.ids(space)} - {KEPT}


def texts(resources: Resources) -> set[str]:
    """The texts of all objects in the index."""
    found = set[str]()
    for space in spaces(resources):
        found |= {each.payload.text for each in resources.index.fetch(space, [*resources.index.ids(space)]).values()}
    return found


def let_late_writes_be_due(resources: Resources) -> None:
    change(resources.ledger, late_writes, due_at=0.0)


def end_leases(resources: Resources) -> None:
    """As if the publisher had been silent for a minute."""
    change(resources.ledger, images, images.c.publish_lease.is_not(None), publish_until=0.0)


def objects_to_publish(resources: Resources) -> list[tuple[Space, list[IndexObject]]]:
    """What a publisher that has just leased everything is about to write."""
    rows = publishing.lease_dirty(resources.ledger, "publish:one that dies")
    found = publishing.publications(resources.ledger, rows)
    return [
        (each.space, [IndexObject(p.row.id, p.vectors[each.pair], p.payload) for p in found if each.pair in p.vectors])
        for each in registered(resources.ledger)
    ]


def test_write_ends_within_the_lease_of_its_publisher() -> None:
    assert publish_module._RENEW_SECONDS + WRITE_SECONDS < LEASE_SECONDS
    assert publishing.LATE_SECONDS[0] >= LEASE_SECONDS + WRITE_SECONDS


def test_write_that_arrives_after_the_delete_is_removed(resources: Resources, monkeypatch: pytest.MonkeyPatch) -> None:
    run = published(resources)
    in_the_network = objects_to_publish(resources)
    end_leases(resources)
    assert delete(resources, run.document)
    assert held(resources) == set()
    for space, objects in in_the_network:
        resources.index.upsert(space, objects)
    assert held(resources) == {image(name) for name in PICTURES}
    publish_all(resources, at_most=0)
    assert held(resources) != set()  # it may still be too early to know that no more arrives
    let_late_writes_be_due(resources)
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    assert asyncio.run(tick(resources)).troubles == ()  # a round of the loop
    assert held(resources) == set()
    assert rows_of(resources.ledger, late_writes) == {}


def test_newer_payload_replaces_an_older_one_arriving_late(resources: Resources) -> None:
    run = made(resources, "oak", caption="old words")
    publish_round(resources)
    publishing.mark_dirty(resources.ledger)
    in_the_network = objects_to_publish(resources)
    end_leases(resources)
    stage_results.save_extraction(resources.ledger, run, extraction(placed(run, "oak", caption="new words")))
    publish_all(resources, at_most=0)
    assert {"new" in text for text in texts(resources)} == {True}
    for space, objects in in_the_network:
        resources.index.upsert(space, objects)
    assert {"new" in text for text in texts(resources)} == {False}
    let_late_writes_be_due(resources)
    publish_all(resources, at_most=0)
    assert {"new" in text for text in texts(resources)} == {True}


def test_publisher_that_lost_its_lease_writes_nothing_more(
    resources: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    published(resources)
    monkeypatch.setattr(publish_module, "_RENEW_SECONDS", 0.0)
    writes = list[object]()

    def hang(ids: object) -> None:
        writes.append(ids)
        end_leases(resources)
        publishing.lease_dirty(resources.ledger, "publish:another")

    assert len(spaces(resources)) > 1
    with troubled(resources, upsert=hang), pytest.raises(IndexDown, match="lease"):
        publish_round(resources)
    assert len(writes) == 1
    end_leases(resources)
    publish_all(resources, at_most=0)
    assert publishing.count_unpublished(resources.ledger) == 0


def test_publisher_returning_after_a_delete_loses_its_objects(resources: Resources) -> None:
    run = published(resources)

    def hang(_: object) -> None:
        end_leases(resources)
        assert delete(resources, run.document)

    with troubled(resources, upsert=once(hang)):
        publish_round(resources)
    assert held(resources) == {image(name) for name in PICTURES}
    publish_all(resources, at_most=0)  # it came back, so nothing more of it can arrive
    assert held(resources) == set()


def test_unanswered_write_arriving_after_the_delete_is_removed(resources: Resources) -> None:
    run = published(resources)
    index, in_the_network = resources.index, list[tuple[Space, list[IndexObject]]]()

    class Unanswering(TroubledIndex):
        def upsert(self, space: Space, objects: Sequence[IndexObject]) -> Mapping[str, Failure]:
            in_the_network.append((space, [*objects]))
            raise IndexDown("It does not answer.")

    resources.index = Unanswering(index)
    with pytest.raises(IndexDown):
        publish_round(resources)
    resources.index = index
    assert delete(resources, run.document)
    assert held(resources) == set()
    for space, objects in in_the_network:
        index.upsert(space, objects)
    assert held(resources) != set()
    let_late_writes_be_due(resources)
    publish_all(resources, at_most=0)
    assert held(resources) == set()

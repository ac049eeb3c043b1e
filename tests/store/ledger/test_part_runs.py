"""Shards: runs that hold items of a document and not the document."""

import pytest

from swatchbook.domain.errors import RunRevoked
from swatchbook.domain.records import DocumentStatus
from swatchbook.store.ledger import claims, dead_runs, run_queries, runs
from swatchbook.store.ledger.database import Ledger
from swatchbook.store.ledger.document_commands import cancel
from swatchbook.store.ledger.runs import Run
from swatchbook.store.ledger.tables import figures
from swatchbook.store.ledger.tables import items as item_rows
from tests.store.ledger.scene import begin_again, begun, count, document, item, keys, lapse, make, revoke


def shard_of(ledger: Ledger, parent: Run, flow_run: str = "flow-run") -> Run:
    return runs.begin_shard(ledger, parent.document, parent.generation, flow_run=flow_run)


def test_shard_makes_items_under_its_own_token(ledger: Ledger) -> None:
    parent = begun(ledger, pictures=(pictures := keys(3)))
    for flow_run, failure_kind in (("first", "index_down"), ("second", None)):
        shard = shard_of(ledger, parent, flow_run)
        lease = claims.claim(ledger, shard, pictures)
        assert len(lease.items) == 3, "the end of a shard frees its items"
        assert claims.claim(ledger, parent, pictures).items == ()
        if failure_kind:
            runs.end_part(ledger, shard, failure_kind=failure_kind)
            assert count(ledger, figures) == 0
    claims.commit(ledger, lease, [make(c) for c in lease.items], [], last_try=True)
    runs.end_part(ledger, shard, seconds=6.0, images=3)
    assert count(ledger, item_rows, state="done") == 3
    assert document(ledger, parent).run == parent.token
    shards = run_queries.shard_runs(ledger, parent.document, parent.generation)
    assert {(s.flow_run, s.state, s.failure_kind) for s in shards} == {
        ("first", "ended", "index_down"), ("second", "ended", None),
    }  # fmt: skip


def test_dead_shard_frees_its_items(ledger: Ledger) -> None:
    parent = begun(ledger, pictures=(pictures := keys(4)))
    shard, other = shard_of(ledger, parent, "one"), shard_of(ledger, parent, "two")
    claims.claim(ledger, shard, pictures[:2])
    claims.claim(ledger, other, pictures[2:])
    assert dead_runs.mark_shards_dead(ledger, ["one", "three"]) == [shard.token]
    assert [(item(ledger, key).state, item(ledger, key).crashes) for key in pictures] == [
        ("pending", 1), ("pending", 1), ("leased", 0), ("leased", 0),
    ]  # fmt: skip
    with pytest.raises(RunRevoked):
        claims.claim(ledger, shard, pictures)
    row = document(ledger, parent)
    assert (row.status, row.run, row.deaths) == (DocumentStatus.RUNNING, parent.token, 0)
    assert dead_runs.mark_shards_dead(ledger, ["one"]) == []


def test_shard_outlives_its_dead_parent(ledger: Ledger) -> None:
    parent = begun(ledger, pictures=(pictures := keys(2)))
    shard = shard_of(ledger, parent)
    lease = claims.claim(ledger, shard, pictures)
    lapse(ledger, parent)
    assert dead_runs.mark_dead(ledger) == [parent.token]
    runs.record_heartbeat(ledger, shard)
    again = begin_again(ledger, parent)
    assert claims.held_by_others(ledger, again) == 2
    claims.commit(ledger, lease, [make(c) for c in lease.items], [], last_try=True)
    assert claims.cut_batches(ledger, again, 20) == ()


def test_shards_end_with_what_they_work_on(ledger: Ledger) -> None:
    parent = begun(ledger, pictures=keys(2))
    lapse(ledger, parent)
    newer = begin_again(ledger, parent, fingerprint="other")
    with pytest.raises(RunRevoked):
        shard_of(ledger, parent)
    assert shard_of(ledger, newer).generation == newer.generation
    for status in (DocumentStatus.CANCELLED, DocumentStatus.DELETING):
        parent = begun(ledger, content=status, pictures=(pictures := keys(2, status)))
        shard = shard_of(ledger, parent)
        claims.claim(ledger, shard, pictures)
        if status == DocumentStatus.CANCELLED:
            cancel(ledger, parent.document)
        else:
            revoke(ledger, parent.document, DocumentStatus.DELETING)
        with pytest.raises(RunRevoked):
            runs.record_heartbeat(ledger, shard)
        with pytest.raises(RunRevoked):
            shard_of(ledger, parent)


def test_times_of_images_and_starts_are_medians(ledger: Ledger) -> None:
    parent = begun(ledger, pictures=keys(1))
    assert run_queries.shard_seconds(ledger, runs.SHARD) is run_queries.shard_seconds(ledger, runs.SHARD_START) is None
    for seconds, images, start in ((2.0, 10, 7.0), (30.0, 10, None), (5.0, 20, 9.0)):
        runs.end_part(ledger, shard_of(ledger, parent), seconds=seconds, images=images, start=start)
    assert run_queries.shard_seconds(ledger, runs.SHARD) == pytest.approx(0.25)
    assert run_queries.shard_seconds(ledger, runs.SHARD_START) == pytest.approx(8.0)

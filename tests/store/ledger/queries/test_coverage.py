"""Statistics and candidates of a made-up collection, on each database: the benchmark at a small size."""

from benchmarks.statistics import PAIRS, PICTURES, fill_ledger, measure
from swatchbook.domain.records import Role
from swatchbook.store.ledger.database import Ledger
from swatchbook.store.ledger.queries.coverage import count_statistics
from swatchbook.store.ledger.tables import items


def test_the_benchmark_counts_what_it_has_made(url: str) -> None:
    told = dict[str, float]()
    measure(url, 2 * PICTURES * len(PAIRS), told.__setitem__)
    assert {"statistics, the whole", "statistics, an owner", "1,000 candidates"} <= told.keys()


def test_images_are_counted_by_state_role_and_failure(ledger: Ledger) -> None:
    fill_ledger(ledger, range(1))
    with ledger.write() as connection:
        pausing = items.update().where(items.c.role == Role.COLOR, items.c.state == "failed")
        failure = {"kind": "out_of_memory", "policy": "backoff", "message": "Too large."}
        connection.execute(pausing.values(state="pending", failure=failure, next_retry_at=9e9))
    told = count_statistics(ledger, "owner0")
    failed = PICTURES // 100
    assert told.failures == {"out_of_memory": failed, "unreadable_image": failed}
    assert (told.images.complete, told.images.pending, told.images.failed) == (PICTURES - failed, failed, 0)
    color, understanding = ({r.role: r for r in told.coverage.roles}[role] for role in (Role.COLOR, Role.UNDERSTANDING))
    assert (color.done, color.pending, color.failed) == (PICTURES - failed, failed, 0)
    assert (understanding.done, understanding.failed) == (PICTURES - failed, failed), "as the analysis has failed"
    assert count_statistics(ledger, "owner1").images.found == 0

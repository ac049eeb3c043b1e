"""Make what a document lacks in a run beside its own: the one function behind `spaces fill` and `backfill`. Batches are
made as those of an ingest are (`pipeline/embed.py`): leased, committed and published; what failed is tried again after
each pause of the settings.
"""

import logging
import time
from collections.abc import Callable, Collection, Iterable, Sequence

from swatchbook.errors import Interrupted, InvalidReference, RunRevoked
from swatchbook.ledger import items, missing_vectors, runs, shard_runs
from swatchbook.ledger.documents import Document, get_document
from swatchbook.ledger.runs import Run
from swatchbook.pipeline.embed import process_batch
from swatchbook.pipeline.publish import publish_all
from swatchbook.pipeline.run import hold_shard_run
from swatchbook.records import Record, RoleTag
from swatchbook.resources import Resources

log = logging.getLogger(__name__)


class DocumentFill(Record):
    """What was made of one document. `busy`: why it was left out; `objects`: candidates that a backfill took;
    `unreadable`: images that it left out because their file cannot be read.
    """

    document: str
    made: int = 0
    failures: tuple[str, ...] = ()
    busy: str | None = None
    objects: int = 0
    unreadable: int = 0


def make_beside(
    resources: Resources,
    document: str,
    pairs_of: Callable[[Document], Sequence[RoleTag]],
    *,
    fill: str,
    portions: Callable[[Run], Iterable[Collection[str]]] | None = None,
    size: int | None = None,
    max_usd: float | None = None,
    flow_run: str | None = None,
    advance: Callable[[int], None] = lambda made: None,
) -> DocumentFill:
    """Make and publish the items of these pairs that a document lacks. `fill` names the whole work, with its budget.

    `portions` queues items and yields their keys, portion by portion; without it all that the document shows is made.
    `size`: keys of a batch; by default that of the document. `advance` is told how many are made so far. Raises
    failures that concern all items.
    """
    made, failures = 0, list[str]()
    try:
        stored = get_document(resources.ledger, document)
        run = missing_vectors.begin_fill(
            resources.ledger, document, pairs_of(stored), fill=fill, max_usd=max_usd, flow_run=flow_run,
            queue=portions is None,
        )  # fmt: skip
        with hold_shard_run(resources.ledger, run):
            try:
                for only in portions(run) if portions else (None,):

                    def tell(count: int, before: int = made) -> None:
                        advance(before + count)

                    count, failed = _make(resources, run, size or stored.options.batch_size, only, tell)
                    made += count
                    failures += failed
            finally:
                resources.batch_sizes.pop(run.token, None)
            missing_vectors.count_made(resources.ledger, run)
            shard_runs.end(resources.ledger, run)
    except (InvalidReference, RunRevoked) as reason:  # it was deleted meanwhile, or another process fills it
        return DocumentFill(document=document, made=made, failures=tuple(failures), busy=str(reason))
    return DocumentFill(document=document, made=made, failures=tuple(failures))


def _make(
    resources: Resources, run: Run, size: int, only: Collection[str] | None, advance: Callable[[int], None]
) -> tuple[int, list[str]]:
    """Make the run's items (`only` of these keys), batch by batch; return how many were made, and what failed."""
    made, failures = 0, list[str]()
    delays = resources.settings.retry_delays
    for number in range(len(delays) + 1):
        interrupted = False
        for batch in items.cut_batches(resources.ledger, run, size, only=only):
            try:
                result = process_batch(resources, run, batch, size=size, last_try=number == len(delays))
            except Interrupted as error:
                log.warning("%s", error)
                interrupted = True
                continue
            made += result.made
            failures += result.failures
            runs.record_alive(resources.ledger, run)
            publish_all(resources, at_most=resources.settings.outage_wait_seconds)
            advance(made)
        if not interrupted:
            break
        time.sleep(delays[number])
        runs.record_alive(resources.ledger, run)
    return made, failures

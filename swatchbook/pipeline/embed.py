"""The heart: items become analyses and vectors. Claim, make, commit, batch by batch.

It does not know whether it runs in a flow, in a container or in a test. What it may rely on: a batch's keys are fixed,
a lease is its own until it ends, a commit is one transaction. What it promises: one bad item costs one item; whatever
was made is committed even when the rest failed; whatever was claimed is given back.
"""

import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from swatchbook.analysis.understanding import understanding_text
from swatchbook.arrays import Pixels, Vectors
from swatchbook.errors import SHARED, Configuration, Failure, FileMissing, Interrupted, Policy
from swatchbook.ledger import items, runs
from swatchbook.ledger.calls import CallContext
from swatchbook.ledger.items import Batch, Claimed, Failed, Made, Pair
from swatchbook.ledger.runs import Run
from swatchbook.pipeline.bisect import bisect
from swatchbook.pipeline.load_pixels import load_pixels
from swatchbook.records import PIXEL_ROLES, TEXT_ROLES, Analysis, Record, Role
from swatchbook.resources import Resources
from swatchbook.runtime.batch_size import MEMORY_LIMIT_PERCENT, BatchSize
from swatchbook.runtime.memory import wait_for_memory

log = logging.getLogger(__name__)

MEMORY_PAUSE_SECONDS = 10.0
"""Longest wait for memory before a group is made smaller: somebody else may hold it for ever."""

IN_FLIGHT = 4
"""Batches of a run at once: one is decoded, one encoded, and two may be waiting for their next try."""


class BatchResult(Record):
    """What one try of a batch came to."""

    number: int
    made: int
    failed: int
    failures: tuple[str, ...] = ()


def make_batch(resources: Resources, run: Run, batch: Batch, *, size: int, last_try: bool) -> BatchResult:
    """Make what the batch still lacks.

    Raises Interrupted while passing failures remain (unless this is the last try, which records them), the Failure
    itself where it concerns everybody (outage, blocked), RunRevoked when the run is no longer ours.
    """
    made, failures = 0, list[Failed]()
    fit = resources.batch_sizes.setdefault(run.token, BatchSize(size))
    for keys in _groups(resources, run, batch, fit, size):
        done, failed = _claim_make_commit(resources, run, fit, keys, last_try=last_try)
        # what was committed may have completed them: now they have items
        completed = tuple({m.key for m in done if m.text or m.role is Role.VISUAL})
        done_said, failed_said = _claim_make_commit(resources, run, fit, completed, TEXT_ROLES, last_try=last_try)
        made += len(done) + len(done_said)
        failures += failed + failed_said
    passing = [f for f in failures if f.failure.policy is not Policy.NEVER]
    if passing and not last_try:
        raise Interrupted(len(passing), f"{passing[0].role} of {passing[0].key[:12]}: {passing[0].failure}")
    return BatchResult(
        number=batch.number,
        made=made,
        failed=len(failures),
        failures=tuple(f"{f.role} of {f.key[:12]}: {f.failure.kind}: {f.failure}" for f in failures),
    )


def _groups(resources: Resources, run: Run, batch: Batch, fit: BatchSize, size: int) -> Iterator[Sequence[str]]:
    """Keys of the batch to claim next, one group after the other, each as large as memory allows at that moment."""
    for group in items.groups(resources.ledger, run, batch.members, size):
        while group:
            runs.record_alive(resources.ledger, run)  # groups may be many, and each may wait for memory
            count = _size_in_memory(resources, fit)
            yield group[:count]
            group = group[count:]


def _size_in_memory(resources: Resources, fit: BatchSize) -> int:
    """How many items to make together now. It waits for memory, and where none comes halves the size, down to one.

    Single items wait no longer: they go on, and the report says so.
    """
    with fit.turn:
        patience = MEMORY_PAUSE_SECONDS if fit.size > 1 else 0.0
        free = wait_for_memory(MEMORY_LIMIT_PERCENT, at_most=patience, use=resources.memory_use)
        count = fit.next_size(free // IN_FLIGHT)
    if free <= 0:
        log.warning("more than %d %% of the memory is in use: %d at a time", MEMORY_LIMIT_PERCENT, count)
    return count


def _claim_make_commit(
    resources: Resources,
    run: Run,
    fit: BatchSize,
    keys: Sequence[str],
    roles: Collection[Role] = frozenset(Role),
    *,
    last_try: bool,
) -> tuple[list[Made], list[Failed]]:
    lease = items.claim(resources.ledger, run, keys, roles)
    if not lease.items:
        return [], []
    try:
        made, failed = list[Made](), list[Failed]()
        for make, its_own in _MAKERS:
            claimed = [c for c in lease.items if c.role in its_own]
            done, lost = make(resources, CallContext(resources.ledger, run, "embed"), fit, claimed)
            made += done
            failed += lost
        below = resources.settings.review_below
        refused = items.commit(resources.ledger, lease, made, failed, last_try=last_try, review_below=below)
        failed += refused
    finally:
        items.release(resources.ledger, lease)
    for f in failed:
        if f.failure.policy in SHARED:
            raise f.failure
    lost_items = {f.item for f in refused}
    return [m for m in made if m.item not in lost_items], failed


def _from_pixels(
    resources: Resources, context: CallContext, fit: BatchSize, claimed: Sequence[Claimed]
) -> tuple[list[Made], list[Failed]]:
    """Analyses and visual vectors: decode each picture once, one forward pass for all roles.

    A provider's answers are waited for while the encoder works.
    """
    if not claimed:
        return [], []
    wanted = _by_key(claimed)
    made, failed = list[Made](), list[Failed]()

    def fail(key: str, roles: Iterable[Claimed], failure: Failure) -> None:
        failed.extend(Failed(key=key, role=c.role, tag=c.tag, failure=failure) for c in roles)

    side = max(resources.models.encoder.side, resources.models.analyst.side)  # as the most demanding model asks for
    pictures = load_pixels(resources, tuple(wanted), side)
    readable = dict[str, Pixels]()
    for key, picture in pictures.items():
        if isinstance(picture, Failure):
            fail(key, wanted[key], picture)
        else:
            readable[key] = picture

    to_analyse = [c for k in readable for c in wanted[k] if c.role is Role.ANALYSIS]
    to_encode = {k: [c for c in wanted[k] if c.role in PIXEL_ROLES] for k in readable}
    keys = [k for k, roles in to_encode.items() if roles]
    with ThreadPoolExecutor(1, thread_name_prefix="analyse") as beside:
        analysing = beside.submit(bisect, _analysing(resources, context), [readable[c.key] for c in to_analyse], fit)
        encoded = bisect(_encoding(resources), [readable[k] for k in keys], fit)
    for key, vectors in zip(keys, encoded, strict=True):
        if isinstance(vectors, Failure):
            fail(key, to_encode[key], vectors)
        else:
            made += [Made(key=key, role=c.role, tag=c.tag, vector=vectors[c.role]) for c in to_encode[key]]
    for c, analysis in zip(to_analyse, analysing.result(), strict=True):
        if isinstance(analysis, Failure):
            fail(c.key, [c], analysis)
        else:
            text = understanding_text(analysis)
            made.append(Made(key=c.key, role=c.role, tag=c.tag, analysis=analysis, text=text or None))
    return made, failed


def _from_text(
    resources: Resources, context: CallContext, fit: BatchSize, claimed: Sequence[Claimed]
) -> tuple[list[Made], list[Failed]]:
    """Vectors of understanding texts and chunks. One text has one vector, whatever role wants it."""
    if not claimed:
        return [], []
    wanted = _by_key(claimed)
    texts = items.texts(resources.ledger, tuple(wanted))
    made, failed = list[Made](), list[Failed]()
    keys = [k for k in wanted if k in texts]
    for c in claimed:
        if c.key not in texts:
            failed.append(Failed(key=c.key, role=c.role, tag=c.tag, failure=FileMissing("Its text is missing.")))
    for key, vector in zip(keys, bisect(_embedding(resources, context), [texts[k] for k in keys], fit), strict=True):
        for c in wanted[key]:
            if isinstance(vector, Failure):
                failed.append(Failed(key=key, role=c.role, tag=c.tag, failure=vector))
            else:
                made.append(Made(key=key, role=c.role, tag=c.tag, vector=vector))
    return made, failed


def _from_pairs(
    resources: Resources, context: CallContext, fit: BatchSize, claimed: Sequence[Claimed]
) -> tuple[list[Made], list[Failed]]:
    """Vectors of pictures together with what is said of them: of vectors that are committed already, without pixels."""
    if not claimed:
        return [], []
    pairs = items.pairs(resources.ledger, [c.key for c in claimed], resources.models.encoder.tags[Role.VISUAL])
    there = [c for c in claimed if c.key in pairs]
    missing = FileMissing("Its text or the vector of its picture is missing.")  # said otherwise since it was claimed
    made, failed = list[Made](), [Failed(c.key, c.role, c.tag, missing) for c in claimed if c.key not in pairs]
    for c, vector in zip(there, bisect(_joining(resources), [pairs[c.key] for c in there], fit), strict=True):
        if isinstance(vector, Failure):
            failed.append(Failed(key=c.key, role=c.role, tag=c.tag, failure=vector))
        else:
            made.append(Made(key=c.key, role=c.role, tag=c.tag, vector=vector))
    return made, failed


_MAKERS = (
    (_from_pixels, PIXEL_ROLES | {Role.ANALYSIS}),
    (_from_text, frozenset({Role.UNDERSTANDING, Role.TEXT})),
    (_from_pairs, frozenset({Role.MULTIMODAL})),
)


def _encoding(resources: Resources) -> Callable[[Sequence[Pixels]], list[dict[Role, Vectors]]]:
    encoder = resources.models.encoder

    def encode(pictures: Sequence[Pixels]) -> list[dict[Role, Vectors]]:
        by_role = encoder.encode(pictures)
        return [{role: vectors[i] for role, vectors in by_role.items()} for i in range(len(pictures))]

    return encode


def _analysing(
    resources: Resources, context: CallContext
) -> Callable[[Sequence[Pixels]], Sequence[Analysis | Failure]]:
    return lambda pictures: resources.models.analyst.analyse(pictures, context)


def _embedding(resources: Resources, context: CallContext) -> Callable[[Sequence[str]], list[Vectors]]:
    encoder = resources.models.text_encoder
    return lambda texts: list(encoder.embed(texts, "document", context))


def _joining(resources: Resources) -> Callable[[Sequence[Pair]], list[Vectors]]:
    """Raises Configuration where the encoder does not read."""

    def join(pairs: Sequence[Pair]) -> list[Vectors]:
        tower = resources.models.text_tower
        if tower is None:
            raise Configuration("The chosen encoder does not read texts.", advice="Ingest its document again.")
        return list(tower.combine(np.stack([pair.seen for pair in pairs]), [pair.said for pair in pairs]))

    return join


def _by_key(claimed: Sequence[Claimed]) -> dict[str, list[Claimed]]:
    wanted = dict[str, list[Claimed]]()
    for c in claimed:
        wanted.setdefault(c.key, []).append(c)
    return wanted

"""Process one batch in stage 6: lease a group of items, compute their analyses and vectors, and commit them.

A group waits up to 10 s for memory before it is halved (`domain/runtime/batch_size.py`). A batch with items to try
again is left to Prefect's retries.

This module does not know whether it runs in a flow, in a container or in a test. It relies on fixed keys of a batch, a
lease that is exclusive until it ends, and commits that are one transaction. It guarantees that one bad item fails
alone, that what was computed is committed even if the rest failed, and before a provider's answer is waited for, and
that every lease is released.
"""

import logging
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from functools import partial

import numpy as np
from PIL import Image

from swatchbook.domain.analysis import understanding_text
from swatchbook.domain.errors import SHARED_POLICIES, Configuration, Failure, FileMissing, Interrupted, Policy
from swatchbook.domain.records import PIXEL_ROLES, TEXT_ROLES, Analysis, Record, Role, RoleTag, text_key
from swatchbook.domain.runtime.batch_size import MEMORY_LIMIT_PERCENT, BatchSize
from swatchbook.domain.runtime.memory import wait_for_memory
from swatchbook.ingest.bisect import bisect
from swatchbook.models import registry
from swatchbook.models.protocols import ImageEncoder, TextEncoder
from swatchbook.models.registry import Models
from swatchbook.resources import Resources
from swatchbook.store.ledger import claims, runs, space_registry
from swatchbook.store.ledger.calls import CallContext
from swatchbook.store.ledger.claims import Batch, ClaimedItem, FailedItem, ItemResult, Lease, Pair
from swatchbook.store.ledger.runs import Run
from swatchbook_base.appearance import appearance_of
from swatchbook_base.arrays import Pixels, Vectors

log = logging.getLogger(__name__)

MEMORY_PAUSE_SECONDS = 10.0
"""Longest wait for memory before a group is made smaller: another process may hold the memory for ever."""

ALIVE_SECONDS = 5.0
"""Seconds between two records that a batch does not hang; each waits for its turn to write to the ledger."""

IN_FLIGHT = 4
"""Concurrent batches of a run: one is decoded, one is encoded, and two may wait for their next try."""


class BatchResult(Record):
    """Result of one try of a batch: the number of items that are done, and that failed."""

    number: int
    made: int
    failed: int
    failures: tuple[str, ...] = ()


def process_batch(resources: Resources, run: Run, batch: Batch, *, size: int, last_try: bool) -> BatchResult:
    """Compute and commit the batch's pending items.

    Raises Interrupted if items failed that can be retried (the last try records them instead), the Failure itself if
    all work is to stop (outage, blocked), and RunRevoked if the run has lost its lease.
    """
    count, failures = 0, list[FailedItem]()
    batch_size = resources.batch_sizes.setdefault(run.token, BatchSize(size))
    for keys in _groups(resources, run, batch, batch_size, size):
        done, failed = _process_group(resources, run, batch_size, keys, last_try=last_try)
        described = _described(resources, done)
        text_done, text_failed = _process_group(resources, run, batch_size, described, TEXT_ROLES, last_try=last_try)
        count += len(done) + len(text_done)
        failures += failed + text_failed
    retryable = [f for f in failures if f.failure.policy not in (Policy.NEVER, Policy.WAIT)]
    if retryable and not last_try:
        raise Interrupted(len(retryable), f"{retryable[0].role} of {retryable[0].key[:12]}: {retryable[0].failure}")
    return BatchResult(
        number=batch.number,
        made=count,
        failed=len(failures),
        failures=tuple(f"{f.role} of {f.key[:12]}: {f.failure.kind}: {f.failure}" for f in failures),
    )


def _described(resources: Resources, done: Sequence[ItemResult]) -> tuple[str, ...]:
    """Return the pictures for which these results, just committed, have queued items of text roles."""
    embedded = {m.key for m in done if m.role is Role.UNDERSTANDING}
    visual = {m.tag for m in done if m.role is Role.VISUAL}
    paired = set[str]()
    for tag in visual:
        with suppress(Configuration):  # its space was dropped since
            if resources.models_of(RoleTag(role=Role.VISUAL, tag=tag)).text_tower:
                paired.add(tag)
    return tuple(
        {m.key for m in done if (m.text and text_key(m.text) not in embedded)}
        | {m.key for m in done if m.role is Role.VISUAL and m.tag in paired}
    )


def _groups(resources: Resources, run: Run, batch: Batch, batch_size: BatchSize, size: int) -> Iterator[Sequence[str]]:
    """Yield the batch's keys in groups, each as large as the free memory allows at that moment."""
    recorded = -ALIVE_SECONDS
    for group in claims.claim_groups(resources.ledger, run, batch.members, size):
        while group:
            if time.monotonic() - recorded > ALIVE_SECONDS:  # there may be many groups, and each may wait for memory
                runs.record_alive(resources.ledger, run)
                recorded = time.monotonic()
            count = _choose_group_size(resources, batch_size)
            yield group[:count]
            group = group[count:]


def _choose_group_size(resources: Resources, batch_size: BatchSize) -> int:
    """Return how many items to compute together now.

    Waits for free memory; if none becomes free, halves the size, down to one. A single item does not wait: it is
    processed, and the report shows the small size.
    """
    with batch_size.turn:
        patience = MEMORY_PAUSE_SECONDS if batch_size.size > 1 else 0.0
        free = wait_for_memory(MEMORY_LIMIT_PERCENT, at_most=patience, use=resources.memory_use)
        count = batch_size.next_size(free // IN_FLIGHT)
    if free <= 0:
        log.warning("more than %d %% of the memory is in use: %d at a time", MEMORY_LIMIT_PERCENT, count)
    return count


def _process_group(
    resources: Resources,
    run: Run,
    batch_size: BatchSize,
    keys: Sequence[str],
    roles: Collection[Role] = frozenset(Role),
    *,
    last_try: bool,
) -> tuple[list[ItemResult], list[FailedItem]]:
    """Lease the pending items of these keys and roles, compute them, commit them, and release the lease.

    What is computed is committed before a provider's answer is waited for. Returns the items that were committed and
    those that failed. Raises the first failure for which all work is to stop, and Interrupted if a space was dropped
    between the claim and the loading of its model: with it its items are gone.
    """
    lease = claims.claim(resources.ledger, run, keys, roles) if keys else None
    if lease is None or not lease.items:
        return [], []
    context = CallContext(resources.ledger, run, "embed", for_items=True)
    commit = partial(
        claims.commit, resources.ledger, lease, last_try=last_try, review_below=resources.settings.review.below
    )
    made, computed, failed = list[ItemResult](), list[ItemResult](), list[FailedItem]()

    def save(failures: Sequence[FailedItem] = (), ahead: Sequence[ItemResult] = ()) -> None:
        if not (computed or failures):
            return
        refused = commit(computed, failures, ahead=ahead)
        refused_items = {f.item for f in refused}
        made.extend([m for m in computed if m.item not in refused_items] + list(ahead))
        failed.extend(refused)
        computed.clear()

    try:
        for compute, computed_roles in _COMPUTATIONS:
            if claimed := [c for c in lease.items if c.role in computed_roles]:
                failed += compute(resources, context, batch_size, claimed, computed, save)
        save(tuple(failed), _compute_ahead(resources, lease, batch_size, computed))
    except BaseException as error:
        claims.release(resources.ledger, lease)
        if isinstance(error, Configuration) and (dropped := _dropped_spaces(resources, lease)):
            raise Interrupted(len(lease.items), f"the space of {dropped[0].tag} was dropped meanwhile") from error
        raise
    for f in failed:
        if f.failure.policy in SHARED_POLICIES and f.failure.policy is not Policy.WAIT:
            raise f.failure
    return made, failed


def _dropped_spaces(resources: Resources, lease: Lease) -> list[RoleTag]:
    """Return the pairs of the lease that neither the settings nor the ledger know any more."""
    pairs = {RoleTag(role=c.role, tag=c.tag) for c in lease.items if c.role is not Role.ANALYSIS}
    known = space_registry.still_registered(resources.ledger, pairs)
    return [pair for pair in pairs.difference(known) if not registry.is_chosen(resources.settings, pair)]


def _compute_ahead(
    resources: Resources, lease: Lease, batch_size: BatchSize, computed: Sequence[ItemResult]
) -> list[ItemResult]:
    """Compute the vectors of new texts together with the analyses that bring them: one commit, published once.

    Only where that costs nothing, and not together with items at which a process died. What fails is tried again later.
    """
    if not resources.settings.has_local_text_encoder or any(c.crashes for c in lease.items):
        return []
    texts = {text_key(r.text): r.text for r in computed if r.text}
    if not texts:
        return []
    encoder = resources.models.text_encoder
    pair = RoleTag(role=Role.UNDERSTANDING, tag=encoder.tag)
    new = sorted(claims.texts_without_item(resources.ledger, lease.run, pair, texts))
    vectors = bisect(partial(_embed, encoder, None), [texts[key] for key in new], batch_size)
    return [
        ItemResult(key=key, role=pair.role, tag=pair.tag, vector=vector)
        for key, vector in zip(new, vectors, strict=True)
        if not isinstance(vector, Failure)
    ]


def _compute_from_pixels(
    resources: Resources,
    context: CallContext,
    batch_size: BatchSize,
    claimed: Sequence[ClaimedItem],
    computed: list[ItemResult],
    save: Callable[[], None],
) -> list[FailedItem]:
    """Compute analyses and visual vectors: decode each image once, and run one forward pass for all roles.

    The analyst runs in a thread, so that a provider can answer while the encoder works.
    """
    by_key, failed = _group_by_key(claimed), list[FailedItem]()

    def fail(key: str, failed_items: Iterable[ClaimedItem], failure: Failure) -> None:
        failed.extend(FailedItem(key=key, role=c.role, tag=c.tag, failure=failure) for c in failed_items)

    analyst = resources.models.analyst
    of_pixels = _by_models(resources, [c for c in claimed if c.role in PIXEL_ROLES])
    # without such items the chosen encoder decides the size that pictures are decoded to
    encoders = [(models.encoder, items) for models, items in of_pixels] or [(resources.models.encoder, [])]
    side = max([analyst.side, *(encoder.side for encoder, _ in encoders)])
    pixels = dict[str, Pixels]()
    for key, picture in load_pixels(resources, tuple(by_key), side).items():
        if isinstance(picture, Failure):
            fail(key, by_key[key], picture)
        else:
            pixels[key] = picture

    to_analyse = [c for key in pixels for c in by_key[key] if c.role is Role.ANALYSIS]

    def analyse(pictures: Sequence[Pixels]) -> Sequence[Analysis | Failure]:
        return analyst.analyse(pictures, context)

    with ThreadPoolExecutor(1, thread_name_prefix="analyse") as executor:
        analyses = executor.submit(bisect, analyse, [pixels[c.key] for c in to_analyse], batch_size)
        for encoder, pixel_items in encoders:
            to_encode = _group_by_key([c for c in pixel_items if c.key in pixels])
            encoded = bisect(partial(_encode, encoder), [pixels[key] for key in to_encode], batch_size)
            for (key, of_key), vectors in zip(to_encode.items(), encoded, strict=True):
                if isinstance(vectors, Failure):
                    fail(key, of_key, vectors)
                else:
                    computed += [_from_pixels(c, vectors[c.role], pixels[key]) for c in of_key]
        if to_analyse and not resources.settings.has_local_analyst:
            save()
    for c, analysis in zip(to_analyse, analyses.result(), strict=True):
        if isinstance(analysis, Failure):
            fail(c.key, [c], analysis)
        else:
            text = understanding_text(analysis)
            computed.append(ItemResult(key=c.key, role=c.role, tag=c.tag, analysis=analysis, text=text or None))
    return failed


def _from_pixels(item: ClaimedItem, vector: Vectors, pixels: Pixels) -> ItemResult:
    phash = appearance_of(Image.fromarray(pixels)).phash if item.role is Role.VISUAL else None
    return ItemResult(key=item.key, role=item.role, tag=item.tag, vector=vector, phash=phash)


def _encode(encoder: ImageEncoder, pictures: Sequence[Pixels]) -> list[dict[Role, Vectors]]:
    by_role = encoder.encode(pictures)
    return [{role: vectors[i] for role, vectors in by_role.items()} for i in range(len(pictures))]


def _compute_from_texts(
    resources: Resources,
    context: CallContext,
    batch_size: BatchSize,
    claimed: Sequence[ClaimedItem],
    computed: list[ItemResult],
    save: Callable[[], None],
) -> list[FailedItem]:
    """Compute the vectors of understanding texts and chunks. A text is encoded once for all roles that need it."""
    if not resources.settings.has_local_text_encoder:
        save()
    failed = list[FailedItem]()
    texts = claims.texts(resources.ledger, tuple(_group_by_key(claimed)))
    for models, of_models in _by_models(resources, claimed):
        encoder = models.text_encoder  # outside `embed`: a failure to load it is not a failure of the texts
        keys = [key for key in _group_by_key(of_models) if key in texts]
        embedded = bisect(partial(_embed, encoder, context), [texts[key] for key in keys], batch_size)
        missing = FileMissing("The text is missing.")
        done, lost = _split_failures(of_models, dict(zip(keys, embedded, strict=True)), missing)
        computed += done
        failed += lost
    return failed


def _embed(encoder: TextEncoder, context: CallContext | None, batch: Sequence[str]) -> list[Vectors]:
    return list(encoder.embed(batch, "document", context))


def _compute_from_pairs(
    resources: Resources,
    _: CallContext,
    batch_size: BatchSize,
    claimed: Sequence[ClaimedItem],
    computed: list[ItemResult],
    save: Callable[[], None],
) -> list[FailedItem]:
    """Compute the multimodal vectors of images and their texts, from visual vectors that are already committed.

    Raises Configuration if the encoder has no text tower.
    """
    failed = list[FailedItem]()
    for models, of_models in _by_models(resources, claimed):
        pairs = claims.pairs(resources.ledger, [c.key for c in of_models], models.encoder.tags[Role.VISUAL])
        keys = [key for key in _group_by_key(of_models) if key in pairs]
        joined = bisect(partial(_join, models), [pairs[key] for key in keys], batch_size)
        # missing when the text of an image has changed since the item was leased
        missing = FileMissing("The text or the image's visual vector is missing.")
        done, lost = _split_failures(of_models, dict(zip(keys, joined, strict=True)), missing)
        computed += done
        failed += lost
    return failed


def _join(models: Models, batch: Sequence[Pair]) -> list[Vectors]:
    tower = models.text_tower
    if tower is None:
        raise Configuration("The chosen encoder has no text tower.", advice="Ingest the document again.")
    return list(tower.combine(np.stack([pair.visual for pair in batch]), [pair.text for pair in batch]))


def _by_models(resources: Resources, claimed: Sequence[ClaimedItem]) -> list[tuple[Models, list[ClaimedItem]]]:
    """Return each model with its items; there are two while a second space is being filled."""
    grouped = dict[int, tuple[Models, list[ClaimedItem]]]()
    for c in claimed:
        models = resources.models_of(RoleTag(role=c.role, tag=c.tag))
        grouped.setdefault(id(models), (models, []))[1].append(c)
    return list(grouped.values())


_COMPUTATIONS = (
    (_compute_from_pixels, PIXEL_ROLES | {Role.ANALYSIS}),
    (_compute_from_pairs, frozenset({Role.MULTIMODAL})),
    (_compute_from_texts, frozenset({Role.UNDERSTANDING, Role.TEXT})),
)


def _split_failures(
    claimed: Sequence[ClaimedItem], vectors: Mapping[str, Vectors | Failure], missing: Failure
) -> tuple[list[ItemResult], list[FailedItem]]:
    """Return the items whose key has a vector, and those that failed; an item without either gets `missing`."""
    computed, failed = list[ItemResult](), list[FailedItem]()
    for c in claimed:
        vector = vectors.get(c.key, missing)
        if isinstance(vector, Failure):
            failed.append(FailedItem(key=c.key, role=c.role, tag=c.tag, failure=vector))
        else:
            computed.append(ItemResult(key=c.key, role=c.role, tag=c.tag, vector=vector))
    return computed, failed


def _group_by_key(claimed: Sequence[ClaimedItem]) -> dict[str, list[ClaimedItem]]:
    by_key = dict[str, list[ClaimedItem]]()
    for c in claimed:
        by_key.setdefault(c.key, []).append(c)
    return by_key


# --- pictures ---------------------------------------------------------------------------------------------------------


def load_pixels(resources: Resources, keys: Sequence[str], side: int) -> dict[str, Pixels | Failure]:
    """Return content key → pixels with a longest side of at most `side` pixels, or the Failure of that picture."""
    files = claims.source_files(resources.ledger, keys)
    pictures: dict[str, Pixels | Failure] = {}
    with ExitStack() as stack:
        paths = []
        for key in keys:
            if key not in files:
                pictures[key] = FileMissing(
                    "The stored picture is missing.", advice="Ingest its document again with --force."
                )
                continue
            try:
                paths.append((key, stack.enter_context(resources.files.local(files[key]))))
            except Failure as failure:
                pictures[key] = failure
        decoded = resources.decoders.decode([path for _, path in paths], side)
        pictures.update((key, picture) for (key, _), picture in zip(paths, decoded, strict=True))
    return {key: _blame_store(resources, files.get(key), picture) for key, picture in pictures.items()}


def _blame_store(resources: Resources, file: str | None, picture: Pixels | Failure) -> Pixels | Failure:
    """Return FileMissing instead of a final failure if the stored file is damaged: it may be stored again."""
    if isinstance(picture, Failure) and picture.policy is Policy.NEVER and file:
        with suppress(Failure):
            if not resources.files.is_whole(file):
                advice = "`swatchbook upkeep verify --deep --repair` has it stored again."
                return FileMissing("The stored picture is damaged.", advice=advice)
    return picture

"""The heart: items become analyses and vectors. Claim, make, commit, batch by batch.

It does not know whether it runs in a flow, in a container or in a test. What it may rely on: a batch's keys are fixed,
a lease is its own until it ends, a commit is one transaction. What it promises: one bad item costs one item; whatever
was made is committed even when the rest failed; whatever was claimed is given back.
"""

import logging
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

from swatchbook.errors import SHARED, Failure, FileMissing, Interrupted, Policy
from swatchbook.isolate import isolate
from swatchbook.lab import Lab
from swatchbook.ledger import items, runs
from swatchbook.ledger.calls import Book
from swatchbook.ledger.items import Batch, Claimed, Failed, Made
from swatchbook.ledger.runs import Run
from swatchbook.memory import wait_for_memory
from swatchbook.models.base import Pixels, Vectors
from swatchbook.records import PIXEL_ROLES, Analysis, Record, Role, text_key
from swatchbook.understanding import understanding_text

log = logging.getLogger(__name__)

MEMORY_PAUSE_SECONDS = 10.0
"""Longest wait for memory before a batch: somebody else may hold it for ever."""


class BatchResult(Record):
    """What one try of a batch came to."""

    number: int
    made: int
    failed: int
    failures: tuple[str, ...] = ()


def make_batch(lab: Lab, run: Run, batch: Batch, *, size: int, last_try: bool) -> BatchResult:
    """Make what the batch still lacks.

    Raises Interrupted while passing failures remain (unless this is the last try, which records them), the Failure
    itself where it concerns everybody (outage, blocked), RunRevoked when the run is no longer ours.
    """
    made, failures = 0, list[Failed]()
    for keys in items.groups(lab.ledger, run, batch.members, size):
        runs.alive(lab.ledger, run)  # groups may be many, and each may wait for memory
        if waited := wait_for_memory(lab.settings.memory_pause_percent, at_most=MEMORY_PAUSE_SECONDS):
            log.warning(
                "waited %.0f s: more than %d %% of the memory is in use", waited, lab.settings.memory_pause_percent
            )
        done, failed = _claim_make_commit(lab, run, keys, last_try=last_try)
        texts = tuple({text_key(m.text) for m in done if m.text})  # committed with the analyses: now they have items
        done_texts, failed_texts = _claim_make_commit(lab, run, texts, last_try=last_try)
        made += len(done) + len(done_texts)
        failures += failed + failed_texts
    passing = [f for f in failures if f.failure.policy is not Policy.NEVER]
    if passing and not last_try:
        raise Interrupted(len(passing), f"{passing[0].role} of {passing[0].key[:12]}: {passing[0].failure}")
    return BatchResult(
        number=batch.number,
        made=made,
        failed=len(failures),
        failures=tuple(f"{f.role} of {f.key[:12]}: {f.failure.kind}: {f.failure}" for f in failures),
    )


def _claim_make_commit(lab: Lab, run: Run, keys: Sequence[str], *, last_try: bool) -> tuple[list[Made], list[Failed]]:
    lease = items.claim(lab.ledger, run, keys)
    if not lease.items:
        return [], []
    try:
        made, failed = list[Made](), list[Failed]()
        for make, roles in ((_from_pixels, _PIXEL_ITEMS), (_from_text, _TEXT_ITEMS)):
            done, lost = make(lab, Book(lab.ledger, run, "embed"), [c for c in lease.items if c.role in roles])
            made += done
            failed += lost
        failed += (refused := items.commit(lab.ledger, lease, made, failed, last_try=last_try))
    finally:
        items.release(lab.ledger, lease)
    for f in failed:
        if f.failure.policy in SHARED:
            raise f.failure
    lost_items = {f.item for f in refused}
    return [m for m in made if m.item not in lost_items], failed


def _from_pixels(lab: Lab, book: Book, claimed: Sequence[Claimed]) -> tuple[list[Made], list[Failed]]:
    """Analyses and visual vectors: decode each picture once, one forward pass for all roles.

    A provider's answers are waited for while the encoder works.
    """
    if not claimed:
        return [], []
    wanted = _by_key(claimed)
    made, failed = list[Made](), list[Failed]()

    def fail(key: str, roles: Iterable[Claimed], failure: Failure) -> None:
        failed.extend(Failed(key=key, role=c.role, tag=c.tag, failure=failure) for c in roles)

    pictures = _decode(lab, tuple(wanted))
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
        analysing = beside.submit(isolate, _analysing(lab, book), [readable[c.key] for c in to_analyse])
        encoded = isolate(_encoding(lab), [readable[k] for k in keys])
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


def _from_text(lab: Lab, book: Book, claimed: Sequence[Claimed]) -> tuple[list[Made], list[Failed]]:
    """Vectors of understanding texts and chunks. One text has one vector, whatever role wants it."""
    if not claimed:
        return [], []
    wanted = _by_key(claimed)
    texts = items.texts(lab.ledger, tuple(wanted))
    made, failed = list[Made](), list[Failed]()
    keys = [k for k in wanted if k in texts]
    for c in claimed:
        if c.key not in texts:
            failed.append(Failed(key=c.key, role=c.role, tag=c.tag, failure=FileMissing("Its text is missing.")))
    for key, vector in zip(keys, isolate(_embedding(lab, book), [texts[k] for k in keys]), strict=True):
        for c in wanted[key]:
            if isinstance(vector, Failure):
                failed.append(Failed(key=key, role=c.role, tag=c.tag, failure=vector))
            else:
                made.append(Made(key=key, role=c.role, tag=c.tag, vector=vector))
    return made, failed


_PIXEL_ITEMS = PIXEL_ROLES | {Role.ANALYSIS}
_TEXT_ITEMS = frozenset({Role.UNDERSTANDING, Role.TEXT})


def _decode(lab: Lab, keys: Sequence[str]) -> dict[str, Pixels | Failure]:
    """Pixels by content key, at the side that the most demanding model asks for."""
    side = max(lab.models.encoder.side, lab.models.analyst.side)
    files = items.sources(lab.ledger, keys)
    found = dict[str, Pixels | Failure]()
    with ExitStack() as stack:
        paths = []
        for key in keys:
            if key not in files:
                found[key] = FileMissing("Its picture is missing.", advice="Ingest its document again with --force.")
                continue
            try:
                paths.append((key, stack.enter_context(lab.files.local(files[key]))))
            except Failure as failure:
                found[key] = failure
        decoded = lab.decoders.decode([path for _, path in paths], side)
        found.update((key, picture) for (key, _), picture in zip(paths, decoded, strict=True))
    return found


def _encoding(lab: Lab) -> Callable[[Sequence[Pixels]], list[dict[Role, Vectors]]]:
    encoder = lab.models.encoder

    def encode(pictures: Sequence[Pixels]) -> list[dict[Role, Vectors]]:
        by_role = encoder.encode(pictures)
        return [{role: vectors[i] for role, vectors in by_role.items()} for i in range(len(pictures))]

    return encode


def _analysing(lab: Lab, book: Book) -> Callable[[Sequence[Pixels]], Sequence[Analysis | Failure]]:
    return lambda pictures: lab.models.analyst.analyse(pictures, book)


def _embedding(lab: Lab, book: Book) -> Callable[[Sequence[str]], list[Vectors]]:
    encoder = lab.models.text_encoder
    return lambda texts: list(encoder.embed(texts, "document", book))


def _by_key(claimed: Sequence[Claimed]) -> dict[str, list[Claimed]]:
    wanted = dict[str, list[Claimed]]()
    for c in claimed:
        wanted.setdefault(c.key, []).append(c)
    return wanted

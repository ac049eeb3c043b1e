"""Cut a document's open items into shards for a work pool, and write and load the manifest of each.

Parent and container must have the same code and settings. `store/ledger/runs.py` has the runs of shards.
"""

import hashlib
import os
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

from swatchbook.domain.errors import Configuration
from swatchbook.domain.extras import extra_of_url
from swatchbook.domain.records import BlockNames, IngestOptions, Record
from swatchbook.domain.settings import Settings
from swatchbook.domain.tracing import traceparent
from swatchbook.ingest.embed import IN_FLIGHT
from swatchbook.ingest.register import build_request
from swatchbook.ingest.run import Work
from swatchbook.resources import Resources
from swatchbook.store.ledger import run_queries, runs
from swatchbook.store.ledger.claims import Batch

_WORK_PER_START = 4  # a shard works at least so many times as long as it takes to start
_FIRST_START_SECONDS, _FIRST_IMAGE_SECONDS = 5.0, 0.2  # of two idle cores, until finished shards give measured times
_WEIGHTS = {"image": 10, "chunk": 1}


class Shard(Record):
    """Batches for one flow run. `work` is the parent's; the shard begins its own run."""

    work: Work
    number: int
    of: int
    batches: tuple[Batch, ...]
    fingerprint: str
    share: float = 1.0  # share of each provider's limits, since one shard per slot works at the same time

    @property
    def images(self) -> int:
        """Return the number of pictures in it."""
        return sum(len(batch.members) for batch in self.batches if batch.kind == "image")


def is_on_pool(settings: Settings, options: IngestOptions) -> bool:
    """Return whether a document with these options is processed in shards."""
    return (settings.execution if options.execution == "as set" else options.execution) == "pool"


def require_pool(settings: Settings, *, elsewhere: bool = False) -> None:
    """Raise Configuration if shards in containers could not reach ledger or index; `elsewhere`: or the files."""
    unshared = {
        "ledger": ("PostgreSQL (SWATCHBOOK_LEDGER_URL)", settings.ledger.startswith("sqlite")),
        "index": ("Weaviate (SWATCHBOOK_INDEX=weaviate)", settings.index == "lance"),
        "files": ("an object store (SWATCHBOOK_FILES_URL)", elsewhere and extra_of_url(settings.files) is None),
    }
    if needed := {part: needed for part, (needed, is_unshared) in unshared.items() if is_unshared}:
        raise Configuration(
            f"Shards on a work pool cannot reach the {' and the '.join(needed)} of this machine.",
            advice=f"Use {' and '.join(needed.values())}, or set SWATCHBOOK_EXECUTION=inline.",
        )


def cut_shards(resources: Resources, work: Work, batches: Sequence[Batch]) -> tuple[Shard, ...]:
    """Cut batches into as many shards as there are slots, or fewer if their work would not be worth their start.

    Batches that a process died on are in separate shards, so that another death costs only them.
    """
    each = run_queries.shard_seconds(resources.ledger, runs.SHARD) or _FIRST_IMAGE_SECONDS
    start = run_queries.shard_seconds(resources.ledger, runs.SHARD_START) or _FIRST_START_SECONDS
    least, slots = resources.settings.shards.seconds or _WORK_PER_START * start, resources.settings.shards.slots
    fingerprint = shard_fingerprint(resources.settings, work)
    work = work.model_copy(update={"trace": traceparent() or work.trace})
    apart, together = [b for b in batches if b.alone], [b for b in batches if not b.alone]

    def count(group: Sequence[Batch], most: int) -> int:
        seconds = sum(map(_weight, group)) / _WEIGHTS["image"] * each
        return min(max(int(seconds / least), 1), most, len(group))

    of_apart = count(apart, slots)
    hands = [*_deal(together, count(together, max(slots - of_apart, 1))), *_deal(apart, of_apart)]
    return tuple(
        Shard(
            work=work,
            number=number,
            of=len(hands),
            batches=tuple(hand),
            fingerprint=fingerprint,
            share=1 / resources.settings.shards.slots,
        )
        for number, hand in enumerate(hands, 1)
    )


def keep(resources: Resources, shard: Shard) -> str:
    """Store a shard's manifest and return its key in the file store."""
    return resources.files.put_bytes(shard.model_dump_json().encode(), suffix=".shard")


def open_shard(resources: Resources, key: str, blocks: BlockNames, *, flow_run: str) -> Shard:
    """Load a shard and begin its run. Raises RunRevoked if the parent's run ended, and what `load` raises.

    The groups that it has at work are together as large as a batch of its parent: a death costs no more.
    """
    shard = load(resources, key)
    options = shard.work.options
    options = options.model_copy(update={"batch_size": max(1, options.batch_size // IN_FLIGHT)})
    document, generation = shard.work.document, shard.work.run.generation
    run = runs.begin_shard(resources.ledger, document, generation, flow_run=flow_run)
    resources.take_share(shard.share)  # last: a retry would take a share of the share
    return shard.model_copy(
        update={"work": shard.work.model_copy(update={"run": run, "blocks": blocks, "options": options})}
    )


def load(resources: Resources, key: str) -> Shard:
    """Load a manifest. Raises FileMissing, and Configuration if this process has other code or settings."""
    shard = Shard.model_validate_json(resources.files.read(key))
    if shard.fingerprint != shard_fingerprint(resources.settings, shard.work):
        raise Configuration(
            "This worker has another version of Swatchbook, or other settings, than the run that cut the shard.",
            advice="Run parents and shards from one image, with the same SWATCHBOOK_* settings.",
        )
    return shard


def shard_fingerprint(settings: Settings, work: Work) -> str:
    """Return a hash of what must be the same for parent and shard: the code, and what settings and options request."""
    return hashlib.sha256(f"{code_version()}:{build_request(settings, work.options).fingerprint}".encode()).hexdigest()


@cache
def code_version(root: Path = Path(__file__).parents[1]) -> str:
    """Return the SHA-256 of the source files of `swatchbook/`, also of those that a checkout links into it."""
    digest = hashlib.sha256()
    files = (Path(folder, name) for folder, _, names in os.walk(root, followlinks=True) for name in names)
    for path in sorted(file for file in files if file.suffix == ".py"):
        digest.update(f"{path.relative_to(root)}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()


def _deal(batches: Sequence[Batch], hands: int) -> Iterator[list[Batch]]:
    """Deal consecutive batches into `hands` lists of about equal weight."""
    total, dealt, hand = sum(map(_weight, batches)), 0, list[Batch]()
    for batch in batches:
        hand.append(batch)
        dealt += _weight(batch)
        if dealt >= total / hands:
            yield hand
            total, hands, dealt, hand = total - dealt, hands - 1, 0, []
    if hand:
        yield hand


def _weight(batch: Batch) -> int:
    return len(batch.members) * _WEIGHTS[batch.kind]

"""A document's open items cut into shards: what one flow run on a work pool is given, and what it must agree on."""

import hashlib
import math
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

from swatchbook.errors import Configuration
from swatchbook.ledger import shard_runs
from swatchbook.ledger.items import Batch
from swatchbook.pipeline.register import plan_request
from swatchbook.pipeline.run import Work
from swatchbook.records import IngestOptions, Record
from swatchbook.resources import Resources
from swatchbook.settings import Settings

SHARDS_A_SLOT = 2
"""At least, while there is enough: the slots then end about together, though estimates are rough."""

_FIRST_IMAGE_SECONDS = 0.2  # until shards have told how long an image takes
_WEIGHTS = {"image": 10, "chunk": 1}


class Shard(Record):
    """Batches for one flow run. `work` is the parent's: the shard begins a run of its own."""

    work: Work
    number: int
    of: int
    batches: tuple[Batch, ...]
    fingerprint: str
    share: float = 1.0  # of each provider's limits: as many shards as the pool has slots work at once

    @property
    def images(self) -> int:
        """How many pictures are in it."""
        return sum(len(batch.members) for batch in self.batches if batch.kind == "image")


class ShardResult(Record):
    """What a shard's flow run says of itself. Its parent believes the ledger."""

    made: int
    failed: int


def is_on_pool(settings: Settings, options: IngestOptions) -> bool:
    """Whether a document with these options is made in shards."""
    return (settings.execution if options.execution == "as set" else options.execution) == "pool"


def require_pool(settings: Settings) -> None:
    """Raises Configuration where shards in containers could not reach what they write to."""
    for part, chosen, needed in (
        ("ledger", settings.ledger.startswith("sqlite"), "PostgreSQL: SWATCHBOOK_LEDGER_URL"),
        ("index", settings.index == "lance", "Weaviate: SWATCHBOOK_INDEX=weaviate"),
    ):
        if chosen:
            raise Configuration(
                f"On a work pool the {part} must be one that many machines share.",
                advice=f"Set {needed}, or SWATCHBOOK_EXECUTION=inline.",
            )


def cut_shards(resources: Resources, work: Work, batches: Sequence[Batch]) -> tuple[Shard, ...]:
    """Batches in shards of about `shard_seconds` of work, and at least two a slot while there are batches enough.

    Those that a process died at are apart: their deaths cost no others.
    """
    each = shard_runs.image_seconds(resources.ledger) or _FIRST_IMAGE_SECONDS
    fingerprint = shard_fingerprint(resources.settings, work)
    least = SHARDS_A_SLOT * resources.settings.shard_slots
    dealt = list[list[Batch]]()
    for some in ([b for b in batches if not b.alone], [b for b in batches if b.alone]):
        seconds = sum(map(_weight, some)) / _WEIGHTS["image"] * each
        dealt += _deal(some, min(max(math.ceil(seconds / resources.settings.shard_seconds), least), len(some)))
    return tuple(
        Shard(
            work=work,
            number=number,
            of=len(dealt),
            batches=tuple(hand),
            fingerprint=fingerprint,
            share=1 / resources.settings.shard_slots,
        )
        for number, hand in enumerate(dealt, 1)
    )


def keep(resources: Resources, shard: Shard) -> str:
    """Its manifest in the file store; returns the key."""
    return resources.files.put_bytes(shard.model_dump_json().encode(), suffix=".shard")


def load(resources: Resources, key: str) -> Shard:
    """A manifest. Raises FileMissing, and Configuration where this process would make something else of it."""
    shard = Shard.model_validate_json(resources.files.read(key))
    if shard.fingerprint != shard_fingerprint(resources.settings, shard.work):
        raise Configuration(
            "This worker's Swatchbook or settings are not those of the run that cut the shard.",
            advice="Run parents and shards from one image, with the same SWATCHBOOK_* settings.",
        )
    return shard


def shard_fingerprint(settings: Settings, work: Work) -> str:
    """Of all that parent and shard must agree on: the code, and what it makes under these settings and options."""
    return hashlib.sha256(f"{code_version()}:{plan_request(settings, work.options).fingerprint}".encode()).hexdigest()


@cache
def code_version() -> str:
    """SHA-256 of the domain's sources, as this process has them."""
    root, digest = Path(__file__).parent, hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        digest.update(f"{path.relative_to(root)}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()


def _deal(batches: Sequence[Batch], hands: int) -> Iterator[list[Batch]]:
    """Neighbours stay together, hands are about equal in weight."""
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

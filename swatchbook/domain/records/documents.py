"""The stages of a run with their share of the progress, the statuses of a document, and what a delete removes.

`ingest/finish_run.py` decides which status a document gets.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Literal

from pydantic import Field

from swatchbook_base.records.record import Record


class Stage(StrEnum):
    """The last stage that a document has reached, as shown to people."""

    REGISTERED = "REGISTERED"
    READ = "PAGES_READ"
    DISCOVERED = "PRODUCTS_DETECTED"
    PLANNED = "PAGES_PLANNED"
    CHUNKED = "CHUNKS_CREATED"
    EXTRACTED = "IMAGES_EXTRACTED"
    EMBEDDED = "IMAGES_EMBEDDED"
    ASSEMBLED = "PRODUCTS_CREATED"
    COMPLETED = "COMPLETED"


PROGRESS: Mapping[Stage, tuple[int, int]] = {
    Stage.REGISTERED: (0, 0),
    Stage.READ: (0, 20),
    Stage.DISCOVERED: (20, 40),
    Stage.PLANNED: (40, 42),
    Stage.CHUNKED: (42, 45),
    Stage.EXTRACTED: (45, 60),
    Stage.EMBEDDED: (60, 94),
    Stage.ASSEMBLED: (94, 98),
    Stage.COMPLETED: (98, 100),
}
"""Stage -> progress in percent at the start and at the end of the work that leads to it."""


def overall_percent(towards: Stage, done: int, total: int) -> float:
    """Return the overall progress, 0–100, of a run from its progress towards a stage."""
    start, end = PROGRESS[towards]
    return start + (end - start) * (min(1.0, done / total) if total else 0.0)


class DocumentStatus(StrEnum):
    """Status of a document. `waiting`: a run is due later by itself; `blocked`: a person must act first."""

    QUEUED = "queued"
    RUNNING = "running"
    WAITING = "waiting"
    BLOCKED = "blocked"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    DELETING = "deleting"


def stage_reached(stage: Stage, status: DocumentStatus, pending: int) -> Stage:
    """Return the stage that people are shown: what has gone through all, and of which something waits, is not over."""
    is_over = status is DocumentStatus.COMPLETED and not pending
    return Stage.EXTRACTED if stage is Stage.COMPLETED and not is_over else stage


class Trashed(Record):
    """A document in the trash. `at`: when it was deleted, in Unix seconds; products and images: how many it had."""

    document: str
    owner: str
    name: str
    kind: str
    content: str
    products: int
    images: int
    at: float


Severity = Literal["good", "active", "warning", "bad", "neutral"]
"""`good`: done, all of it. `active`: at work. `warning`: waits, or done in part. `bad`: failed, or needs a person."""


class ShownState(Record):
    """The state of a document for people."""

    word: str = Field(description="One of a few words: completed, completed with failures, waiting, failed …")
    sentence: str = Field(description="What waits or has failed, and the next try.")
    severity: Severity


class ShownProgress(Record):
    """The progress of a run: `done` of `total` units of a step (0 of 0: it counts none), and all in words."""

    step: str
    unit: str
    done: int
    total: int
    sentence: str


class Deletion(Record):
    """Counts of what a delete removes: documents, and images that no other document of the owner shows."""

    documents: int
    images: int

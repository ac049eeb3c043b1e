"""The records of a collection as a whole: its statistics, and its state (account, failures, models, runs, stage times,
throughput, costs).

All times are Unix seconds; a day is one of UTC, as YYYY-MM-DD.
"""

from typing import Any, Final, Literal

from pydantic import Field

from swatchbook.domain.records.documents import DocumentStatus, ShownState, Stage
from swatchbook.domain.records.items import Role
from swatchbook_base.records.record import Record


class ImageCounts(Record):
    """Images: found = complete + partial + failed + rejected + pending."""

    found: int
    complete: int
    partial: int
    failed: int
    rejected: int
    pending: int


class RoleCoverage(Record):
    """Counts of the items of a (role, tag), in images that request it."""

    role: Role
    tag: str
    wanted: int
    done: int
    failed: int
    rejected: int
    pending: int


class Coverage(Record):
    """The part of a collection that has vectors; an image with at least one counts."""

    total_images: int
    with_embeddings: int
    without_embeddings: int
    coverage_percentage: float
    unpublished: int
    roles: tuple[RoleCoverage, ...]
    documents: dict[str, int]  # by status, or by the word for their state
    lost_pictures: int = 0  # parts of pages that look like pictures and have no placement

    @property
    def share(self) -> str:
        """Return how many images have vectors, in words for people: of no images there is no percentage."""
        if not self.total_images:
            return "no images yet"
        return f"{self.with_embeddings} of {self.total_images} ({self.coverage_percentage:g} %)"


class Similarity(Record):
    """The mean cosine similarity of `sample` objects to their nearest neighbour in the space that searches read.

    `mean` is None where no object of the sample has a neighbour. 1 means that all have an equal one.
    """

    role: Role
    tag: str
    sample: int
    mean: float | None


class Statistics(Record):
    """The statistics of an owner's collection, or (None) of all owners. `failures`: kind -> images that failed so."""

    owner: str | None
    images: ImageCounts
    failures: dict[str, int]
    coverage: Coverage
    similarity: tuple[Similarity, ...]


SLOWER: Final = 1.3
"""How many times longer than in the week before a page or image must take for a stage to be slower."""

_MIN_RUNS = 5  # the fewest runs in each of both weeks: the median of fewer means little
_MIN_SECONDS = 1.0  # seconds of a run in the stage: a shorter time is mostly start-up


class Round(Record):
    """The results of the background loop in one round, or in `count` equal ones in a row.

    `done`: the results that are not empty, by name: `buried` runs, `launched` documents, `troubles` and so on.
    """

    began_at: float
    ended_at: float
    count: int
    done: dict[str, Any]


class StageTimes(Record):
    """The seconds of a stage in a week: the mean of a run, and the median of a page or image."""

    runs: int
    run_seconds: float
    unit_seconds: float


class StageWeek(Record):
    """The times of a stage in the last seven days, and in the seven before (None: no run reached it)."""

    stage: Stage
    now: StageTimes
    before: StageTimes | None
    is_slower: bool

    @property
    def change(self) -> float | None:
        """Return by how much of the week before a page or image takes longer: 0.3 is 30 % more."""
        return self.now.unit_seconds / self.before.unit_seconds - 1 if self.before else None

    @property
    def line(self) -> str:
        """Return it as a sentence for people."""
        if self.before is None:
            return f"{self.stage}: {self.now.unit_seconds:.3g} s for a page or image"
        return (
            f"{self.stage}: {self.now.unit_seconds:.3g} s for a page or image, {self.before.unit_seconds:.3g} s in the "
            f"week before ({self.change:+.0%})"
        )


def compare_weeks(stage: Stage, now: StageTimes, before: StageTimes | None) -> StageWeek:
    """Return the times of two weeks, and whether the stage is SLOWER, with enough runs in both weeks to say so."""
    comparable = before is not None and min(now.runs, before.runs) >= _MIN_RUNS and now.run_seconds >= _MIN_SECONDS
    is_slower = comparable and before is not None and now.unit_seconds > SLOWER * before.unit_seconds
    return StageWeek(stage=stage, now=now, before=before, is_slower=is_slower)


# --- the account ------------------------------------------------------------------------------------------------------


class OwnerState(ImageCounts):
    """The account of an owner."""

    owner: str
    documents: int


class DocumentState(ImageCounts):
    """The account of a document. `due_at`: its next try; `shown`: its state in words."""

    id: str
    name: str
    owner: str
    status: DocumentStatus
    due_at: float | None
    message: str | None = Field(default=None, description="Why it is blocked, waits or failed as a whole.")
    shown: ShownState | None = None


# --- what failed, what was made, what it cost -------------------------------------------------------------------------


class FailingKind(Record):
    """Images of which something has failed and is not made yet; `next_try`: of the first of them, None: not by itself.

    An image with two kinds of failures counts for both. `rejected` ones are tried again only by force.
    """

    kind: str
    images: int
    rejected: int
    next_try: float | None


class FailingOther(Record):
    """What is no image and has failed in one way: documents as a whole, items without a picture, pages and chunks; or
    (`index`) images and chunks that the index refused. `next_try`: of the first of them, None: not by itself.
    """

    what: Literal["document", "item", "page", "chunk", "index"]
    kind: str
    count: int
    next_try: float | None


class DailyFailures(Record):
    """Tries that failed on a day, also those that a later try made good. `role` None: the failure ended a run."""

    day: str
    owner: str
    role: Role | None
    kind: str
    count: int


class DailyWork(Record):
    """The pages or images that runs processed in a stage on a day, without those from the cache."""

    day: str
    stage: Stage
    runs: int
    units: int
    seconds: float


class DailyCost(Record):
    """Calls to a provider on a day. `unpriced`: answered calls whose cost is not known, so that it is not counted."""

    day: str
    provider: str
    model: str | None
    calls: int
    failed: int
    unpriced: int
    cost_usd: float
    tokens_in: int = 0
    tokens_out: int = 0


class ProviderState(Record):
    """The times of a provider's last answer and last failed call. It is down while only failures are recent."""

    provider: str
    state: Literal["ok", "failing"]
    answered_at: float | None
    failed_at: float | None


# --- models and runs --------------------------------------------------------------------------------------------------


class ModelVectors(Record):
    """Searchable objects with a vector by a model. `searched`: searches read it; `chosen`: by the settings.

    A model that is chosen and not searched is being introduced (`swatchbook spaces`).
    """

    role: Role
    tag: str
    objects: int
    searched: bool
    chosen: bool


class StaleVectors(Record):
    """Vectors of a role that are not by the model in the settings, and objects that have none where searches look."""

    role: Role
    stale: int
    unserved: int


class RunState(Record):
    """A run, and what followed. `stuck`: it lives and has made no progress; `crashed`: its process died, or hung.

    `failed`: a failure ended it (`failure_kind`); `stopped`: the document was cancelled or deleted, or began
    another run. `continued_at`: when the next run of its document began. `progress_age`: of a live one,
    seconds.
    """

    token: str
    document: str
    name: str
    owner: str
    kind: str
    state: Literal["live", "stuck", "crashed", "failed", "stopped", "ended"]
    stage: Stage | None
    done: int
    total: int
    note: str | None
    started_at: float
    ended_at: float | None
    progress_age: float | None
    failure_kind: str | None
    flow_run: str | None
    source: str = "pdf"
    continued_at: float | None
    document_status: DocumentStatus
    document_due_at: float | None


class CollectionState(Record):
    """The state of an owner's collection, or (None) of all owners.

    `counted`: images that documents show, counted apart from their states; the account closes if it is the sum of
    `images`. `rounds` is empty for a key that is not for all owners.
    """

    owner: str | None
    images: ImageCounts
    counted: int
    placements_hidden: int
    placements_decorative: int
    pages_skipped: int
    closes: bool = Field(description="Whether complete + partial + failed + rejected + pending = counted.")
    coverage_percentage: float
    unpublished: int
    lost_pictures: int
    to_review: int
    documents: dict[str, int]
    owners: tuple[OwnerState, ...]
    roles: tuple[RoleCoverage, ...]
    failing: tuple[FailingKind, ...]
    failing_others: tuple[FailingOther, ...] = ()
    failures: tuple[DailyFailures, ...]
    work: tuple[DailyWork, ...]
    stages: tuple[StageWeek, ...]
    costs: tuple[DailyCost, ...]
    providers: tuple[ProviderState, ...]
    vectors: tuple[ModelVectors, ...]
    stale: tuple[StaleVectors, ...]
    runs: tuple[RunState, ...]
    rounds: tuple[Round, ...]

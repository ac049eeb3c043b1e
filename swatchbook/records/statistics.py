"""The fields of the statistics of a collection."""

from swatchbook.records.items import Role
from swatchbook.records.record import Record


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
    documents: dict[str, int]  # by status
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

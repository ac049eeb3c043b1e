"""Count the images of an owner, or of all, by state and by kind of failure, with the coverage, in one pass."""

from collections import Counter

from swatchbook.ledger.database import Ledger
from swatchbook.ledger.image_states import image_groups, shown_images
from swatchbook.ledger.queries.coverage import coverage_of
from swatchbook.records import Coverage, ImageCounts, ImageState, Record


class Counts(Record):
    """The counts of a collection. `failures`: kind -> images with an item that failed in this way."""

    images: ImageCounts
    failures: dict[str, int]
    coverage: Coverage


def count_statistics(ledger: Ledger, owner: str | None = None) -> Counts:
    """Return the counts of an owner's collection, or of all owners."""
    with ledger.read() as connection:
        groups = image_groups(connection, shown_images(owner=owner))
    states, failures = Counter[str](), Counter[str]()
    for group in groups:
        states[group.state.value] += group.images
        for kind in {item.kind for item in group.items if item.kind}:
            failures[kind] += group.images
    return Counts(
        images=ImageCounts(found=states.total(), **{state.value: states[state.value] for state in ImageState}),
        failures=dict(sorted(failures.items())),
        coverage=coverage_of(ledger, groups, owner),
    )

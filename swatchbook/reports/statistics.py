"""Collect the statistics of a collection: images by state, role, tag and kind of failure, coverage, and similarity.

Similarity is, by role, the mean cosine similarity of a sample's objects to their nearest neighbours in the index.
"""

from statistics import fmean
from typing import Final

from swatchbook.index.base import Space, Where
from swatchbook.ledger.queries.samples import sample_objects
from swatchbook.ledger.queries.statistics import count_statistics
from swatchbook.ledger.spaces import active_spaces
from swatchbook.records import Role, RoleTag, Similarity, Statistics
from swatchbook.resources import Resources

SAMPLE: Final = 25
"""Objects of a role that are compared: each is a search, and the mean of more differs little."""


def collect_statistics(resources: Resources, owner: str | None = None) -> Statistics:
    """Return the statistics of an owner, or of all owners. Raises what searches raise."""
    counts = count_statistics(resources.ledger, owner)
    active = active_spaces(resources.ledger)
    return Statistics(
        owner=owner,
        images=counts.images,
        failures=counts.failures,
        coverage=counts.coverage,
        similarity=tuple(_similarity(resources, active[role].space, owner) for role in Role if role in active),
    )


def _similarity(resources: Resources, space: Space, owner: str | None) -> Similarity:
    """Compare a sample of the owner's objects, always the same one, with their neighbours of the same owner."""
    ids = sample_objects(resources.ledger, RoleTag(role=space.role, tag=space.tag), SAMPLE, owner)
    published = resources.index.fetch(space, ids)
    where = Where(owner=owner, editions="all")
    nearest = list[float]()
    for each in (published[id] for id in ids if id in published):
        others = [m for m in resources.index.search(space, each.vector, 2, where) if m.id != each.id]
        nearest += [1 - match.distance for match in others[:1] if match.distance is not None]
    mean = round(fmean(nearest), 4) if nearest else None
    return Similarity(role=space.role, tag=space.tag, sample=len(published), mean=mean)
